/**
 * Staging: one pass of the engine over a payload gives typed rows and the marks of every check, as Parquet in scratch.
 * Rows are in payload order, so that the row number of the file leads back to the line.
 */
import { join } from 'node:path';
import { GranaryError } from '../../lib/errors.ts';
import { literal, raw, sql } from '../../lib/sql.ts';
import { plural } from '../../lib/units.ts';
import type { Engine } from '../../ports/engine.ts';
import {
  type Attempt,
  type Format,
  PARSE_REJECTS,
  type PayloadFacts,
  type Relation,
  type Settlement,
} from '../../ports/format.ts';
import type { Payload } from '../verify/payloads.ts';
import { TRANSFORMED } from './checks.ts';
import type { Plan } from './plan.ts';
import type { TransformRun } from './transform.ts';

/** Cheap to write and to read again; it lives for one curation. Version 2 pages without dictionaries take a fifth less time than the defaults. */
const STAGING_PARQUET = 'FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1';
/** The same in smaller row groups: a part has few, and what a statement holds of them stays with the process for the next one. */
const PART_PARQUET = `${STAGING_PARQUET}, ROW_GROUP_SIZE 30720`;

export interface StagedPayload {
  payload: Payload;
  /** The files of its rows, in order. */
  paths: string[];
  rows: number;
  settlement: Settlement;
  /** The attempt that accounted for every record: `fast` or `lossless`, by the format. */
  attempt: string;
  /** Do the files hold `_line` and `_n` themselves? */
  holds: { line: boolean; number: boolean };
  textColumns: string[];
}

export interface StagingInput {
  engine: Engine;
  format: Format<unknown>;
  config: unknown;
  plan: Plan;
  payload: Payload;
  /** Of the records this dataset reads. */
  facts: PayloadFacts;
  /** The payload as a local file. */
  path: string;
  index: Uint8Array | undefined;
  /** Values of the named parts of the file name. */
  constants: Record<string, string>;
  scratch: string;
  /** What rows go through once they are typed. */
  transform: TransformRun | undefined;
  signal: AbortSignal | undefined;
}

/** Tries the format's attempts until one accounts for every record. */
export async function stagePayload(input: StagingInput): Promise<StagedPayload> {
  const { engine, format, payload } = input;
  const attempts = await attemptsOf(input);
  for (const [i, attempt] of attempts.entries()) {
    const last = i === attempts.length - 1;
    await engine.run(`DROP TABLE IF EXISTS ${PARSE_REJECTS}`);
    try {
      const staged = await stageOnce(input, attempt, i);
      if (staged) return staged;
    } catch (e) {
      const engineRefused = e instanceof GranaryError && e.code === 'curate.failed' && !e.transient;
      if (last || !engineRefused) throw e;
    }
  }
  throw new GranaryError(
    'books.imbalance',
    `${payload.name}: no reader of format ${format.type} accounts for ${plural(input.facts.records, 'record')}.`,
    {
      hint: 'Nothing was published. Please report this with the file: it is a defect of Granary.',
    },
  );
}

export function attemptsOf(input: StagingInput): Promise<Attempt[]> {
  const { engine, format, path, config, plan, facts, index, scratch, payload, signal } = input;
  return format.read({
    engine,
    path,
    config,
    columns: plan.readColumns,
    facts,
    ...(index && { index }),
    scratch,
    header: payload.header ?? undefined,
    ...(signal && { signal }),
  });
}

async function stageOnce(input: StagingInput, attempt: Attempt, i: number): Promise<StagedPayload | undefined> {
  const { engine, plan } = input;
  const numbered = plan.joins || input.transform !== undefined;
  if (attempt.parts && !numbered) return await stageParts(input, attempt, attempt.parts(), i);
  const path = join(input.scratch, `staged-${i}.parquet`);
  const relation = await attempt.prepare();
  const line = relation.hasLine ? ['_line'] : [];
  const { sql: typed, textColumns } = plan.typedSelect(relation.sql, relation.typed, line, input.constants);
  const keep = [...textColumns, ...line];
  const first = numbered ? join(input.scratch, `typed-${i}.parquet`) : path;
  await engine.run(copy(numbered ? typed : plan.judgedSelect(typed, keep), first));
  const rows = await parquetRows(engine, [first]);
  const settlement = await attempt.settle(rows);
  if (settlement === 'mismatch') return undefined;
  if (numbered) await judgeNumbered(input, first, path, keep);
  return {
    payload: input.payload,
    paths: [path],
    rows,
    settlement,
    attempt: attempt.name,
    holds: { line: relation.hasLine, number: numbered },
    textColumns,
  };
}

