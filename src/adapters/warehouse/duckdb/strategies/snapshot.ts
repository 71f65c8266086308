/** `snapshot`: type 2 history per key. The rules are on `LoadStrategy`. */
import { ident, join, literal, raw, type Sql, sql } from '../../../../lib/sql.ts';
import { LINEAGE, type TableColumn } from '../../../../model/schema.ts';
import {
  ascending,
  type Change,
  columnNames,
  descending,
  enterFrom,
  fill,
  isDeleted,
  matches,
  names,
  namesOf,
  newer,
  type Plan,
  ranked,
  type Step,
  type Strategy,
  type Target,
  TEMP,
  type Tombstones,
} from './strategy.ts';

/** Half-open intervals in UTC. */
export const HISTORY_COLUMNS: readonly TableColumn[] = [
  { name: '_valid_from', type: 'timestamp' },
  { name: '_valid_to', type: 'timestamp' },
  { name: '_is_current', type: 'boolean' },
];

export const snapshot: Strategy = { plan, settle };

function plan(change: Change): Plan {
  const { target, incoming, leaving, latest, onward, alone, complete } = change;
  const { key = [], version = [], deletes } = target.strategy;
  const listsAll = complete || deletes;
  if (alone) return { steps: fill(change, snapshot) };
  // What leaves may have decided between other rows without having one in the table.
  if (leaving.length > 0 || (listsAll && !latest)) return { steps: [], rebuild: 'all' };
  if (latest && (deletes || version.length === 0)) return { steps: extend(change) };
  if (onward) return { steps: goOn(change) };
  if (complete)
    return {
      steps: [{ statement: endUnlisted(change), counts: 'end' }],
      rebuild: { columns: key, groups: join([changedKeys(change), aheadKeys(change)], ' UNION ') },
    };
  const keys = raw(sql`SELECT DISTINCT ${names(key)} FROM (${incoming})`);
  return { steps: [], rebuild: { columns: key, groups: latest ? changedKeys(change) : keys } };
}

/** The object is the latest in every history: its rows end the current versions they differ from. */
function extend(change: Change): Step[] {
  const { target, incoming, nulls, complete } = change;
  const { table, strategy, tombstones } = target;
  const { key = [], deletes } = strategy;
  const hash = contentHash(target);
  const batch = sql`SELECT *, ${tombstones ? raw(sql`if(_gone, NULL, ${hash})`) : hash} AS _hash FROM (${settle(ranked(incoming), { ...target, complete: false })})`;
  const ended = sql`${end(change)} FROM ${TEMP.batch} b
    WHERE t._is_current AND ${matches(key, 't', 'b', nulls)} AND b._hash IS DISTINCT FROM ${contentHash(target, 't')}`;
  // A key that is not listed may be null.
  const unlisted = sql`${end(change)} WHERE t._is_current AND NOT EXISTS (
    SELECT 1 FROM ${TEMP.batch} b WHERE ${matches(key, 't', 'b')} AND b._hash = ${contentHash(target, 't')})`;
  const live = tombstones ? raw('WHERE NOT _gone') : raw('');
  return [
    { statement: sql`CREATE TEMP TABLE ${TEMP.batch} AS ${raw(batch)}` },
    ...(tombstones ? bury(change, tombstones) : []),
    { statement: complete || deletes ? unlisted : ended, counts: 'end' },
    {
      statement: sql`INSERT INTO ${table} BY NAME SELECT ${columnNames(target)}, _valid_from, _valid_to, _is_current
        FROM (SELECT * FROM ${TEMP.batch} ${live}) b
        ANTI JOIN (SELECT ${names(key)} FROM ${table} WHERE _is_current) t ON ${matches(key, 't', 'b', nulls)}`,
      counts: 'enter',
    },
  ];
}

/**
 * All rows come after everything that is known of their keys: a history goes on with the states of the object. The first one of a key says nothing new if
 * it is that of the current version, or that a key is deleted of which the last word was the same.
 */
function goOn({ target, incoming, nulls }: Change): Step[] {
  const { table, strategy, tombstones } = target;
  const { key = [] } = strategy;
  const [keys, same] = [names(key), matches(key, 't', 'b', nulls)];
  const hash = contentHash(target);
  const steps: Step[] = [
    {
      statement: sql`CREATE TEMP TABLE ${TEMP.batch} AS
        SELECT *, ${tombstones ? raw(sql`if(_gone, NULL, ${hash})`) : hash} AS _hash,
          row_number() OVER (PARTITION BY ${keys} ORDER BY _valid_from) = 1 AS _first
        FROM (${settle(ranked(incoming), { ...target, complete: false })})`,
    },
  ];
  if (tombstones)
    steps.push(
      { statement: knownOf(target, nulls, raw('_gone AND _first')) },
      {
        statement: sql`DELETE FROM ${TEMP.batch} b USING (SELECT ${keys} FROM ${TEMP.known} GROUP BY ${keys} HAVING NOT bool_or(_is_current)) t
          WHERE b._first AND b._gone AND ${same}`,
      },
    );
  steps.push(
    {
      statement: sql`DELETE FROM ${TEMP.batch} b USING ${table} t
        WHERE b._first AND t._is_current AND ${same} AND b._hash = ${contentHash(target, 't')}`,
    },
    {
      statement: sql`UPDATE ${table} t SET _valid_to = b._at, _is_current = false
        FROM (SELECT ${keys}, min(_valid_from) AS _at FROM ${TEMP.batch} GROUP BY ${keys}) b WHERE t._is_current AND ${same}`,
      counts: 'end',
    },
  );
  const entering = raw(sql`(SELECT * EXCLUDE (_hash, _first) FROM ${TEMP.batch})`);
  return [...steps, ...enterFrom(entering, target, true)];
}

