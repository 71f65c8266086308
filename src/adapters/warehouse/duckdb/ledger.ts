/** `granary.loads`: which objects each table was made of, and the result of loading each. */
import type { Session } from '../../../lib/duckdb.ts';
import { GranaryError } from '../../../lib/errors.ts';
import { ident, join, literal, raw, type Sql, sql } from '../../../lib/sql.ts';
import {
  type LoadRequest,
  type LoadResult,
  type LoadStrategy,
  SYSTEM_SCHEMA,
  type TableName,
} from '../../../ports/warehouse.ts';
import { deletedColumn } from './evolve.ts';
import { LOADS } from './system-tables.ts';
import type { HighestVersion } from './versions.ts';

const loads = ident(SYSTEM_SCHEMA, LOADS.name);

export interface RecordedLoad extends LoadResult {
  curationId: string;
  table: TableName;
  supersedes: string[];
}

export async function findLoad(session: Session, request: LoadRequest): Promise<RecordedLoad | undefined> {
  const [row] = await session.all<{
    curation_id: string;
    table_schema: string;
    table_name: string;
    supersedes: string[];
    inserted: number;
    deduplicated: number;
    replaced: number;
    table_rows: number;
  }>(sql`SELECT * FROM ${loads} WHERE ${isLoadOf(request)}`);
  return (
    row && {
      curationId: row.curation_id,
      table: { schema: row.table_schema, name: row.table_name },
      supersedes: row.supersedes,
      inserted: row.inserted,
      deduplicated: row.deduplicated,
      replaced: row.replaced,
      tableRows: row.table_rows,
      recorded: true,
    }
  );
}

/**
 * Writes the record of a load, in place of an earlier curation's. The result comes later (`recordResult`), because what is active, and so
 * what the load has to do, follows from the record. What an object once superseded stays superseded.
 */
export async function recordLoad(
  session: Session,
  request: LoadRequest,
  earlier: RecordedLoad | undefined,
): Promise<void> {
  const { table } = request;
  const supersedes = [...new Set([...(earlier?.supersedes ?? []), ...request.supersedes])];
  const sequence = sql`SELECT coalesce(max(load_seq), 0) + 1 FROM ${loads}`;
  const [next] = await session.all<{ seq: number }>(sql`SELECT (${raw(sequence)}) AS seq`);
  await session.run(sql`DELETE FROM ${loads} WHERE ${isLoadOf(request)}`);
  await session.run(sql`
    INSERT INTO ${loads} BY NAME SELECT
      ${literal(request.objectId)} AS object_id, ${literal(request.dataset)} AS dataset, ${literal(request.tenant)} AS tenant,
      ${literal(table.schema)} AS table_schema, ${literal(table.name)} AS table_name, ${literal(request.curationId)} AS curation_id,
      ${literal(request.order)} AS order_key, CAST(${literal(request.effective)} AS TIMESTAMPTZ)::TIMESTAMP AS effective_at,
      ${literal(strategyText(request.strategy))} AS strategy, ${literal(supersedes)}::VARCHAR[] AS supersedes,
      ${request.rows} AS rows, ${next!.seq} AS load_seq, now() AS loaded_at, ${literal(request.complete ?? false)} AS complete`);
}

/** `highest`: see `compareVersions`. */
export async function recordResult(
  session: Session,
  request: LoadRequest,
  result: LoadResult,
  highest: HighestVersion | undefined,
): Promise<void> {
  await session.run(sql`
    UPDATE ${loads} SET inserted = ${result.inserted}, deduplicated = ${result.deduplicated}, replaced = ${result.replaced},
      table_rows = ${result.tableRows}, highest_version = ${literal(highest ?? null)}::VARCHAR[] WHERE ${isLoadOf(request)}`);
}

/**
 * Rows are found by their object alone, so an object fills a table once; and what leaves must leave the table that this load is about.
 * Errors: `load.failed`.
 */
export async function verifyTarget(session: Session, request: LoadRequest): Promise<void> {
  const ids = [request.objectId, ...request.supersedes];
  const [other] = await session.all<{ object_id: string; dataset: string; schema: string; name: string }>(sql`
    SELECT object_id, dataset, table_schema AS schema, table_name AS name FROM ${loads}
    WHERE object_id IN (${join(ids.map((id) => literal(id)))}) AND (
      (dataset = ${literal(request.dataset)} AND NOT (${isOfTable(request.table)}))
      OR (dataset <> ${literal(request.dataset)} AND object_id = ${literal(request.objectId)} AND ${isOfTable(request.table)}))
    LIMIT 1`);
  if (!other) return;
  throw new GranaryError(
    'load.failed',
    `Object ${other.object_id} was loaded into ${other.schema}.${other.name} by dataset ${other.dataset}; dataset ${request.dataset} cannot load ${request.objectId} into ${request.table.schema}.${request.table.name}.`,
    {
      where: { object: request.objectId },
      hint: 'Give the dataset its former table, or load it as a new dataset.',
    },
  );
}

export interface LatestLoad {
  strategy: string;
  tableRows: number;
  highestVersion: HighestVersion | null;
}

/** What the latest load of a table says of it: the strategy that its rows follow, how many there are, how far versions have come. Undefined before the first load. */
export async function latestLoad(session: Session, table: TableName): Promise<LatestLoad | undefined> {
  const [latest] = await session.all<{ [name in keyof LatestLoad]: LatestLoad[name] }>(sql`
    SELECT strategy, table_rows AS "tableRows", highest_version AS "highestVersion" FROM ${loads}
    WHERE ${isOfTable(table)} ORDER BY load_seq DESC LIMIT 1`);
  return latest;
}

/** Strategies that say the same have the same text. */
export function strategyText(loadStrategy: LoadStrategy): string {
  const { strategy, key, version, partition, deletes } = loadStrategy;
  const deleted = deletedColumn(loadStrategy);
  return JSON.stringify({
    strategy,
    key: key ?? [],
    version: version ?? [],
    partition: partition ?? [],
    deletes: deletes ?? false,
    ...(deleted !== undefined && { deleted }),
  });
}

/** See `Warehouse.tableVersion`. */
export async function versionOf(session: Session, table: TableName): Promise<string> {
  const [row] = await session.all<{ version: string }>(
    sql`SELECT coalesce(max(load_seq), 0)::VARCHAR AS version FROM ${loads} WHERE ${isOfTable(table)}`,
  );
  return row!.version;
}

const isLoadOf = (r: LoadRequest): Sql =>
  raw(sql`object_id = ${literal(r.objectId)} AND dataset = ${literal(r.dataset)}`);

export const isOfTable = (t: TableName): Sql =>
  raw(sql`table_schema = ${literal(t.schema)} AND table_name = ${literal(t.name)}`);
