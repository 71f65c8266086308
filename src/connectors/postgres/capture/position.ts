/** How far the log was read: stored with the objects that it produced. */
import { createHash } from 'node:crypto';
import type { ExtractDataset, Position } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import type { KnownTrouble } from '../../lib/sql/troubles.ts';

export interface CapturePosition {
  /** Transactions whose commit is before it were read. */
  lsn: string;
  /** The identifier of the cluster. In another one, places mean nothing. */
  system: string;
  slot: string;
  /** `_position` of the last row. It goes on counting whatever happens at the server. */
  rows: number;
  /** `_changed_at` of the last transaction, in microseconds since 1970; never goes back. */
  at: number;
  /** When `lsn` was the end of the log, in milliseconds since 1970 by the server's clock. */
  seenAt: number;
  /** By dataset. */
  tables: Record<string, TableState>;
  /** Snapshots that tables were read in and the log has not been read beyond, by their place in it: what they have seen, as `visibleIn` takes it. */
  snapshots: Record<string, string>;
  /** By dataset: what keeps it from being captured. It is read whole once that was mended. */
  troubles?: Record<string, KnownTrouble>;
}

export interface TableState {
  oid: number;
  /** The entry of the table in the publication: another one was made after changes were missed. */
  member: string;
  /** Of the table's name, the key and the contract: with other ones, the table is read anew. */
  contract: string;
  form: TableForm;
  /** The snapshot that it was read in, of `snapshots`, until the log has been read beyond it. */
  snapshot: string | null;
  /** When it was read, in microseconds since 1970: `_changed_at` is not before it. */
  floor: number;
  /** Columns that an operator was told of, see `Told`. */
  told: string;
}

/** By which is noticed what the log does not tell. */
export interface TableForm {
  /** Of the partitions and their files; '' for a plain table. */
  leaves: string;
  /** The numbers of the columns of the contract; 0: the table has not got it. */
  columns: number[];
  /** Of their descriptions: changes with their types, among others. */
  types: string;
  /** The file of the table: changes when all rows are written anew, for whatever reason. */
  file: string;
}

/** In a checkpoint: tables that were read. */
export interface CaptureProgress {
  /** Of what it depends on; with another one it is of no use. */
  basis: string;
  rows: number;
  tables: Record<string, TableState>;
  snapshots: Record<string, string>;
}

export const positionOf = (position: Position | undefined): CapturePosition | undefined =>
  position as unknown as CapturePosition | undefined;

export const shortHash = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 12);

export const contractOf = ({ read, columns }: ExtractDataset<SqlRead>): string =>
  shortHash([read.changes, read.key, read.history, columns.map((c) => [c.from, c.type])]);
