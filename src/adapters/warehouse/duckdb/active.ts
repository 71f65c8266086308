/** Which objects of a table are active, and how one of them stands among the others. */
import type { Session } from '../../../lib/duckdb.ts';
import { ident, join, literal, raw, type Sql, sql } from '../../../lib/sql.ts';
import { type LoadRequest, SYSTEM_SCHEMA, type TableName } from '../../../ports/warehouse.ts';
import { isOfTable } from './ledger.ts';
import { TEMP } from './strategies/strategy.ts';
import { LOADS } from './system-tables.ts';

/** A SELECT of `dataset, object_id, rows, order_key, effective_at, complete`. With change capture a table has a million objects: nothing here is quadratic. */
const active = (table: TableName): Sql =>
  raw(sql`SELECT dataset, object_id, rows, order_key, effective_at, coalesce(complete, false) AS complete
    FROM ${loads} l ANTI JOIN (
      SELECT dataset, unnest(supersedes) AS object_id FROM ${loads} WHERE len(supersedes) > 0) s USING (dataset, object_id)
    WHERE ${isOfTable(table)}`);

const loads = ident(SYSTEM_SCHEMA, LOADS.name);
const NEWEST_FIRST = raw('ORDER BY order_key DESC, object_id DESC');

/** Before the load is recorded: which rows will leave the table with it, and what is the newest complete object. */
export interface Before {
  /** Active objects that are replaced: the object itself, and those it supersedes. */
  leaving: string[];
  newestComplete: string | undefined;
}

/** `replay`: the object was loaded before. Undefined when the load only adds an object that is not complete: there is nothing to know. */
export async function before(session: Session, request: LoadRequest, replay: boolean): Promise<Before | undefined> {
  const { table, objectId, dataset, supersedes, complete } = request;
  if (!replay && supersedes.length === 0 && !complete) return undefined;
  const ids = join([objectId, ...supersedes].map((id) => literal(id)));
  const [row] = await session.all<{ leaving: string[] | null; newest: string | null }>(sql`
    WITH a AS MATERIALIZED (${active(table)})
    SELECT list(object_id) FILTER (dataset = ${literal(dataset)} AND object_id IN (${ids})) AS leaving,
      (SELECT object_id FROM a WHERE complete ${NEWEST_FIRST} LIMIT 1) AS newest FROM a`);
  return { leaving: row!.leaving ?? [], newestComplete: row!.newest ?? undefined };
}

/** Of an object that has been recorded. */
export interface Standing {
  active: boolean;
  /** No other object is active. */
  alone: boolean;
  newest: boolean;
  /** `newest`, and valid from a later time than all others. */
  latest: boolean;
  /** A newer active object is complete. */
  outdated: boolean;
  newestComplete: string | undefined;
  /** As DuckDB prints timestamps. */
  effective: string;
}

/** Looks at the objects that are newer, valid from later, or complete: mostly none, whatever there are in all. */
export async function standing(session: Session, request: LoadRequest): Promise<Standing> {
  const { table, objectId } = request;
  const [own, order] = [literal(objectId), literal(request.order)];
  const since = raw(sql`CAST(${literal(request.effective)} AS TIMESTAMPTZ)::TIMESTAMP`);
  const newer = raw(sql`(order_key > ${order} OR (order_key = ${order} AND object_id > ${own}))`);
  const [row] = await session.all<{
    others: number;
    newer: number;
    later: number;
    outdated: boolean | null;
    effective: string | null;
    complete: string | null;
  }>(sql`
    WITH a AS MATERIALIZED (SELECT * FROM (${active(table)}) WHERE order_key >= ${order} OR effective_at >= ${since} OR complete)
    SELECT (SELECT count(*) FROM (SELECT 1 FROM (${active(table)}) WHERE object_id <> ${own} LIMIT 1)) AS others,
      count(*) FILTER (${newer}) AS newer, count(*) FILTER (object_id <> ${own} AND effective_at >= ${since}) AS later,
      bool_or(${newer} AND complete) AS outdated, max(effective_at) FILTER (object_id = ${own}) AS effective,
      (SELECT object_id FROM a WHERE complete ${NEWEST_FIRST} LIMIT 1) AS complete
    FROM a`);
  const { effective } = row!;
  const isActive = effective !== null;
  const newest = isActive && row!.newer === 0;
  return {
    active: isActive,
    alone: isActive && row!.others === 0,
    newest,
    latest: newest && row!.later === 0,
    outdated: row!.outdated ?? false,
    newestComplete: row!.complete ?? undefined,
    effective: effective ?? '',
  };
}

/** Fills `TEMP.active`, with the object alone where nothing depends on the others. `fromBase`: objects older than the newest complete one do not count. */
export async function rankObjects(
  session: Session,
  { table, strategy, objectId }: LoadRequest,
  { all, fromBase }: { all: boolean; fromBase: boolean },
): Promise<void> {
  const which = all ? raw('true') : raw(sql`object_id = ${literal(objectId)}`);
  const lists = raw(strategy.deletes ? 'true' : 'complete');
  await session.run(sql`
    CREATE TEMP TABLE ${TEMP.active} AS
    WITH a AS (
      SELECT object_id, rows, effective_at AS effective, row_number() OVER (ORDER BY order_key, object_id) AS rank, ${lists} AS complete
      FROM (${active(table)}) WHERE ${which})
    SELECT object_id, rows, rank, effective,
      coalesce(max(CASE WHEN complete THEN rank END) OVER (ORDER BY rank ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), 0) AS epoch,
      min(CASE WHEN complete THEN rank END) OVER (ORDER BY rank ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS next_complete,
      min(CASE WHEN complete THEN effective END) OVER (ORDER BY rank ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS known
    FROM a ${fromBase ? raw('QUALIFY next_complete IS NULL') : raw('')}`);
}

/** What is in `TEMP.active`, from old to new. */
export async function activeObjects(session: Session): Promise<{ objectId: string; rows: number }[]> {
  return await session.all(sql`SELECT object_id AS "objectId", rows FROM ${TEMP.active} ORDER BY rank`);
}
