/** What a load did to its table, in rows. */
import type { Session } from '../../../lib/duckdb.ts';
import { ident, literal, raw, sql } from '../../../lib/sql.ts';
import { LINEAGE } from '../../../model/schema.ts';
import type { LoadResult } from '../../../ports/warehouse.ts';
import type { Step, Target } from './strategies/strategy.ts';

export type Tally = Pick<LoadResult, 'inserted' | 'replaced' | 'tableRows'>;

/** Rows that steps changed, by what became of them. */
export type Changed = Record<NonNullable<Step['counts']>, number>;

export async function runSteps(session: Session, steps: readonly Step[]): Promise<Changed> {
  const changed: Changed = { enter: 0, leave: 0, end: 0, remember: 0 };
  for (const { statement, counts } of steps) {
    if (counts) changed[counts] += await session.change(statement);
    else await session.run(statement);
  }
  return changed;
}

export interface RowCount {
  all: number;
  /** Of the object, in the table or as tombstones. */
  own: number;
  /** Of other objects; of a history only the current ones. */
  currentOthers: number;
}

/** Reads the whole column of objects. */
export async function countRows(
  session: Session,
  { table, strategy, tombstones }: Target,
  objectId: string,
): Promise<RowCount> {
  const own = raw(sql`${ident(LINEAGE.object)} = ${literal(objectId)}`);
  const current = raw(strategy.strategy === 'snapshot' ? '_is_current' : 'true');
  const remembered = raw(tombstones ? sql`(SELECT count(*) FROM ${tombstones.table} WHERE ${own})` : '0');
  const [count] = await session.all<{ all: number; own: number; others: number }>(sql`
    SELECT (SELECT count(*) FROM ${table}) AS all,
      (SELECT count(*) FROM ${table} WHERE ${own}) + ${remembered} AS own,
      (SELECT count(*) FROM ${table} WHERE ${current}) - (SELECT count(*) FROM ${table} WHERE ${own} AND ${current}) AS others`);
  return { all: count!.all, own: count!.own, currentOthers: count!.others };
}
