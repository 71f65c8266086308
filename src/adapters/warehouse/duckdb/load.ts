/** One load: everything that happens in its transaction. */
import type { Session } from '../../../lib/duckdb.ts';
import { GranaryError } from '../../../lib/errors.ts';
import { ident, join, literal, raw, type Sql, sql } from '../../../lib/sql.ts';
import { LINEAGE } from '../../../model/schema.ts';
import { type LoadRequest, type LoadResult, type LoadStrategy, SYSTEM_SCHEMA } from '../../../ports/warehouse.ts';
import { planEvolution, readColumns } from './evolve.ts';
import { parquet, rowsOf, verifyIncoming } from './incoming.ts';
import {
  type ActiveObject,
  activeObjects,
  findLoad,
  recordLoad,
  recordResult,
  strategyText,
  tableStrategy,
  verifyTarget,
} from './ledger.ts';
import { append } from './strategies/append.ts';
import { merge } from './strategies/merge.ts';
import { replace } from './strategies/replace.ts';
import { replacePartition } from './strategies/replace-partition.ts';
import { snapshot } from './strategies/snapshot.ts';
import { type Change, matches, type Plan, ranked, type Strategy, type Target, TEMP } from './strategies/strategy.ts';
import { REJECTS } from './system-tables.ts';

const STRATEGIES: Record<LoadStrategy['strategy'], Strategy> = {
  append,
  replace,
  merge,
  snapshot,
  replace_partition: replacePartition,
};

/** Runs within a transaction that the caller commits, or rolls back when this throws. See `Warehouse.load`. */
export async function load(session: Session, request: LoadRequest): Promise<LoadResult> {
  const { table, objectId } = request;
  verifyRequest(request);
  const earlier = await findLoad(session, request);
  if (earlier?.curationId === request.curationId) return resultOf(earlier);
  await verifyTarget(session, request);

  const evolution = planEvolution(request, await readColumns(session, table));
  for (const statement of evolution.statements) await session.run(statement);
  await verifyIncoming(session, request);

  const target: Target = {
    table: ident(table.schema, table.name),
    columns: evolution.columns,
    strategy: request.strategy,
  };
  const strategyBefore = await tableStrategy(session, table);
  const before = await activeObjects(session, table);
  await recordLoad(session, request, earlier);
  const active = await activeObjects(session, table);
  await rankObjects(session, active);

  const countBefore = await countRows(session, target, objectId);
  const isActive = active.some((o) => o.objectId === objectId);
  const files = isActive ? request.files : [];
  const leaving = before
    .map((o) => o.objectId)
    .filter((id) => id === objectId || !active.some((o) => o.objectId === id));
  const change: Change = {
    target,
    incoming: await rowsOf(session, files, target.columns),
    leaving,
    alone: isActive && active.length === 1 && leaving.length === 0,
    ...position(active, objectId),
  };
  const sameStrategy = strategyBefore === undefined || strategyBefore === strategyText(request.strategy);
  const strategy = STRATEGIES[request.strategy.strategy];
  const plan: Plan = sameStrategy ? strategy.plan(change) : { statements: [], rebuild: 'all' };
  await inOrder(session, request.ordered ?? false, async () => {
    for (const statement of plan.statements) await session.run(statement);
    if (plan.rebuild) await rebuild(session, strategy, target, plan.rebuild, active, request);
  });

  const count = await countRows(session, target, objectId);
  verifyCount(request, count.own, isActive);
  const result: LoadResult = {
    inserted: count.own,
    deduplicated: request.rows - count.own,
    replaced: Math.max(0, countBefore.currentOthers - count.currentOthers),
    tableRows: count.all,
    recorded: false,
  };
  await recordResult(session, request, result);
  await insertRejects(session, request);
  for (const temporary of Object.values(TEMP)) await session.run(sql`DROP TABLE IF EXISTS ${temporary}`);
  return result;
}

/**
 * Rows that several threads insert in order are written twice: with the insert, and again by the checkpoint that joins their pieces, into a
 * file of twice the size. Without order they are written once.
 */
async function inOrder(session: Session, ordered: boolean, insert: () => Promise<void>): Promise<void> {
  if (ordered) return insert();
  await session.run(sql`SET preserve_insertion_order = false`);
  try {
    await insert();
  } finally {
    await session.run(sql`SET preserve_insertion_order = true`).catch(() => undefined);
  }
}

function resultOf({ inserted, deduplicated, replaced, tableRows }: LoadResult): LoadResult {
  return { inserted, deduplicated, replaced, tableRows, recorded: true };
}

function verifyRequest({ strategy, table, objectId, dataset }: LoadRequest): void {
  const { strategy: name, key = [], partition = [] } = strategy;
  const lacks =
    (name === 'merge' || name === 'snapshot') && key.length === 0
      ? 'key'
      : name === 'replace_partition' && partition.length === 0
        ? 'partition'
        : undefined;
  if (lacks)
    throw new GranaryError('load.failed', `Dataset ${dataset} is loaded with ${name} and names no ${lacks}.`, {
      where: { object: objectId },
      hint: `Add \`load: { strategy: ${name}, ${lacks}: [column] }\`.`,
    });
  if (table.schema.toLowerCase() === SYSTEM_SCHEMA)
    throw new GranaryError('load.failed', `Dataset ${dataset} cannot fill tables of schema ${SYSTEM_SCHEMA}.`, {
      where: { object: objectId },
      hint: 'Give the tenant another name: this schema is for the system tables.',
    });
}

