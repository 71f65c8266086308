/**
 * What a load strategy is: a function from all rows of the active objects to the rows of the table (`settle`), and a cheaper way to get
 * to the same rows when an object is added (`plan`). Everything here makes SQL and runs nothing.
 */
import { ident, join, literal, raw, type Sql, sql } from '../../../../lib/sql.ts';
import { LINEAGE, type TableColumn } from '../../../../model/schema.ts';
import type { LoadStrategy } from '../../../../ports/warehouse.ts';

/** The table that a load is about. */
export interface Target {
  table: Sql;
  /** Contract and lineage columns, in table order, without the column that says that a key is deleted. */
  columns: readonly TableColumn[];
  strategy: LoadStrategy;
  /** Undefined when no column says that keys are deleted. */
  tombstones: Tombstones | undefined;
  /** Some active object is complete. */
  complete: boolean;
}

/** Where rows are kept that say that their key is deleted, and have not lost to another row. */
export interface Tombstones {
  /** The column of the rows that says so; not one of the target's. */
  flag: string;
  table: Sql;
  /** Key, version and lineage; of a history `_valid_from`. */
  columns: readonly TableColumn[];
}

/** What a load does to the active objects of a table. */
export interface Change {
  target: Target;
  /** A SELECT of the target's columns and the flag: the object's rows, or none if they do not count. */
  incoming: Sql;
  /** `incoming` has no rows. */
  empty: boolean;
  /** Some incoming row says that its key is deleted. */
  deletes: boolean;
  /** Some incoming row has a null in its key, or partition. */
  nulls: boolean;
  /** Objects whose rows leave; the object itself when it is replayed. */
  leaving: readonly string[];
  /** No other object is active or leaves: the table is what its rows settle to. */
  alone: boolean;
  /** The object is active and sorts after all others. */
  newest: boolean;
  /** `newest`, and valid from a later time than all others. */
  latest: boolean;
  /**
   * Of a history by versions: `newest`, not complete, and its rows are of higher versions than all others, and valid from later than all there is of
   * their keys.
   */
  onward: boolean;
  /** The object is active and complete. */
  complete: boolean;
  /** Another object than before is the newest complete one, or none is. */
  base: 'same' | 'other';
  /** Since when the object's rows are valid, as DuckDB prints timestamps. */
  effective: string;
}

export interface Step {
  statement: string;
  /** Rows it changes: enter or leave the table, end as versions of a history, or become tombstones. */
  counts?: 'enter' | 'leave' | 'end' | 'remember';
}

export interface Plan {
  /** Run in order. They may leave `TEMP.batch` and `TEMP.known` behind. */
  steps: Step[];
  /** The steps compare the ranks of all active objects; else only the object itself is in `TEMP.active`. */
  ranks?: boolean;
  /**
   * Then these groups are taken out of the table and settled again from the files of all active objects. Rows of different groups do not
   * influence each other. A group that is neither in the table nor among the tombstones has no rows in other objects, if no object is complete.
   */
  rebuild?: 'all' | { columns: readonly string[]; groups: Sql };
}

export interface Strategy {
  plan(change: Change): Plan;
  /** Of `rows` (a SELECT made by `ranked`, whole groups of it) the rows of the table, by name; with tombstones those, too, told apart by `_gone`. */
  settle(rows: Sql, target: Target): Sql;
}

/** Temporary tables of a load. */
export const TEMP = {
  /**
   * The active objects whose rows count: `object_id, rows, rank, effective, epoch, next_complete, known`. Ranks are 1, 2… from old to new; `epoch` is
   * the rank of the newest complete object that is not newer (0: none), `next_complete` of the oldest that is newer (null: none); `known` is the earliest
   * `effective` of the object's and newer complete objects.
   */
  active: ident('temp', 'granary_active'),
  batch: ident('temp', 'granary_batch'),
  known: ident('temp', 'granary_known'),
  settled: ident('temp', 'granary_settled'),
  groups: ident('temp', 'granary_groups'),
} as const;

/** Rows of active objects with the object's `_rank`, `_epoch` and `_effective`. */
export function ranked(rows: Sql): Sql {
  return raw(
    sql`SELECT r.*, a.rank AS _rank, a.epoch AS _epoch, a.effective AS _effective FROM (${rows}) r
      JOIN ${TEMP.active} a ON a.object_id = r.${ident(LINEAGE.object)}`,
  );
}

/** The object's rows, settled, into an empty table. */
export function fill({ target, incoming, deletes }: Change, { settle }: Pick<Strategy, 'settle'>): Step[] {
  const into: Target = { ...target, complete: false, tombstones: deletes ? target.tombstones : undefined };
  return enter(settle(ranked(incoming), into), into);
}

