/** One load: everything that happens in its transaction. */
import type { Session } from '../../../lib/duckdb.ts';
import { GranaryError } from '../../../lib/errors.ts';
import { ident, join, literal, sql } from '../../../lib/sql.ts';
import { type LoadRequest, type LoadResult, type LoadStrategy, SYSTEM_SCHEMA } from '../../../ports/warehouse.ts';
import { before, rankObjects, type Standing, standing } from './active.ts';
import { countRows, runSteps, type Tally } from './count.ts';
import { planEvolution, readColumnsOf } from './evolve.ts';
import { parquet, rowsOf, survey, verifyIncoming } from './incoming.ts';
import { findLoad, latestLoad, recordLoad, recordResult, strategyText, verifyTarget } from './ledger.ts';
import { columnsToRead, rebuild } from './rebuild.ts';
import { append } from './strategies/append.ts';
import { merge } from './strategies/merge.ts';
import { replace } from './strategies/replace.ts';
import { replacePartition } from './strategies/replace-partition.ts';
import { snapshot } from './strategies/snapshot.ts';
import { type Change, type Plan, type Strategy, type Target, TEMP } from './strategies/strategy.ts';
import { REJECTS } from './system-tables.ts';
import { planTombstones, tombstoneTable } from './tombstones.ts';
import { verifyRequest } from './verify-request.ts';
import { compareVersions, hasVersions, highestVersion } from './versions.ts';

const STRATEGIES: Record<LoadStrategy['strategy'], Strategy> = {
  append,
  replace,
  merge,
  snapshot,
  replace_partition: replacePartition,
};

/** Runs within a transaction that the caller commits, or rolls back when this throws. See `Warehouse.load`. */
export async function load(session: Session, request: LoadRequest): Promise<LoadResult> {
  const { table } = request;
  verifyRequest(request);
  const earlier = await findLoad(session, request);
  if (earlier?.curationId === request.curationId) return resultOf(earlier);
  await verifyTarget(session, request);

  const [columns, tombstoneColumns] = await readColumnsOf(session, [table, tombstoneTable(table)]);
  const evolution = planEvolution(request, columns);
  const buried = planTombstones(request, evolution, tombstoneColumns);
  for (const statement of [...evolution.statements, ...buried.statements]) await session.run(statement);
  await verifyIncoming(session, request);

  const latest = await latestLoad(session, table);
  const { leaving, newestComplete } = (await before(session, request, earlier !== undefined)) ?? NOTHING_LEAVES;
  await recordLoad(session, request, earlier);
  const stands = await standing(session, request);
  const target: Target = {
    table: ident(table.schema, table.name),
    columns: evolution.columns,
    strategy: request.strategy,
    tombstones: buried.tombstones,
    complete: stands.newestComplete !== undefined,
  };
  const added: Omit<Change, 'onward'> = {
    target,
    ...(await incoming(session, request, target, stands)),
    leaving,
    alone: stands.alone && leaving.length === 0,
    newest: stands.newest,
    latest: stands.latest,
    complete: stands.active && (request.complete ?? false),
    base: newestComplete === 'unchanged' || newestComplete === stands.newestComplete ? 'same' : 'other',
    effective: stands.effective,
  };
  const sameStrategy = latest === undefined || latest.strategy === strategyText(request.strategy);
  const isSame = sameStrategy && evolution.statements.length === 0;
  const known = latest ? (isSame && latest.highestVersion) || undefined : [];
  const { onward, highest } = hasVersions(request.strategy)
    ? await compareVersions(session, added, known)
    : { onward: false, highest: undefined };
  const change: Change = { ...added, onward };
  const strategy = STRATEGIES[request.strategy.strategy];
  const plan: Plan = sameStrategy ? strategy.plan(change) : { steps: [], rebuild: 'all' };
  const { tally, files } = await inOrder(session, request.ordered ?? false, () =>
    carryOut(session, request, strategy, plan, change, latest?.tableRows),
  );

  verifyCount(request, tally.inserted, stands.active);
  const result: LoadResult = { ...tally, deduplicated: request.rows - tally.inserted, recorded: false };
  const found = hasVersions(request.strategy) && files ? await highestVersion(session, files, target) : undefined;
  await recordResult(session, request, result, highest ?? found);
  await insertRejects(session, request, earlier !== undefined);
  for (const temporary of Object.values(TEMP)) await session.run(sql`DROP TABLE IF EXISTS ${temporary}`);
  return result;
}