/** Condition: something that is known of a key of the object is not over when its first row there begins. */
export function isAhead({ target, incoming, nulls, effective }: Omit<Change, 'onward'>): Sql {
  const { table, strategy, tombstones } = target;
  const { key = [] } = strategy;
  const begins = raw(sql`(SELECT ${names(key)}, min(${validSince(target)}) AS _since
    FROM (SELECT *, ${literal(effective)}::TIMESTAMP AS _effective FROM (${incoming})) GROUP BY ${names(key)})`);
  const ahead = (place: Sql, condition: string) =>
    sql`EXISTS (SELECT 1 FROM ${place} t JOIN ${begins} b ON ${matches(key, 't', 'b', nulls)} WHERE ${raw(condition)})`;
  const conditions = [ahead(table, 't._valid_from >= b._since OR t._valid_to > b._since')];
  if (tombstones) conditions.push(ahead(tombstones.table, 't._valid_from >= b._since'));
  return join(conditions, ' OR ');
}

/** Makes `TEMP.known`: which of the keys that some rows of the batch have were told of, and whether they are current. */
function knownOf({ table, strategy, tombstones }: Target, nulls: boolean, rows: Sql): string {
  const { key = [] } = strategy;
  const byKey = names(key, 't');
  const ofThem = raw(
    sql`JOIN (SELECT ${names(key)} FROM ${TEMP.batch} WHERE ${rows}) b ON ${matches(key, 't', 'b', nulls)}`,
  );
  return sql`CREATE TEMP TABLE ${TEMP.known} AS
    SELECT ${byKey}, bool_or(t._is_current) AS _is_current FROM ${table} t ${ofThem} GROUP BY ALL
    UNION ALL SELECT DISTINCT ${byKey}, false FROM ${tombstones!.table} t ${ofThem}`;
}

/** Tombstones for rows that say something new: their key is current, or nothing was ever told of it. */
function bury({ target, nulls }: Change, tombstones: Tombstones): Step[] {
  const { key = [] } = target.strategy;
  return [
    { statement: knownOf(target, nulls, raw('_gone')) },
    {
      statement: sql`INSERT INTO ${tombstones.table} BY NAME SELECT ${namesOf(tombstones.columns)} FROM ${TEMP.batch} b
        WHERE _gone AND (EXISTS (SELECT 1 FROM ${TEMP.known} t WHERE t._is_current AND ${matches(key, 't', 'b', nulls)})
          OR NOT EXISTS (SELECT 1 FROM ${TEMP.known} t WHERE ${matches(key, 't', 'b', nulls)}))`,
      counts: 'remember',
    },
  ];
}

const end = ({ target, effective }: Change): Sql =>
  raw(sql`UPDATE ${target.table} t SET _valid_to = ${literal(effective)}::TIMESTAMP, _is_current = false`);

/** The complete, latest object ends the keys that it lacks, if they began before it. */
function endUnlisted(change: Change): string {
  const { target, incoming, effective } = change;
  return sql`${end(change)} WHERE t._is_current AND t._valid_from < ${literal(effective)}::TIMESTAMP
    AND NOT EXISTS (SELECT 1 FROM (${incoming}) i WHERE ${matches(target.strategy.key ?? [], 't', 'i')})`;
}

/** Keys of which something is said to be so only after the time of the object. */
function aheadKeys({ target, effective }: Change): Sql {
  const { table, tombstones, strategy } = target;
  const time = raw(sql`${literal(effective)}::TIMESTAMP`);
  const keys = names(strategy.key ?? []);
  const ahead = [sql`SELECT ${keys} FROM ${table} WHERE _valid_from >= ${time} OR _valid_to > ${time}`];
  if (tombstones) ahead.push(sql`SELECT ${keys} FROM ${tombstones.table} WHERE _valid_from > ${time}`);
  return join(ahead, ' UNION ');
}

/**
 * Keys of which the latest object says something new. A row that equals the current version and is not older than it cannot change a history:
 * every later row of that key says the same, or the current version would have ended.
 */
