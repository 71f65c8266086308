/**
 * How far the versions of a history have come. An object whose rows are all of higher versions goes on with the histories of its keys, without the files of
 * those before it; with change capture every object is one.
 */
import type { Session } from '../../../lib/duckdb.ts';
import { ident, join, literal, raw, type Sql, sql } from '../../../lib/sql.ts';
import { engineType } from '../../../model/schema.ts';
import type { LoadStrategy } from '../../../ports/warehouse.ts';
import { sameName } from './evolve.ts';
import { rowsOf } from './incoming.ts';
import { isAhead, isValidByVersion } from './strategies/snapshot.ts';
import { type Change, names, newer, type Target } from './strategies/strategy.ts';

/** The highest version of all rows there ever were, by column, as text. No columns: there was no row yet. */
export type HighestVersion = readonly (string | null)[];

export const hasVersions = ({ strategy, version = [], deletes }: LoadStrategy): boolean =>
  strategy === 'snapshot' && version.length > 0 && !deletes;

/**
 * Compares an object with all rows before it. `highest` undefined: they are not known, and neither is the highest after it.
 */
export async function compareVersions(
  session: Session,
  change: Omit<Change, 'onward'>,
  highest: HighestVersion | undefined,
): Promise<{ onward: boolean; highest: HighestVersion | undefined }> {
  if (highest === undefined || change.empty) return { onward: false, highest };
  const { target, incoming, newest, latest, complete, leaving, alone } = change;
  const { version = [] } = target.strategy;
  const before = versionOf(change, highest);
  const [found] = await session.all<{ above: boolean; highest: (string | null)[] }>(sql`
    WITH i AS MATERIALIZED (SELECT ${names(version)} FROM (${incoming})), before AS (${before}),
      low AS (SELECT * FROM i ORDER BY ${ordered(version, 'ASC NULLS FIRST')} LIMIT 1),
      high AS (SELECT * FROM (SELECT * FROM i UNION ALL SELECT * FROM before) ORDER BY ${ordered(version, 'DESC NULLS LAST')} LIMIT 1)
    SELECT NOT EXISTS (SELECT 1 FROM low, before WHERE NOT ${newer(version, 'low', 'before', raw('false'))}) AS above,
      (SELECT ${asText(version)} FROM high) AS highest`);
  const isLast = isValidByVersion(target) ? newest : latest;
  const isCandidate = found!.above && isLast && !complete && !alone && leaving.length === 0;
  return { onward: isCandidate && !(await holds(session, isAhead(change))), highest: found!.highest };
}

/** Of all objects that count, from their files. */
export async function highestVersion(
  session: Session,
  files: readonly string[],
  { columns, strategy: { version = [] } }: Target,
): Promise<HighestVersion> {
  const wanted = version.map((name) => columns.find((c) => sameName(c.name, name))!);
  const [row] = await session.all<{ highest: (string | null)[] }>(sql`
    SELECT ${asText(version)} AS highest FROM (${await rowsOf(session, files, wanted)})
    ORDER BY ${ordered(version, 'DESC NULLS LAST')} LIMIT 1`);
  return row?.highest ?? [];
}

/** A SELECT of one row, or of none. */
function versionOf({ target: { columns, strategy } }: Omit<Change, 'onward'>, highest: HighestVersion): Sql {
  const values = (strategy.version ?? []).map((name, i) => {
    const { type } = columns.find((c) => sameName(c.name, name))!;
    return raw(sql`CAST(${literal(highest[i] ?? null)} AS ${raw(engineType(type))}) AS ${ident(name)}`);
  });
  return raw(sql`SELECT ${join(values)} WHERE ${literal(highest.length > 0)}`);
}

const asText = (version: readonly string[]): Sql =>
  raw(sql`[${join(version.map((c) => sql`CAST(${ident(c)} AS VARCHAR)`))}]`);

const ordered = (version: readonly string[], how: string): Sql =>
  join(version.map((c) => sql`${ident(c)} ${raw(how)}`));

async function holds(session: Session, condition: Sql): Promise<boolean> {
  const [row] = await session.all<{ holds: boolean }>(sql`SELECT ${condition} AS holds`);
  return row!.holds;
}
