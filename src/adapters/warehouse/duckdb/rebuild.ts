/** Groups of rows settled again from the curated files of all active objects. */
import type { Session } from '../../../lib/duckdb.ts';
import { GranaryError } from '../../../lib/errors.ts';
import { raw, type Sql, sql } from '../../../lib/sql.ts';
import type { TableColumn } from '../../../model/schema.ts';
import type { LoadRequest } from '../../../ports/warehouse.ts';
import { activeObjects } from './active.ts';
import { runSteps } from './count.ts';
import { rowsOf } from './incoming.ts';
import { clear, enter, matches, type Plan, ranked, type Strategy, type Target, TEMP } from './strategies/strategy.ts';

/** The target's columns, and the one that says that keys are deleted. */
export function columnsToRead({ columns, tombstones }: Pick<Target, 'columns' | 'tombstones'>): TableColumn[] {
  return [...columns, ...(tombstones ? [{ name: tombstones.flag, type: 'boolean' as const }] : [])];
}

/** `TEMP.active` has all objects that count. Returns their files if all were read. */
export async function rebuild(
  session: Session,
  strategy: Strategy,
  target: Target,
  scope: NonNullable<Plan['rebuild']>,
  request: LoadRequest,
): Promise<string[] | undefined> {
  const active = await activeObjects(session);
  const own = active.some((o) => o.objectId === request.objectId) ? request.files : [];
  const others = () => othersFiles(request, active);
  const settle = async (files: readonly string[], restrict: (rows: Sql) => Sql) => {
    const rows = restrict(await rowsOf(session, [...files, ...own], columnsToRead(target)));
    await runSteps(session, enter(strategy.settle(ranked(rows), target), target));
  };
  if (scope === 'all') {
    await runSteps(session, clear(target));
    const files = await others();
    await settle(files, (rows) => rows);
    return [...files, ...own];
  }
  await session.run(sql`CREATE TEMP TABLE ${TEMP.groups} AS ${scope.groups}`);
  let gone = 0;
  for (const place of [target.table, ...(target.tombstones ? [target.tombstones.table] : [])])
    gone += await session.change(
      sql`DELETE FROM ${place} t USING ${TEMP.groups} g WHERE ${matches(scope.columns, 't', 'g')}`,
    );
  const files = gone > 0 || target.complete ? await others() : undefined;
  await settle(files ?? [], (rows) =>
    raw(sql`SELECT r.* FROM (${rows}) r SEMI JOIN ${TEMP.groups} g ON ${matches(scope.columns, 'r', 'g')}`),
  );
  return files && [...files, ...own];
}

/** Curated files of the objects that count, but the request's own. */
async function othersFiles(
  request: LoadRequest,
  active: readonly { objectId: string; rows: number }[],
): Promise<string[]> {
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