const NOTHING_LEAVES = { leaving: [], newestComplete: 'unchanged' } as const;

/** What the object brings. Objects older than the newest complete one bring nothing to a `merge` table. */
async function incoming(
  session: Session,
  request: LoadRequest,
  { columns, tombstones, strategy }: Target,
  { active, outdated }: Standing,
): Promise<Pick<Change, 'incoming' | 'empty' | 'deletes' | 'nulls'>> {
  const counts = active && !(strategy.strategy === 'merge' && outdated);
  const files = counts ? request.files : [];
  const rows = await rowsOf(session, files, columnsToRead({ columns, tombstones }));
  const empty = !counts || request.rows === 0;
  return { incoming: rows, empty, ...(await survey(session, rows, empty, strategy, tombstones)) };
}

/**
 * Where nothing but the steps changes rows, and none of the object's were there before, the steps tell what there is to count; `rowsBefore` is
 * what the load before left.
 */
async function carryOut(
  session: Session,
  request: LoadRequest,
  strategy: Strategy,
  plan: Plan,
  { target, leaving }: Change,
  rowsBefore: number | undefined,
): Promise<{ tally: Tally; files?: string[] | undefined }> {
  const byCounting = plan.rebuild !== undefined || leaving.length > 0 || rowsBefore === undefined;
  const countBefore = byCounting ? await countRows(session, target, request.objectId) : undefined;
  const fromBase = request.strategy.strategy === 'merge';
  await rankObjects(session, request, { all: (plan.ranks ?? false) || plan.rebuild !== undefined, fromBase });
  const { enter, leave, end, remember } = await runSteps(session, plan.steps);
  const files = plan.rebuild && (await rebuild(session, strategy, target, plan.rebuild, request));
  if (!countBefore)
    return {
      tally: { inserted: enter + remember, replaced: leave + end, tableRows: (rowsBefore ?? 0) + enter - leave },
    };
  const count = await countRows(session, target, request.objectId);
  const replaced = Math.max(0, countBefore.currentOthers - count.currentOthers);
  return { tally: { inserted: count.own, replaced, tableRows: count.all }, files };
}

/**
 * Rows that several threads insert in order are written twice: with the insert, and again by the checkpoint that joins their pieces, into a
 * file of twice the size. Without order they are written once.
 */
async function inOrder<T>(session: Session, ordered: boolean, insert: () => Promise<T>): Promise<T> {
  if (ordered) return insert();
  await session.run(sql`SET preserve_insertion_order = false`);
  try {
    return await insert();
  } finally {
    await session.run(sql`SET preserve_insertion_order = true`).catch(() => undefined);
  }
}

function resultOf({ inserted, deduplicated, replaced, tableRows }: LoadResult): LoadResult {
  return { inserted, deduplicated, replaced, tableRows, recorded: true };
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

/** Rejects of its earlier curation and of the objects it supersedes leave with their rows. */
async function insertRejects(session: Session, request: LoadRequest, replay: boolean): Promise<void> {
  const { objectId, dataset, curationId, rejects, supersedes } = request;
  const target = ident(SYSTEM_SCHEMA, REJECTS.name);
  if (replay || supersedes.length > 0)
    await session.run(
      sql`DELETE FROM ${target} WHERE object_id IN (${join([objectId, ...supersedes].map((id) => literal(id)))}) AND dataset = ${literal(dataset)}`,
    );
  if (rejects.length === 0) return;
  await session.run(sql`
    INSERT INTO ${target} BY NAME SELECT ${literal(objectId)} AS object_id, ${literal(dataset)} AS dataset,
      ${literal(curationId)} AS curation_id, line, member, rule, "column" AS column_name, severity, reason, raw
    FROM ${parquet(rejects)}`);
}