/** Puts what `settle` made where it belongs. */
export function enter(settled: Sql, target: Target): Step[] {
  if (!target.tombstones) return enterFrom(raw(sql`(${settled})`), target, false);
  return [
    { statement: sql`CREATE TEMP TABLE ${TEMP.settled} AS ${settled}` },
    ...enterFrom(TEMP.settled, target, true),
    { statement: sql`DROP TABLE ${TEMP.settled}` },
  ];
}

/** The same from a table. `deletes`: some rows are tombstones. */
export function enterFrom(rows: Sql, { table, tombstones }: Target, deletes: boolean): Step[] {
  if (!tombstones) return [{ statement: sql`INSERT INTO ${table} BY NAME SELECT * FROM ${rows}`, counts: 'enter' }];
  const live = sql`INSERT INTO ${table} BY NAME SELECT * EXCLUDE (_gone) FROM ${rows} WHERE NOT _gone`;
  const gone = sql`INSERT INTO ${tombstones.table} BY NAME SELECT ${namesOf(tombstones.columns)} FROM ${rows} WHERE _gone`;
  return [{ statement: live, counts: 'enter' }, ...(deletes ? [{ statement: gone, counts: 'remember' } as const] : [])];
}

/** Takes everything out. */
export function clear({ table, tombstones }: Target): Step[] {
  return [
    { statement: sql`DELETE FROM ${table}`, counts: 'leave' },
    ...(tombstones ? [{ statement: sql`DELETE FROM ${tombstones.table}` }] : []),
  ];
}

/** Condition: the row says that its key is deleted. */
export const isDeleted = ({ flag }: Tombstones): Sql => raw(sql`coalesce(${ident(flag)}, false)`);

/** `a.x, a.y`, or without the alias. */
export function names(columns: readonly string[], alias?: string): Sql {
  return join(columns.map((c) => (alias ? ident(alias, c) : ident(c))));
}

export const namesOf = (columns: readonly TableColumn[]): Sql => names(columns.map((c) => c.name));

export const columnNames = (target: Target): Sql => namesOf(target.columns);

/**
 * Both sides have the same values; nulls are the same. Without nulls on either side equality says as much, and DuckDB then reads only those
 * parts of a table that may have the values: 5 instead of 870 ms for 1,000 neighbouring keys of 20 million.
 */
export function matches(columns: readonly string[], a: string, b: string, nulls = true): Sql {
  return join(
    columns.map((c) =>
      nulls ? sql`${ident(a, c)} IS NOT DISTINCT FROM ${ident(b, c)}` : sql`${ident(a, c)} = ${ident(b, c)}`,
    ),
    ' AND ',
  );
}

/** Row `a` has the higher version than row `b`; of equal versions `tie` decides. Null is the lowest. */
export function newer(version: readonly string[], a: string, b: string, tie: Sql): Sql {
  return version.reduceRight((rest, c) => {
    const [x, y] = [ident(a, c), ident(b, c)];
    return raw(sql`(coalesce(${x} > ${y}, ${x} IS NOT NULL) OR (${x} IS NOT DISTINCT FROM ${y} AND ${rest}))`);
  }, tie);
}

/** ORDER BY from the lowest version to the highest, rows of one object by their place in it. */
export function ascending(version: readonly string[]): Sql {
  return join([
    ...version.map((c) => sql`${ident(c)} ASC NULLS FIRST`),
    '_rank ASC',
    sql`${ident(LINEAGE.member)} ASC NULLS FIRST`,
    sql`${ident(LINEAGE.line)} ASC`,
  ]);
}

/** The reverse of `ascending`. */
export function descending(version: readonly string[]): Sql {
  return join([
    ...version.map((c) => sql`${ident(c)} DESC NULLS LAST`),
    '_rank DESC',
    sql`${ident(LINEAGE.member)} DESC NULLS LAST`,
    sql`${ident(LINEAGE.line)} DESC`,
  ]);
}

/** Condition: the row is of one of these objects. */
export const isOf = (objects: readonly string[]): Sql =>
  objects.length > 0 ? raw(sql`${ident(LINEAGE.object)} IN (${join(objects.map((o) => literal(o)))})`) : raw('false');

/** Groups that a change can touch: those of the object's rows and of the rows that leave the table and the tombstones. */
export function touched({ target, incoming, leaving }: Change, columns: readonly string[]): Sql {
  const places = [target.table, ...(target.tombstones ? [target.tombstones.table] : [])];
  const leave = places.map((place) => sql`SELECT ${names(columns)} FROM ${place} WHERE ${isOf(leaving)}`);
  return join([sql`SELECT ${names(columns)} FROM (${incoming})`, ...leave], ' UNION ');
}
