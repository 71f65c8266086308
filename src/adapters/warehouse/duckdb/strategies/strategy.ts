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
  /** Contract and lineage columns, in table order. */
  columns: readonly TableColumn[];
  strategy: LoadStrategy;
}

/** What a load does to the active objects of a table. */
export interface Change {
  target: Target;
  /** A SELECT of the target's columns: the object's rows, or none if it is superseded. */
  incoming: Sql;
  /** Objects whose rows leave; the object itself when it is replayed. */
  leaving: readonly string[];
  /** No other object is active or leaves: the table is what its rows settle to. */
  alone: boolean;
  /** The object is active and sorts after all others. */
  newest: boolean;
  /** `newest`, and valid from a later time than all others. */
  latest: boolean;
  /** Since when the object's rows are valid, as DuckDB prints timestamps. */
  effective: string;
}

export interface Plan {
  /** Run in order. They may leave `TEMP.batch` behind. */
  statements: string[];
  /**
   * Then these groups are taken out of the table and settled again from the files of all active objects. Rows of different groups do not
   * influence each other. A group that is not in the table has no rows in other objects.
   */
  rebuild?: 'all' | { columns: readonly string[]; groups: Sql };
}

export interface Strategy {
  plan(change: Change): Plan;
  /** Of `rows` (a SELECT made by `ranked`, whole groups of it) the rows of the table, by name. */
  settle(rows: Sql, target: Target): Sql;
}

/** Temporary tables of a load. */
export const TEMP = {
  /**
   * `object_id, rank, effective, known` of the active objects; ranks are 1, 2… from old to new, `known` is the earliest `effective` of the
   * object and all newer ones.
   */
  active: ident('temp', 'granary_active'),
  batch: ident('temp', 'granary_batch'),
  groups: ident('temp', 'granary_groups'),
} as const;

/** Rows of active objects with the object's `_rank` and `_effective`. */
export function ranked(rows: Sql): Sql {
  return raw(
    sql`SELECT r.*, a.rank AS _rank, a.effective AS _effective FROM (${rows}) r JOIN ${TEMP.active} a ON a.object_id = r.${ident(LINEAGE.object)}`,
  );
}

/** The plan for an object that is alone. */
export function fill({ target, incoming }: Change, { settle }: Pick<Strategy, 'settle'>): Plan {
  return { statements: [sql`INSERT INTO ${target.table} BY NAME ${settle(ranked(incoming), target)}`] };
}

/** `a.x, a.y`, or without the alias. */
export function names(columns: readonly string[], alias?: string): Sql {
  return join(columns.map((c) => (alias ? ident(alias, c) : ident(c))));
}

export const columnNames = (target: Target): Sql => names(target.columns.map((c) => c.name));

/** Both sides have the same values; nulls are the same. */
export function matches(columns: readonly string[], a: string, b: string): Sql {
  return join(
    columns.map((c) => sql`${ident(a, c)} IS NOT DISTINCT FROM ${ident(b, c)}`),
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

/** Groups that a change can touch: those of the object's rows and of the rows that leave the table. */
export function touched({ target, incoming, leaving }: Change, columns: readonly string[]): Sql {
  return raw(sql`SELECT ${names(columns)} FROM (${incoming})
    UNION SELECT ${names(columns)} FROM ${target.table} WHERE ${isOf(leaving)}`);
}
