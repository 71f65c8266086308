/** Rejects: for every refused row its line, rule, reason and raw text, as Parquet. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { literal, raw, sql } from '../../lib/sql.ts';
import type { Engine } from '../../ports/engine.ts';
import { type Check, isBroken, rejectedCondition } from './checks.ts';
import type { StagedPayload } from './staging.ts';
import { UNIQUE_BREAKS } from './whole-object.ts';

/** Parse rejects of all payloads: `_p, line, rule, column, reason, raw`. */
export const ALL_PARSE_REJECTS = '_all_parse_rejects';

const RAW_BATCH = 100_000;
const RAW_LIMIT = 64 * 1024;

export interface RejectsInput {
  engine: Engine;
  /** Table expression of all staged rows, with `_p`, `_n` and `_line`. */
  all: string;
  checks: Check[];
  staged: StagedPayload[];
  object: string;
  dataset: string;
  curation: string;
  /** Raw text may hold values that are masked in the table: then it is left out here and stays in the landed object only. */
  hideRaw: boolean;
  /** The object is an archive: rejects name the member. */
  archive: boolean;
  scratch: string;
}

/** Writes `rejects.parquet` into `folder`: one row per reason, by payload and line. Returns how many reasons there are. */
export async function writeRejects(input: RejectsInput, folder: string): Promise<number> {
  const { engine, checks } = input;
  const textColumns = new Set(input.staged.flatMap((s) => s.textColumns));
  const reasons = checks
    .map((c, i) => ({ c, i }))
    .filter(({ c }) => (c.effect === 'type' ? textColumns.has(c.textColumn!) : c.effect === 'reject'))
    .map(
      ({ c, i }) =>
        sql`CASE WHEN ${raw(isBroken(i))} THEN {rule: ${literal(c.rule)}, "column": ${literal(c.column)}, severity: ${literal(c.severity)}, reason: coalesce(${raw(c.reason)}, '')} END`,
    );
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE _bad AS SELECT _p, _line, ${reasons.length > 0 ? `list_filter([${reasons.join(', ')}], lambda w: w IS NOT NULL)` : '[]'}::STRUCT(rule VARCHAR, "column" VARCHAR, severity VARCHAR, reason VARCHAR)[] AS why FROM ${input.all} WHERE ${rejectedCondition(checks)} ORDER BY _p, _line`,
  );
  await engine.run(
    `CREATE OR REPLACE TEMP TABLE _lines AS SELECT DISTINCT _p, _line FROM (SELECT _p, _line FROM _bad UNION ALL SELECT _p, _line FROM ${UNIQUE_BREAKS} WHERE severity <> 'warn') ORDER BY ALL`,
  );
  await loadRawTexts(input);
  const members = input.staged.map((s, p) => sql`(${p}, ${literal(input.archive ? s.payload.name : null)}::VARCHAR)`);
  const target = join(folder, 'rejects.parquet');
  await engine.run(sql`
    COPY (
      SELECT ${literal(input.object)} AS object, ${literal(input.dataset)} AS dataset, ${literal(input.curation)} AS curation, m.member, r.line, r.rule, r."column", r.severity, r.reason,
             ${raw(input.hideRaw ? 'NULL::VARCHAR' : 'r.raw')} AS raw
      FROM (
        SELECT _p, line, rule, "column", 'reject' AS severity, reason, raw FROM ${raw(ALL_PARSE_REJECTS)}
        UNION ALL
        SELECT b._p, b._line, b.w.rule, b.w."column", b.w.severity, b.w.reason, t.raw FROM (SELECT _p, _line, unnest(why) AS w FROM _bad) b LEFT JOIN _raw t ON t._p = b._p AND t.line = b._line
        UNION ALL
        SELECT u._p, u._line, u.rule, u."column", u.severity, u.reason, t.raw FROM ${raw(UNIQUE_BREAKS)} u LEFT JOIN _raw t ON t._p = u._p AND t.line = u._line WHERE u.severity <> 'warn'
      ) r JOIN (VALUES ${raw(members.join(', '))}) m(p, member) ON m.p = r._p
      ORDER BY r._p, r.line, r.rule
    ) TO ${literal(target)} (FORMAT parquet, COMPRESSION zstd)`);
  const [row] = await engine.all<{ n: number }>(
    sql`SELECT coalesce(sum(num_rows), 0)::BIGINT AS n FROM parquet_file_metadata(${literal(target)})`,
  );
  return row!.n;
}

/** Fills `_raw(_p, line, raw)` with the text of every line in `_lines`, in batches, each payload read forward once. */
async function loadRawTexts(input: RejectsInput): Promise<void> {
  const { engine } = input;
  const path = join(input.scratch, 'raw.ndjson');
  const out = createWriteStream(path, { highWaterMark: 1 << 20 });
  const [{ n: total } = { n: 0 }] = await engine.all<{ n: number }>('SELECT count(*) AS n FROM _lines');
  for (let from = 0; from < total && !input.hideRaw; from += RAW_BATCH) {
    const rows = await engine.all<{ _p: number; _line: number }>(
      `SELECT _p, _line FROM _lines WHERE rowid >= ${from} AND rowid < ${from + RAW_BATCH} ORDER BY _p, _line`,
    );
    for (const [p, group] of Map.groupBy(rows, (r) => r._p)) {
      for await (const { line, raw: text } of input.staged[p]!.settlement.rawText(group.map((r) => r._line))) {
        if (text === undefined) continue;
        if (!out.write(`${JSON.stringify({ p, line, raw: text.slice(0, RAW_LIMIT) })}\n`)) await once(out, 'drain');
      }
    }
  }
  out.end();
  await once(out, 'finish');
  await engine.run(
    sql`CREATE OR REPLACE TEMP TABLE _raw AS SELECT p AS _p, line, raw FROM read_json(${literal(path)}, format = 'newline_delimited', maximum_object_size = 4194304, columns = {p: 'INTEGER', line: 'BIGINT', raw: 'VARCHAR'})`,
  );
}