async function rankObjects(session: Session, active: readonly ActiveObject[]): Promise<void> {
  const values = active.map((o, i) => raw(sql`(${literal(o.objectId)}, ${i + 1}, ${literal(o.effective)})`));
  await session.run(sql`
    CREATE TEMP TABLE ${TEMP.active} AS
    SELECT object_id, rank::BIGINT AS rank, effective::TIMESTAMP AS effective,
      min(effective::TIMESTAMP) OVER (ORDER BY rank ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS known
    FROM (VALUES ${join([...values, '(NULL, 0, NULL)'])}) o (object_id, rank, effective) WHERE object_id IS NOT NULL`);
}

/** `active` is from old to new. */
function position(active: readonly ActiveObject[], objectId: string): Pick<Change, 'newest' | 'latest' | 'effective'> {
  const own = active.find((o) => o.objectId === objectId);
  const newest = own !== undefined && active.at(-1) === own;
  // Timestamps print with as many fraction digits as they need, and '.' sorts before the digits: text order is time order.
  const latest = newest && active.every((o) => o === own || o.effective < own.effective);
  return { newest, latest, effective: own?.effective ?? '' };
}

/** Settles groups again from the files of the active objects. */
async function rebuild(
  session: Session,
  strategy: Strategy,
  target: Target,
  scope: NonNullable<Plan['rebuild']>,
  active: readonly ActiveObject[],
  request: LoadRequest,
): Promise<void> {
  const own = active.some((o) => o.objectId === request.objectId) ? request.files : [];
  const settle = async (files: readonly string[], restrict: (rows: Sql) => Sql) => {
    const rows = restrict(await rowsOf(session, [...files, ...own], target.columns));
    await session.run(sql`INSERT INTO ${target.table} BY NAME ${strategy.settle(ranked(rows), target)}`);
  };
  if (scope === 'all') {
    await session.run(sql`DELETE FROM ${target.table}`);
    await settle(await siblingFiles(request, active), (rows) => rows);
    return;
  }
  await session.run(sql`CREATE TEMP TABLE ${TEMP.groups} AS ${scope.groups}`);
  const gone = await session.change(
    sql`DELETE FROM ${target.table} t USING ${TEMP.groups} g WHERE ${matches(scope.columns, 't', 'g')}`,
  );
  await settle(gone > 0 ? await siblingFiles(request, active) : [], (rows) =>
    raw(sql`SELECT r.* FROM (${rows}) r SEMI JOIN ${TEMP.groups} g ON ${matches(scope.columns, 'r', 'g')}`),
  );
}

/** Curated files of the active objects but the request's own. */
async function siblingFiles(request: LoadRequest, active: readonly ActiveObject[]): Promise<string[]> {
  const known = new Map((await request.siblings()).map((s) => [s.objectId, s.files]));
  return active
    .filter((o) => o.objectId !== request.objectId && o.rows > 0)
    .flatMap((o) => {
      const files = known.get(o.objectId) ?? [];
      if (files.length > 0) return files;
      throw new GranaryError(
        'load.failed',
        `The curated files of object ${o.objectId} are needed to load ${request.objectId} into ${request.table.schema}.${request.table.name}, and are gone.`,
        { where: { object: request.objectId }, hint: `Make them again: \`granary replay ${o.objectId}\`.` },
      );
    });
}

interface RowCount {
  all: number;
  /** Of the object. */
  own: number;
  /** Of other objects; of a history only the current ones. */
  currentOthers: number;
}

async function countRows(session: Session, { table, strategy }: Target, objectId: string): Promise<RowCount> {
  const own = sql`${ident(LINEAGE.object)} = ${literal(objectId)}`;
  const current = raw(strategy.strategy === 'snapshot' ? '_is_current' : 'true');
  const [count] = await session.all<{ all: number; own: number; current: number; own_current: number }>(sql`
    SELECT (SELECT count(*) FROM ${table}) AS all,
      (SELECT count(*) FROM ${table} WHERE ${raw(own)}) AS own,
      (SELECT count(*) FROM ${table} WHERE ${current}) AS current,
      (SELECT count(*) FROM ${table} WHERE ${raw(own)} AND ${current}) AS own_current`);
  return { all: count!.all, own: count!.own, currentOthers: count!.current - count!.own_current };
}

function verifyCount(request: LoadRequest, inserted: number, isActive: boolean): void {
  const { rows, strategy, objectId } = request;
  const possible = isActive && strategy.strategy === 'append' ? inserted === rows : inserted <= (isActive ? rows : 0);
  if (possible) return;
  throw new GranaryError(
    'load.failed',
    `Loading ${rows} rows of object ${objectId} left ${inserted} in the table; nothing was loaded.`,
    { where: { object: objectId }, hint: 'This is a defect in Granary: please report it with the log.' },
  );
}

/** Rejects of the objects it supersedes leave with their rows. */
async function insertRejects(session: Session, request: LoadRequest): Promise<void> {
  const { objectId, dataset, curationId, rejects, supersedes } = request;
  const target = ident(SYSTEM_SCHEMA, REJECTS.name);
  await session.run(
    sql`DELETE FROM ${target} WHERE object_id IN (${join([objectId, ...supersedes].map((id) => literal(id)))}) AND dataset = ${literal(dataset)}`,
  );
  if (rejects.length === 0) return;
  await session.run(sql`
    INSERT INTO ${target} BY NAME SELECT ${literal(objectId)} AS object_id, ${literal(dataset)} AS dataset,
      ${literal(curationId)} AS curation_id, line, member, rule, "column" AS column_name, severity, reason, raw
    FROM ${parquet(rejects)}`);
}
