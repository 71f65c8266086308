/**
 * A row that is not wanted any more, where an older one of its key may be in the table: it takes that one out, as a row that says that its key is
 * deleted. Only where rows can say so; a complete object lists all that is wanted by itself. Pure.
 */
import { ident, raw, sql } from '../../lib/sql.ts';
import { closesOlder } from '../../project/closes-older.ts';
import type { Dataset } from '../../project/project.ts';
import { type Check, TRANSFORMED } from './checks.ts';

/** Column of the rows that do so. */
const CLOSES = '_closes';

export interface Closing {
  /** Rows with `_closes`, those with it being deleted ones: so they are not filtered. */
  select(rows: string): string;
  /** By these they stand in the books, under the rule that did not want them. */
  notes(checks: Check[]): Check[];
}

/** Undefined where filtered rows are filtered, and that is all. */
export function closingOf({ config, transform }: Dataset, isComplete: boolean): Closing | undefined {
  if (!closesOlder(config) || isComplete) return undefined;
  const { load, keep } = config;
  const { key = [] } = load;
  const deleted = load.deleted!;
  const unwanted = [...(keep ? [`(${keep}) IS NOT TRUE`] : []), ...(transform ? [TRANSFORMED.filtered] : [])];
  const isDeleted = raw(sql`coalesce(${ident(deleted)}, false)`);
  const closes = [
    `(${unwanted.join(' OR ')})`,
    sql`NOT ${isDeleted}`,
    ...key.map((c) => sql`${ident(c)} IS NOT NULL`),
    ...(transform ? [`${TRANSFORMED.refused} IS NULL`] : []),
  ].join(' AND ');
  return {
    select: (rows) =>
      sql`SELECT * REPLACE ((${isDeleted} OR ${raw(CLOSES)}) AS ${ident(deleted)}) FROM (SELECT *, ${raw(closes)} AS ${raw(CLOSES)} FROM (${raw(rows)}))`,
    notes: (checks) =>
      checks
        .filter((c) => c.effect === 'filter')
        .map((c) => ({ ...c, effect: 'warn', broken: `${CLOSES} AND (${c.broken})` })),
  };
}
