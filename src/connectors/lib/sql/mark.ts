/** Asks the server for what the mark of a table follows from, in the order that `nextMark` relies on. */
import type { Horizon, Snapshot, SqlDatabase } from './database.ts';
import { type Plan, selectLanded } from './plan.ts';
import type { TableMark } from './position.ts';
import type { SqlRead } from './read.ts';
import { kindOf, nextMark, type Sighting } from './watermark.ts';

type Before = Pick<Sighting, 'before' | 'horizon'>;

/** Before the snapshot is taken. Of a time `horizon` is enough, which was just asked for. */
export async function sightBefore(
  database: SqlDatabase,
  plan: Plan,
  horizon: Horizon,
  signal: AbortSignal | undefined,
): Promise<Before> {
  const [first] = plan.watermark;
  if (!first || kindOf(first) !== 'number') return { before: null, horizon };
  const snapshot = await database.snapshot(signal);
  let before: string[] | null;
  try {
    before = await highestOf(database, plan, snapshot);
  } finally {
    await snapshot.close();
  }
  return { before, horizon: await database.horizon({ complete: true }) };
}

/** Null where there is no watermark. */
export async function markOf(
  database: SqlDatabase,
  read: SqlRead,
  plan: Plan,
  snapshot: Snapshot,
  known: TableMark | undefined,
  sighted: Before,
): Promise<TableMark | null> {
  const [first] = plan.watermark;
  if (!first) return null;
  return nextMark(read, first, known, { ...sighted, highest: await highestOf(database, plan, snapshot) });
}

/** Values of the watermark in its last row; null: there is none. */
async function highestOf({ dialect }: SqlDatabase, plan: Plan, snapshot: Snapshot): Promise<string[] | null> {
  const [first] = plan.watermark;
  const order = plan.watermark.map((c) => `${dialect.ident(c.name)} DESC`).join(', ');
  const [highest] = await snapshot.rows(
    `SELECT ${selectLanded(dialect, plan.watermark)} FROM ${plan.from} WHERE ${dialect.ident(first!.name)} IS NOT NULL ORDER BY ${order} LIMIT 1`,
  );
  return highest ? highest.map((v) => v ?? '') : null;
}
