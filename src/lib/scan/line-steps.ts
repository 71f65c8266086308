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
