/** `snapshot`: type 2 history per key. The rules are on `LoadStrategy`. */
import { ident, join, literal, raw, type Sql, sql } from '../../../../lib/sql.ts';
import { LINEAGE, type TableColumn } from '../../../../model/schema.ts';
import {
  ascending,
  type Change,
  columnNames,
  descending,
  fill,
  matches,
  names,
  newer,
  type Plan,
  ranked,
  type Strategy,
  type Target,
  TEMP,
} from './strategy.ts';

/** Half-open intervals in UTC. */
export const HISTORY_COLUMNS: readonly TableColumn[] = [
  { name: '_valid_from', type: 'timestamp' },
  { name: '_valid_to', type: 'timestamp' },
  { name: '_is_current', type: 'boolean' },
];

export const snapshot: Strategy = { plan, settle };

function plan(change: Change): Plan {
  const { target, incoming, leaving, latest, alone } = change;
  const { key = [], version = [], deletes } = target.strategy;
  if (alone) return fill(change, snapshot);
  // What leaves may have decided between other rows without having one in the table.
  if (leaving.length > 0 || (deletes && !latest)) return { statements: [], rebuild: 'all' };
  if (latest && (deletes || version.length === 0)) return { statements: extend(change) };
  const keys = raw(sql`SELECT DISTINCT ${names(key)} FROM (${incoming})`);
  return { statements: [], rebuild: { columns: key, groups: latest ? changedKeys(change) : keys } };
}

/** The object is the latest in every history: its rows end the current versions they differ from. */
function extend({ target, incoming, effective }: Change): string[] {
  const { table, strategy } = target;
  const { key = [], deletes } = strategy;
  const same = matches(key, 't', 'b');
  const close = sql`UPDATE ${table} t SET _valid_to = ${literal(effective)}::TIMESTAMP, _is_current = false`;
  return [
    sql`CREATE TEMP TABLE ${TEMP.batch} AS SELECT *, ${contentHash(target)} AS _hash FROM (${settle(ranked(incoming), target)})`,
    deletes
      ? sql`${raw(close)} WHERE t._is_current AND NOT EXISTS (
          SELECT 1 FROM ${TEMP.batch} b WHERE ${same} AND b._hash = ${contentHash(target, 't')})`
      : sql`${raw(close)} FROM ${TEMP.batch} b WHERE t._is_current AND ${same} AND b._hash <> ${contentHash(target, 't')}`,
    sql`INSERT INTO ${table} BY NAME SELECT b.* EXCLUDE (_hash) FROM ${TEMP.batch} b
      ANTI JOIN (SELECT ${names(key)} FROM ${table} WHERE _is_current) t ON ${same}`,
  ];
}

/**
 * Keys of which the latest object says something new. A row that equals the current version and is not older than it cannot change a history:
 * every later row of that key says the same, or the current version would have ended.
 */
function changedKeys({ target, incoming }: Change): Sql {
  const { key = [], version = [] } = target.strategy;
  const current = sql`SELECT ${names([...key, ...version])}, ${contentHash(target)} AS _hash FROM ${target.table} WHERE _is_current`;
  return raw(sql`SELECT DISTINCT ${names(key, 'i')} FROM (SELECT *, ${contentHash(target)} AS _hash FROM (${incoming})) i
    LEFT JOIN (${raw(current)}) t ON ${matches(key, 'i', 't')}
    WHERE NOT coalesce(i._hash = t._hash AND NOT ${newer(version, 't', 'i', raw('false'))}, false)`);
}

/**
 * Rows are states of their key at a moment; with `deletes` absence from an object is a state too. The last state of a moment counts, and
 * is represented by the first row that says so; moments that change nothing go; each version lasts until the next moment.
 */
function settle(rows: Sql, target: Target): Sql {
  const { key = [], version = [], deletes } = target.strategy;
  const byKey = names(key);
  const order = deletes ? raw('_rank') : ascending(version);
  return raw(sql`
    WITH reported AS (SELECT *, ${contentHash(target)} AS _hash FROM (${rows})),
    states AS (${deletes ? listed(target) : raw('FROM reported')}),
    timed AS (
      SELECT *, min(${validSince(target)}) OVER (PARTITION BY ${byKey} ORDER BY ${order} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS _valid_from
      FROM states),
    settled AS (
      SELECT *, last_value(_hash) OVER (PARTITION BY ${byKey}, _valid_from ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS _state
      FROM timed),
    moments AS (
      SELECT * FROM settled WHERE _hash IS NOT DISTINCT FROM _state
      QUALIFY row_number() OVER (PARTITION BY ${byKey}, _valid_from ORDER BY ${order}) = 1),
    changes AS (
      SELECT * FROM moments QUALIFY _hash IS DISTINCT FROM lag(_hash) OVER (PARTITION BY ${byKey} ORDER BY _valid_from)),
    versions AS (
      SELECT *, lead(_valid_from) OVER (PARTITION BY ${byKey} ORDER BY _valid_from) AS _valid_to FROM changes)
    SELECT ${columnNames(target)}, _valid_from, _valid_to, _valid_to IS NULL AS _is_current FROM versions WHERE _hash IS NOT NULL`);
}

/** One state per key and object, and an absence (without a hash) in the object that follows if the key is not in it. */
function listed(target: Target): Sql {
  const { key = [], version = [] } = target.strategy;
  return raw(sql`
    WITH present AS (
      SELECT * FROM reported QUALIFY row_number() OVER (PARTITION BY ${names(key)}, _rank ORDER BY ${descending(version)}) = 1),
    followed AS (
      SELECT ${names(key)}, _rank, lead(_rank) OVER (PARTITION BY ${names(key)} ORDER BY _rank) AS _next FROM present)
    SELECT p.* EXCLUDE (_effective), a.known AS _effective FROM present p JOIN ${TEMP.active} a ON a.rank = p._rank
    UNION ALL BY NAME
    SELECT ${names(key)}, a.rank AS _rank, a.known AS _effective
    FROM followed f JOIN ${TEMP.active} a ON a.rank = f._rank + 1 WHERE f._next IS DISTINCT FROM f._rank + 1`);
}

/** Since when a row says something: its own version, if that is a time and histories go by it, else its object's time. */
function validSince({ columns, strategy }: Target): Sql {
  const [first] = strategy.deletes ? [] : (strategy.version ?? []);
  const type = columns.find((c) => c.name === first)?.type;
  if (!first || !type || !['date', 'timestamp', 'timestamp_tz'].includes(type)) return raw('_effective');
  return raw(sql`coalesce(CAST(${ident(first)} AS TIMESTAMP), TIMESTAMP '-infinity')`);
}

/** Hash of the columns whose change makes a version: all but key, version and lineage. */
function contentHash({ columns, strategy }: Target, alias?: string): Sql {
  const untracked: readonly string[] = [
    ...(strategy.key ?? []),
    ...(strategy.version ?? []),
    ...Object.values(LINEAGE),
  ];
  const tracked = columns.map((c) => c.name).filter((c) => !untracked.includes(c));
  return raw(sql`hash(${join(['0', names(tracked, alias)].filter((part) => String(part) !== ''))})`);
}
