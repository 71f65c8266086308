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
    FROM ${loads} l ANTI JOIN (SELECT dataset, unnest(supersedes) AS object_id FROM ${loads}) s USING (dataset, object_id)
    WHERE ${isOfTable(table)}`);

const loads = ident(SYSTEM_SCHEMA, LOADS.name);
const NEWEST_FIRST = raw('ORDER BY order_key DESC, object_id DESC');

/** Before the load is recorded: which rows will leave the table with it, and what is the newest complete object. */
export interface Before {
  /** Active objects that are replaced: the object itself, and those it supersedes. */
  leaving: string[];
  newestComplete: string | undefined;
}

export async function before(session: Session, { table, objectId, dataset, supersedes }: LoadRequest): Promise<Before> {
  const ids = join([objectId, ...supersedes].map((id) => literal(id)));
  const leaving = await session.all<{ id: string }>(sql`
    SELECT object_id AS id FROM (${active(table)})
    WHERE dataset = ${literal(dataset)} AND object_id IN (${ids})`);
  return { leaving: leaving.map(({ id }) => id), newestComplete: await newestComplete(session, table) };
}

async function newestComplete(session: Session, table: TableName): Promise<string | undefined> {
  const [row] = await session.all<{ id: string }>(
    sql`SELECT object_id AS id FROM (${active(table)}) WHERE complete ${NEWEST_FIRST} LIMIT 1`,
  );
  return row?.id;
}

/** Of an object that has been recorded. */
export interface Standing {
  active: boolean;
  /** No other object is active. */
  alone: boolean;
  newest: boolean;
  /** `newest`, and valid from a later time than all others. */
  latest: boolean;
  /** An object that is active, newer and complete. */
  outdated: boolean;
  newestComplete: string | undefined;
  /** As DuckDB prints timestamps. */
  effective: string;
}

export async function standing(session: Session, { table, objectId }: LoadRequest): Promise<Standing> {
  const own = literal(objectId);
  const [row] = await session.all<{ others: number; newest: string; effective: string | null; later: boolean | null }>(
    sql`WITH a AS MATERIALIZED (${active(table)}), own AS (SELECT effective_at AS effective FROM a WHERE object_id = ${own})
      SELECT count(*) FILTER (object_id <> ${own}) AS others, (SELECT object_id FROM a ${NEWEST_FIRST} LIMIT 1) AS newest,
        (SELECT effective FROM own) AS effective,
        coalesce(max(effective_at) FILTER (object_id <> ${own}) < (SELECT effective FROM own), true) AS later
      FROM a`,
  );
  const { others, newest, effective, later } = row!;
  const complete = await newestComplete(session, table);
  return {
    active: effective !== null,
    alone: effective !== null && others === 0,
    newest: newest === objectId,
    latest: newest === objectId && later === true,
    outdated: complete !== undefined && complete !== objectId && (await isOlder(session, table, objectId, complete)),
    newestComplete: complete,
    effective: effective ?? '',
  };
}

async function isOlder(session: Session, table: TableName, object: string, than: string): Promise<boolean> {
  const [older] = await session.all<{ id: string }>(
    sql`SELECT object_id AS id FROM ${loads} WHERE ${isOfTable(table)} AND object_id IN (${literal(object)}, ${literal(than)})
      ORDER BY order_key, object_id LIMIT 1`,
  );
  return older!.id === object;
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