function changedKeys({ target, incoming, nulls }: Change): Sql {
  const { key = [], version = [] } = target.strategy;
  const current = sql`SELECT ${names([...key, ...version])}, ${contentHash(target)} AS _hash FROM ${target.table} WHERE _is_current`;
  return raw(sql`SELECT DISTINCT ${names(key, 'i')} FROM (SELECT *, ${stateHash(target)} AS _hash FROM (${incoming})) i
    LEFT JOIN (${raw(current)}) t ON ${matches(key, 'i', 't', nulls)}
    WHERE NOT coalesce(i._hash = t._hash AND NOT ${newer(version, 't', 'i', raw('false'))}, false)`);
}

/**
 * Rows are states of their key at a moment; that a key is deleted, or absent from an object that lists all, is a state too, without a hash. The last
 * state of a moment counts, and is represented by the first row that says so; moments that change nothing go, and absences before
 * the first row; each version lasts until the next moment.
 */
function settle(rows: Sql, target: Target): Sql {
  const { strategy, tombstones, complete } = target;
  const { key = [], version = [], deletes } = strategy;
  const byKey = names(key);
  const order = deletes ? raw('_rank') : raw(sql`_epoch, ${ascending(version)}`);
  const states = deletes
    ? raw(sql`${onePerObject(target)} UNION ALL BY NAME ${absences(target)}`)
    : raw(
        sql`SELECT *, ${validSince(target)} AS _since FROM reported${complete ? raw(sql` UNION ALL BY NAME ${absences(target)}`) : raw('')}`,
      );
  const gone = tombstones ? raw(', _hash IS NULL AS _gone') : raw('');
  return raw(sql`
    WITH reported AS (SELECT *, ${stateHash(target)} AS _hash FROM (${rows})),
    states AS (${states}),
    timed AS (
      SELECT *, min(_since) OVER (PARTITION BY ${byKey} ORDER BY ${order} ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS _valid_from
      FROM states),
    settled AS (
      SELECT *, last_value(_hash) OVER (PARTITION BY ${byKey}, _valid_from ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS _state
      FROM timed),
    moments AS (
      SELECT * FROM settled WHERE _hash IS NOT DISTINCT FROM _state
      QUALIFY row_number() OVER (PARTITION BY ${byKey}, _valid_from ORDER BY ${order}) = 1),
    told AS (
      SELECT * FROM moments
      QUALIFY bool_or(${ident(LINEAGE.object)} IS NOT NULL) OVER (PARTITION BY ${byKey} ORDER BY _valid_from)),
    changes AS (
      SELECT * FROM ${tombstones && (deletes || complete) ? raw('told') : raw('moments')}
      WINDOW past AS (PARTITION BY ${byKey} ORDER BY _valid_from)
      QUALIFY row_number() OVER past = 1 OR _hash IS DISTINCT FROM lag(_hash) OVER past),
    versions AS (
      SELECT *, lead(_valid_from) OVER (PARTITION BY ${byKey} ORDER BY _valid_from) AS _valid_to FROM changes)
    SELECT ${columnNames(target)}, _valid_from, _valid_to, _valid_to IS NULL AS _is_current${gone} FROM versions
    WHERE ${raw(tombstones ? sql`${ident(LINEAGE.object)} IS NOT NULL` : '_hash IS NOT NULL')}`);
}

/** One state per key and object, since the object was known. */
function onePerObject({ strategy }: Target): Sql {
  const { key = [], version = [] } = strategy;
  return raw(sql`SELECT p.*, a.known AS _since FROM (
      SELECT * FROM reported QUALIFY row_number() OVER (PARTITION BY ${names(key)}, _rank ORDER BY ${descending(version)}) = 1) p
    JOIN ${TEMP.active} a ON a.rank = p._rank`);
}

/** The key of a row is absent from the next complete object if it is not in it. */
function absences({ strategy }: Target): Sql {
  const { key = [] } = strategy;
  return raw(sql`SELECT DISTINCT ${names(key, 'p')}, n.rank AS _rank, n.epoch AS _epoch, n.known AS _since
    FROM reported p JOIN ${TEMP.active} a ON a.rank = p._rank JOIN ${TEMP.active} n ON n.rank = a.next_complete
    ANTI JOIN (SELECT DISTINCT ${names(key)}, _rank FROM reported) q ON ${matches(key, 'p', 'q')} AND q._rank = n.rank`);
}

/** Since when a row says something: its own version, if that is a time and histories go by it, else its object's time. */
function validSince(target: Target): Sql {
  if (!isValidByVersion(target)) return raw('_effective');
  return raw(sql`coalesce(CAST(${ident(target.strategy.version![0]!)} AS TIMESTAMP), TIMESTAMP '-infinity')`);
}

export function isValidByVersion({ columns, strategy }: Target): boolean {
  const [first] = strategy.deletes ? [] : (strategy.version ?? []);
  const type = columns.find((c) => c.name === first)?.type;
  return type !== undefined && ['date', 'timestamp', 'timestamp_tz'].includes(type);
}

/** Null when the row says that its key is deleted. */
function stateHash(target: Target): Sql {
  const hash = contentHash(target);
  return target.tombstones ? raw(sql`if(${isDeleted(target.tombstones)}, NULL, ${hash})`) : hash;
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
