/**
 * Warehouse: the tables that people query, and the record of what was loaded into them.
 * Contract: `test/contracts/warehouse.ts`, held by every adapter.
 *
 * What a table holds is a function of its active objects and of nothing else: not of the order in which they were loaded, nor of
 * the replays and re-sent files on the way. An object is active once it is loaded and until another one supersedes it.
 */
import type { TableColumn } from '../model/schema.ts';
import type { Facts } from './warehouse-facts.ts';

export interface Warehouse {
  /**
   * Takes one object's curated rows into a table, in one transaction with schema evolution, the record in `granary.loads` and the
   * rejects. All of it is seen or nothing. Loads of one warehouse are made one after the other.
   * Loading what is recorded already (same object, dataset and curation) changes nothing and returns the recorded result; another curation of a
   * recorded object replaces it.
   * Errors: `load.failed` (terminal: incompatible types, missing columns, wrong counts, missing curated files; transient: out of memory),
   * `store.disk_full`. After an error the warehouse is as before.
   */
  load(request: LoadRequest): Promise<LoadResult>;
  /** Upserts rows of the system tables by id. The same facts may be published any number of times. */
  publishFacts(facts: Facts): Promise<void>;
  /**
   * Runs one statement that only reads. Errors: `query.failed` (a wrong statement with its line and column, or one that is not allowed),
   * `query.incomplete`, `cancelled`.
   */
  query(sql: string, options?: QueryOptions): Promise<QueryResult>;
  /**
   * Writes the distinct values of columns to a Parquet file, read-consistent with the version it returns; of a `snapshot` table only the current rows.
   * `path` lies in a folder that the warehouse was opened with. Errors: `query.failed`.
   */
  exportTable(table: TableName, columns: string[], path: string): Promise<{ rows: number; version: string }>;
  /** Changes with every load of the table; `0` before the first. */
  tableVersion(table: TableName): Promise<string>;
  /** Tables and views of all schemas, system tables included, by schema and name. */
  describe(): Promise<TableDescription[]>;
  /** Columns in table order, lineage and history columns included; undefined when there is no such table. */
  columns(table: TableName): Promise<WarehouseColumn[] | undefined>;
  /**
   * Where the rows with these values came from, at most `limit` (100) of them, and then those that say that they are deleted. Values are compared as the column's type; null finds nulls.
   * Errors: `query.failed` for an unknown table or column, or a value that is not of the column's type.
   */
  trace(table: TableName, key: Record<string, string | number | boolean | null>, limit?: number): Promise<TracedRow[]>;
  /** Waits for a load in progress, makes everything durable and releases the files. */
  close(): Promise<void>;
}

/** The schema is the tenant's. `granary` is the schema of the system tables. */
export interface TableName {
  schema: string;
  name: string;
}

export const SYSTEM_SCHEMA = 'granary';

/**
 * How rows enter a table. `newest` is by `LoadRequest.order`, ties by object id. Null is a value like others in keys and
 * partitions, and the lowest in versions. Of several rows of one object that tie, the one with the highest member and line is taken.
 * - `append`: all rows of all active objects.
 * - `replace`: the rows of the newest active object. A late, older one changes nothing: all its rows count as deduplicated.
 * - `merge`: per `key` the row with the highest `version`, then of the newest object. Rows of objects older than the newest complete one do not count.
 * - `replace_partition`: per value of `partition` the rows of the newest object that has any.
 * - `snapshot`: type 2 history per `key`, with `_valid_from`, `_valid_to` (null: open) and `_is_current`. A row is a new version when a
 *   column other than key and version differs from the version before it, and it was valid for some time; other rows count as deduplicated. Versions
 *   are ordered by `version`, then by object. If the first version column is a date or time a row is valid from then; otherwise from the time its version was first
 *   known, the object's `effective`. With `deletes` every object lists all keys there are: history is ordered by object
 *   alone, `version` only decides between rows of one object, and a key is closed by the first object that lacks it. A complete object does so
 *   once: it closes the keys of older objects that it lacks at its `effective`, or that of a newer complete object if that is earlier. Its rows and
 *   those of newer objects come after all rows of older objects in the order of versions.
 * With `deleted` some rows say that their key is gone; of those only key, version and lineage matter, and that column is not in the table.
 * - `merge`: a key whose row says so is not in the table. The row is remembered: older rows do not bring the key back, whenever they come.
 * - `snapshot`: the row is a version in which there is no such key: it ends the version before it, and a later row begins a new one. It counts as
 *   a new version if the key was there before or had never been told of.
 * - `append`: all rows with their column, a log of changes. The others do not take it.
 */
