/** The line of every row of the staging table, in SQL. */
import type { Jump } from '../../lib/scan/line-index.ts';
import { BLOCK_ROWS, lineBlocks, lineSteps } from '../../lib/scan/line-steps.ts';
import { raw, sql } from '../../lib/sql.ts';
import type { Engine } from '../../ports/engine.ts';
import { ValueWriter, writtenValues } from './values.ts';

export interface LineInput {
  jumps: Iterable<Jump>;
  /** Rejected records, ascending. */
  rejected: number[];
  headerRecords: number;
  /** Physical line on which the first record would be. */
  firstLine: number;
  rows: number;
}

/**
 * Where lines do not simply go on with the rows, a table `_line_steps` has one row for each 64 staging rows: joining it costs next to nothing,
 * unlike a window or an ASOF join over all rows. `path`: a file that may be written.
 */
export async function lineOfRow(
  engine: Engine,
  path: string,
  input: LineInput,
): Promise<{ sql: string; join: string }> {
  const first = input.firstLine + input.headerRecords;
  const steps = lineSteps(input.jumps, input.rejected, input.headerRecords);
  const out = await ValueWriter.create(path);
  let plain = true;
  for (const { block, base, rows, totals } of lineBlocks(steps, input.rows)) {
    plain &&= base === 0 && rows.length === 0;
    out.number(block);
    out.number(base);
    for (const list of [rows, totals]) out.text(list.length > 0 ? `[${list.join(',')}]` : undefined);
    out.endRow();
    await out.flush();
  }
  await out.close();
  if (plain) return { sql: sql`s._n + ${first}`, join: '' };
  const columns: [string, string][] = [
    ['block', 'UINTEGER'],
    ['base', 'BIGINT'],
    ['rows', 'UTINYINT[]'],
    ['totals', 'UINTEGER[]'],
  ];
  await engine.run(
    sql`CREATE OR REPLACE TEMP TABLE _line_steps AS SELECT * FROM ${raw(writtenValues(path, columns, out.longest))}`,
  );
  return {
    sql: sql`s._n + ${first} + k.base + CASE WHEN k.rows IS NULL THEN 0
      ELSE coalesce(k.totals[len(list_filter(k.rows, lambda x: x <= s._n % ${BLOCK_ROWS}))], 0) END`,
    join: sql`JOIN _line_steps k ON k.block = (s._n // ${BLOCK_ROWS})::UINTEGER`,
  };
}
