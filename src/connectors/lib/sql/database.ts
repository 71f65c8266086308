/**
 * What a database must be able to do so that `SqlSource` can extract from it. All errors are GranaryErrors with `connector.*` codes.
 * Values travel as text, as they land (see `landed.ts`); NULL is null.
 */
import type { ColumnType } from '../../../model/schema.ts';
import type { TablePart } from './table-name.ts';

export interface SqlDatabase {
  /** For messages: `mysql://host:3306`. */
  readonly endpoint: string;
  readonly dialect: SqlDialect;
  /** How many connections there may be at a time; at least 2. */
  readonly connections: number;
  /** Tables and views that match, or all that are not the system's; ordered by name, at most 10,000. None is no error. */
  tables(pattern: readonly TablePart[] | undefined): Promise<ListedTable[]>;
  /** Error: `connector.not_found` naming the nearest table. */
  facts(table: TableName): Promise<TableFacts>;
  /** Columns of the result of a query; it is not run. */
  queryFacts(query: string): Promise<TableFacts>;
  /**
   * How far what is written is certainly committed. To be asked before the snapshot is taken: what a snapshot taken later does not see was written
   * by a transaction that was open now, or began later. `complete`: none is missing that was open when this was called, which may take a moment; otherwise
   * those of the last second may be.
   */
  horizon(options?: { complete?: boolean }): Promise<Horizon>;
  /** Opens a connection (waits for one when all are in use) and a read-only transaction that sees one state of all tables. Nothing is locked. */
  snapshot(signal: AbortSignal | undefined): Promise<Snapshot>;
  /**
   * Values of an indexed column that divide the rows of a table, from `from` on, into parts of about `rows` rows; ascending, at most `limit`. Cheap: from an
   * index or statistics. Empty: the table is small, or cannot be divided.
   */
  cuts(request: CutRequest): Promise<string[]>;
  close(): Promise<void>;
}

/** Parts of the full name, the table last: `['shop', 'orders']`. */
export type TableName = readonly string[];

export interface ListedTable {
  name: TableName;
  kind: 'table' | 'view';
  /** As people call it, and `parseTableName` understands: `orders` where it is found without the rest. It is the value of `_table`. */
  title: string;
  /** Estimate. */
  rows: number | undefined;
}

export interface TableFacts {
  /** Undefined for a query. */
  name: TableName | undefined;
  kind: 'table' | 'view' | 'query';
  columns: SourceColumn[];
  /** The primary key, or else a unique one whose columns are never NULL. */
  key: string[];
  /** Columns that an index begins with. */
  indexed: ReadonlySet<string>;
  /** Estimate. */
  rows: number | undefined;
}

export interface SourceColumn {
  name: string;
  /** What it is at the source, for people and for the dialect: `bigint(20) unsigned`. */
  native: string;
  /** The exact counterpart in a contract. */
  type: ColumnType;
  nullable: boolean;
  /** How it can be a watermark: the server numbers rows in it, or sets it at every change. */
  grows?: 'sequence' | 'updated';
  note?: string;
}

export interface SqlDialect {
  /** A quoted name: of a column, or of a table with its parts. */
  ident(...parts: string[]): string;
  /** Text as a literal. */
  text(value: string): string;
  /** A value of a column, from the text it lands as, to compare the column with, using its index. */
  value(landed: string, column: SourceColumn): string;
  /** The expression to select so that a column lands as `wanted`, which is the contract's type. `ref` is the quoted column. */
  landed(ref: string, column: SourceColumn, wanted: ColumnType): string;
  /** The same for `Snapshot.copy` alone, which may give values their form itself and spare the server the work. */
  copied(ref: string, column: SourceColumn, wanted: ColumnType): string;
  /** An expression that lands as true or false; NULL as false. */
  flag(condition: string): string;
  /** How the sum of an expression is selected exactly, as decimal text. */
  sum(ref: string, column: SourceColumn): string;
}

export interface Horizon {
  /** The server's clock in UTC: `2026-03-01 12:00:00.000000`. */
  now: string;
  /** Start of the oldest transaction that may have written something, in UTC. Undefined: there is none, or it cannot be known. */
  oldest: string | undefined;
  /** Why `oldest` cannot be known, with what to do about it; undefined: it is known. */
  unknown: string | undefined;
  /** Seconds that wall clocks of the server's columns without zone are ahead of UTC now. */
  wallClockOffset: number;
}

export interface Snapshot {
  /** Rows of a small result, as text. */
  rows(query: string): Promise<(string | null)[][]>;
  /**
   * Streams the result of a query as lines of landed CSV, without a header. Returns how many rows the server says that there were; an implementation that counts
   * them itself throws `connector.protocol`, transient, when it got others.
   */
  copy(query: string, out: RowSink): Promise<number>;
  /** A further connection. Where `sharesSnapshot`, it sees what this one sees; otherwise, it has a snapshot of its own, of now. */
  another(signal: AbortSignal | undefined): Promise<Snapshot>;
  readonly sharesSnapshot: boolean;
  /** Where `sharesSnapshot`: what `isUnchanged` of a later one compares with. Short. */
  readonly state?: string;
  /**
   * Whether the rows that a condition holds for, of a table, are those that an earlier snapshot had, which counted `rows` of them. It may say no where it cannot
   * be told.
   */
  isUnchanged?(state: string, from: string, where: string, rows: number): Promise<boolean>;
  /** Ends the transaction and gives the connection back. Never throws. */
  close(): Promise<void>;
}

export interface RowSink {
  /** Whole lines or parts of lines; the buffer may be used again when the promise ends. `rows`: how many ended in it. The server waits meanwhile. */
  write(bytes: Uint8Array, rows: number): Promise<void>;
  signal: AbortSignal | undefined;
}

export interface CutRequest {
  table: TableName;
  column: SourceColumn;
  /** First value that is read, as it lands; undefined: all. */
  from: string | undefined;
  rows: number;
  limit: number;
}