export interface LoadStrategy {
  strategy: 'append' | 'replace' | 'merge' | 'snapshot' | 'replace_partition';
  /** `merge` and `snapshot`. */
  key?: readonly string[];
  version?: readonly string[];
  /** `replace_partition`. */
  partition?: readonly string[];
  /** `snapshot`. */
  deletes?: boolean;
  /** A boolean column of the contract, neither key nor version: true in rows that say that their key is deleted. Null is false. */
  deleted?: string;
}

export interface LoadRequest {
  tenant: string;
  /** `source.dataset`. */
  dataset: string;
  objectId: string;
  /** Which curation of the object this is: another one is a replay. */
  curationId: string;
  /** Older objects of the same dataset whose rows leave: earlier contents of a file that was sent again. For good, loaded or not yet. */
  supersedes: readonly string[];
  /** Sorts objects from old to new as text: the business date of the file, then its arrival. */
  order: string;
  /** ISO 8601 in UTC: since when the object's rows are valid (`snapshot`). Grows with `order`. */
  effective: string;
  table: TableName;
  /** The contract's columns in order, without lineage. */
  columns: readonly TableColumn[];
  /** Local Parquet files with those columns and `_object`, `_line` and, for archives, `_member`. None when there are no rows. */
  files: readonly string[];
  /** Rows in those files. */
  rows: number;
  /** Local Parquet files with `line, member, rule, column, severity, reason, raw`. */
  rejects: readonly string[];
  strategy: LoadStrategy;
  /**
   * The object lists all keys there are: what older objects had and it does not is gone. For `merge` and `snapshot`; to the others
   * it says nothing. Default false.
   */
  complete?: boolean;
  /** Rows enter the table in the order of the files. Otherwise in any order, which is cheaper. */
  ordered?: boolean;
  /** May an existing table get new columns and wider types? Otherwise a difference is an error. */
  evolve: boolean;
  /** Curated files of the other objects loaded into the table. Asked only when rows of theirs must come back or histories be made again. */
  siblings(): Promise<CuratedObject[]>;
}

export interface CuratedObject {
  objectId: string;
  files: readonly string[];
}

/** `rows` of the request = `inserted` + `deduplicated`. */
export interface LoadResult {
  /**
   * Rows of the object that count after the load: those in the table, and those that say of a key that it is deleted and have not lost to
   * another row, whether or not the key was in the table before.
   */
  inserted: number;
  /** Rows that lost to a newer one or say nothing new. */
  deduplicated: number;
  /** By how many the rows of other objects became fewer; for `snapshot` the current ones. */
  replaced: number;
  /** Rows in the table after the load. */
  tableRows: number;
  /** The result of an earlier call: this one changed nothing. */
  recorded: boolean;
}

export interface QueryOptions {
  /** Stop after so many rows and say `truncated`. */
  maxRows?: number;
  signal?: AbortSignal;
}

export interface QueryResult {
  columns: { name: string; type: string }[];
  /**
   * Rows as arrays in the order of `columns`, once. Integers up to 2^53 and doubles are numbers, larger ones and decimals text, dates and times
   * ISO text. The query starts with the first batch. It ends only after the proven last row; anything else throws.
   */
  batches: AsyncIterable<unknown[][]>;
  /** After the last batch: did `maxRows` cut the result? */
  truncated(): boolean;
}

export interface WarehouseColumn {
  name: string;
  /** A ColumnType where one fits, else the warehouse's own name in lower case. */
  type: string;
}

export interface TableDescription extends TableName {
  kind: 'table' | 'view';
  /** Undefined for views. */
  rows: number | undefined;
  columns: WarehouseColumn[];
}

export interface TracedRow {
  object: string;
  line: number;
  /** The archive entry, where there is one. */
  member: string | undefined;
  /** The row as the table has it, without lineage. */
  row: Record<string, unknown>;
  /** The row says that its key is deleted. It is not in the table; `row` has key and version, and of a history `_valid_from`. */
  deleted?: true;
}
