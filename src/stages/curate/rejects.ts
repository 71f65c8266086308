/** Rejects: for every refused row its line, rule, reason and raw text, as Parquet. */

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { literal, raw, sql } from '../../lib/sql.ts';
import type { Engine } from '../../ports/engine.ts';
import { type Check, isBroken, rejectedCondition } from './checks.ts';
import type { StagedPayload } from './staging.ts';
import { UNIQUE_BREAKS } from './whole-object.ts';

/** Parse rejects of all payloads: `_p, line, rule, column, reason, raw`. The rule is named as in the books: `type(column)`, where the format says which. */
export const ALL_PARSE_REJECTS = '_all_parse_rejects';

const RAW_BATCH = 500_000;
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
  /** Names in the file of masked columns: reasons do not show their values either. */
  maskedSources: ReadonlySet<string>;
  /** The object is an archive: rejects name the member. */
  archive: boolean;
  scratch: string;
}

/** Marks the refused rows with their reasons, in the engine: `_bad`, and in `_lines` where they are. */
export async function markRejects(input: RejectsInput): Promise<void> {
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
}

/** Writes `rejects.parquet` into `folder`: one row per reason, by payload and line. After `markRejects` and `collectRawTexts`. */
export async function writeRejects(input: RejectsInput, texts: string, folder: string): Promise<void> {
  const { engine } = input;
  await engine.run(
    sql`CREATE OR REPLACE TEMP TABLE _raw AS SELECT p AS _p, line, raw FROM read_json(${literal(texts)}, format = 'newline_delimited', maximum_object_size = 4194304, columns = {p: 'INTEGER', line: 'BIGINT', raw: 'VARCHAR'})`,
  );
  const hidden = [...input.maskedSources].map((c) => literal(c).text).join(', ');
  const parseReason = hidden
    ? `CASE WHEN "column" IN (${hidden}) THEN 'not of its type (masked)' ELSE reason END`
    : 'reason';
  const members = input.staged.map((s, p) => sql`(${p}, ${literal(input.archive ? s.payload.name : null)}::VARCHAR)`);
  const target = join(folder, 'rejects.parquet');
  await engine.run(sql`
    COPY (
      SELECT ${literal(input.object)} AS object, ${literal(input.dataset)} AS dataset, ${literal(input.curation)} AS curation, m.member, r.line, r.rule, r."column", r.severity, r.reason,
             ${raw(input.hideRaw ? 'NULL::VARCHAR' : 'r.raw')} AS raw
      FROM (
        SELECT _p, line, rule, "column", 'reject' AS severity, ${raw(parseReason)} AS reason, raw FROM ${raw(ALL_PARSE_REJECTS)}
        UNION ALL
        SELECT b._p, b._line, b.w.rule, b.w."column", b.w.severity, b.w.reason, t.raw FROM (SELECT _p, _line, unnest(why) AS w FROM _bad) b LEFT JOIN _raw t ON t._p = b._p AND t.line = b._line
        UNION ALL
        SELECT u._p, u._line, u.rule, u."column", u.severity, u.reason, t.raw FROM ${raw(UNIQUE_BREAKS)} u LEFT JOIN _raw t ON t._p = u._p AND t.line = u._line WHERE u.severity <> 'warn'
      ) r JOIN (VALUES ${raw(members.join(', '))}) m(p, member) ON m.p = r._p
      ORDER BY r._p, r.line, r.rule
    ) TO ${literal(target)} (FORMAT parquet, COMPRESSION zstd)`);
}

/**
 * Collects the text of every line in `_lines` in a file, in batches, each payload read forward once. It hardly asks the engine, which can
 * write the accepted rows meanwhile. Returns the file.
 */
export async function collectRawTexts(input: RejectsInput): Promise<string> {
  const { engine } = input;
  const path = join(input.scratch, 'raw.ndjson');
  const out = createWriteStream(path, { highWaterMark: 1 << 20 });
  for (let from = 0; !input.hideRaw; from += RAW_BATCH) {
    const rows = await engine.all<{ _p: number; _line: number }>(
      `SELECT _p, _line FROM _lines WHERE rowid >= ${from} AND rowid < ${from + RAW_BATCH} ORDER BY _p, _line`,
    );
    if (rows.length === 0) break;
    for (const [p, group] of Map.groupBy(rows, (r) => r._p)) {
      for await (const { line, raw: text } of input.staged[p]!.settlement.rawText(group.map((r) => r._line))) {
        if (text === undefined) continue;
        if (!out.write(`${JSON.stringify({ p, line, raw: text.slice(0, RAW_LIMIT) })}\n`)) await once(out, 'drain');
      }
    }
    if (rows.length < RAW_BATCH) break;
  }
  out.end();
  await once(out, 'finish');
  return path;
}
