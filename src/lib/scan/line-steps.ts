/** From the number of a row to the line it came from, where rejected records, blank lines and records of several lines lie between. */
import type { Jump } from './line-index.ts';

/** From row `at` (0-based) on, a row's line is `at the first row + its number + total`. */
export interface LineStep {
  at: number;
  total: number;
}

/**
 * Rows are the records of data that were not rejected, in order. `rejected`: their record numbers, ascending; `headerRecords`: how many records
 * come before the first of data. Steps come in order of `at`, and of `total` where `at` is the same: the last one counts.
 */
export function* lineSteps(
  jumps: Iterable<Jump>,
  rejected: Iterable<number>,
  headerRecords: number,
): Generator<LineStep> {
  const jump = jumps[Symbol.iterator]();
  let next = jump.next();
  let total = 0;
  let before = 0;
  function* upTo(record: number): Generator<LineStep> {
    for (; !next.done && next.value.record <= record; next = jump.next()) {
      total += next.value.extra;
      yield { at: Math.max(0, next.value.record - headerRecords - before), total };
    }
  }
  for (const record of rejected) {
    yield* upTo(record);
    total++;
    yield { at: record - headerRecords - before, total };
    before++;
  }
  yield* upTo(Number.POSITIVE_INFINITY);
}

/** Rows of a block share one entry of the table that leads from rows to lines. */
export const BLOCK_ROWS = 64;

/** The lines of `BLOCK_ROWS` rows: row `i` of the block (from 0) adds `base`, and the last of `totals` whose row in `rows` is at most `i`. */
export interface LineBlock {
  block: number;
  base: number;
  rows: number[];
  totals: number[];
}

/** Every block of so many rows, in order. */
export function* lineBlocks(steps: Iterable<LineStep>, rowCount: number): Generator<LineBlock> {
  const blocks = Math.ceil(rowCount / BLOCK_ROWS);
  let current: LineBlock = { block: 0, base: 0, rows: [], totals: [] };
  let total = 0;
  for (const step of steps) {
    const block = Math.floor(step.at / BLOCK_ROWS);
    for (
      ;
      current.block < Math.min(block, blocks);
      current = { block: current.block + 1, base: total, rows: [], totals: [] }
    )
      yield current;
    if (block >= blocks) break; // after the last row
    const row = step.at % BLOCK_ROWS;
    total = step.total;
    if (current.rows.at(-1) === row) current.totals[current.totals.length - 1] = total - current.base;
    else {
      current.rows.push(row);
      current.totals.push(total - current.base);
    }
  }
  for (; current.block < blocks; current = { block: current.block + 1, base: total, rows: [], totals: [] })
    yield current;
}
