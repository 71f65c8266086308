/** The line of every row of the staging table, in SQL. */
import type { Jump } from '../../lib/scan/line-index.ts';
import { lineSteps } from '../../lib/scan/line-steps.ts';
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
  const steps = await ValueWriter.create(path);
  for (const { at, total } of lineSteps(input.jumps, input.rejected, input.headerRecords)) {
    steps.number(at);
    steps.number(total);
    steps.endRow();
    await steps.flush();
  }
  await steps.close();
  if (steps.rows === 0) return { sql: sql`s._n + ${first}`, join: '' };
  const written = writtenValues(
    path,
    [
      ['step', 'BIGINT'],
      ['total', 'BIGINT'],
    ],
    0,
  );
  await engine.run(sql`CREATE OR REPLACE TEMP TABLE _line_steps AS
    WITH steps AS (SELECT step, max(total) AS total FROM ${raw(written)} GROUP BY step),
    packed AS (SELECT step >> 6 AS block, list({step: step, total: total} ORDER BY step) AS steps, max(total) AS last FROM steps GROUP BY block),
    blocks AS (SELECT range AS block FROM range(${Math.floor(input.rows / 64) + 1}))
    SELECT block::UINTEGER AS block, steps,
      coalesce(max(last) OVER (ORDER BY block ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS base
    FROM blocks LEFT JOIN packed USING (block)`);
  return {
    sql: sql`s._n + ${first} + CASE WHEN k.steps IS NULL THEN k.base
      ELSE coalesce(list_filter(k.steps, lambda x: x.step <= s._n)[-1].total, k.base) END`,
    join: 'JOIN _line_steps k ON k.block = (s._n >> 6)::UINTEGER',
  };
}