/** The engine stages one part while the format makes the next. */
async function stageParts(
  { engine, plan, constants, scratch, payload }: StagingInput,
  attempt: Attempt,
  parts: AsyncIterable<Relation>,
  i: number,
): Promise<StagedPayload | undefined> {
  const paths: string[] = [];
  const holds = { line: false, number: true };
  let textColumns: string[] = [];
  let staging = Promise.resolve();
  let isBroken = false;
  const restore = await leaveOneCore(engine);
  try {
    for await (const relation of parts) {
      if (isBroken) break;
      const lineage = relation.hasLine ? ['_line', '_n'] : ['_n'];
      const typed = plan.typedSelect(relation.sql, relation.typed, lineage, constants);
      ({ textColumns } = typed);
      holds.line = relation.hasLine;
      const path = join(scratch, `staged-${i}-${paths.length}.parquet`);
      const statement = copy(plan.judgedSelect(typed.sql, [...textColumns, ...lineage]), path, PART_PARQUET);
      staging = staging.then(() => engine.run(statement));
      // It is awaited below, and its error is thrown there.
      staging.catch(() => {
        isBroken = true;
      });
      paths.push(path);
    }
  } finally {
    await staging.catch(() => {});
    await restore();
  }
  await staging;
  const rows = await parquetRows(engine, paths);
  const settlement = await attempt.settle(rows);
  return settlement === 'mismatch'
    ? undefined
    : { payload, paths, rows, settlement, attempt: attempt.name, holds, textColumns };
}

/** To whoever makes the parts: threads of the engine that have no core of their own cost more than they bring. Returns what undoes it. */
export async function leaveOneCore(engine: Engine): Promise<() => Promise<void>> {
  const [row] = await engine.all<{ threads: number }>("SELECT current_setting('threads')::INTEGER AS threads");
  const { threads } = row!;
  if (threads < 2) return async () => {};
  await engine.run(`SET threads = ${threads - 1}`);
  return () => engine.run(`SET threads = ${threads}`);
}

/** Statement that writes rows as a file in scratch. */
export const copy = (select: string, path: string, how = STAGING_PARQUET): string =>
  sql`COPY (${raw(select)}) TO ${literal(path)} (${raw(how)})`;

/** From typed rows, in their order, to staging rows: by way of the transform and the joins, which leave no order. */
async function judgeNumbered(
  { engine, plan, transform, scratch, signal }: StagingInput,
  typed: string,
  path: string,
  kept: string[],
): Promise<void> {
  const numbered = sql`SELECT file_row_number AS _n, * EXCLUDE (file_row_number) FROM read_parquet(${literal(typed)}, file_row_number = true)`;
  const keep = [...kept, '_n'];
  if (!transform) return engine.run(copy(plan.judgedSelect(numbered, keep), path));
  const rows = await transform({ engine, rows: numbered, scratch, signal });
  const said = [TRANSFORMED.filtered, TRANSFORMED.refused];
  return engine.run(copy(plan.judgedSelect(rows, [...keep, ...said]), path));
}

/** Of all of these files together. */
export async function parquetRows(engine: Engine, paths: readonly string[]): Promise<number> {
  if (paths.length === 0) return 0;
  const [row] = await engine.all<{ n: number }>(
    sql`SELECT coalesce(sum(num_rows), 0)::BIGINT AS n FROM parquet_file_metadata(${literal(paths)})`,
  );
  return row!.n;
}

/** A table expression over a staged payload with `_p` (its ordinal), `_n` (row number in staging) and `_line`. */
export function resolved(staged: StagedPayload, ordinal: number): string {
  const file = staged.holds.number
    ? sql`read_parquet(${literal(staged.paths)})`
    : sql`(SELECT file_row_number AS _n, * EXCLUDE (file_row_number) FROM read_parquet(${literal(staged.paths)}, file_row_number = true))`;
  if (staged.holds.line) return `(SELECT ${ordinal}::INTEGER AS _p, s.* FROM ${file} s)`;
  const line = staged.settlement.line ?? { sql: 's._n + 1', join: '' };
  return `(SELECT ${ordinal}::INTEGER AS _p, s.*, (${line.sql})::BIGINT AS _line FROM ${file} s ${line.join})`;
}
