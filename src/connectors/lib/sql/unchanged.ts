/** Whether an extraction of a table that broke off can go on, where its parts have to be of one state. */
import { GranaryError } from '../../../lib/errors.ts';
import type { Snapshot } from './database.ts';
import { whereOf } from './plan.ts';
import type { SqlProgress } from './position.ts';
import type { Division, TableReading } from './read-table.ts';

/**
 * With a watermark, what was written after the first parts were read is read next time. Without one, a row whose key has changed could be in none of the parts, or
 * in two: the first parts only count if they are what they would be now. Error: `extract.stale`, when they are not, or it cannot be told.
 */
export async function checkUnchanged(
  { done, snapshot }: SqlProgress,
  now: Snapshot,
  { database, plan, title, conditions }: TableReading,
  { column, cuts }: Division,
): Promise<void> {
  if (done === 0) return;
  const { dialect } = database;
  const before = `${dialect.ident(column.name)} < ${dialect.value(cuts[done - 1]!, column)}`;
  const where = whereOf([...conditions, before]);
  if (snapshot && (await now.isUnchanged?.(snapshot.state, plan.from, where, snapshot.rows))) return;
  throw new GranaryError('extract.stale', `${title} has changed since its first parts were read.`, {
    transient: true,
    hint: 'It is read anew. With a watermark it could have gone on.',
  });
}
