/** How far the log was read: stored with the objects that it produced. */
import { createHash } from 'node:crypto';
import type { ExtractDataset, Position } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';

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
}

export interface TableState {
  oid: number;
  /** The entry of the table in the publication: another one was made after changes were missed. */
  member: string;
  /** Of the table's name, the key and the contract: with other ones, the table is read anew. */
  contract: string;
  /** Of the partitions; '' for a plain table. */
  leaves: string;
  /** What it was read as, until the log has been read beyond it. */
  snapshot: { visible: string; until: string } | null;
  /** When it was read, in microseconds since 1970: `_changed_at` is not before it. */
  floor: number;
  /** Columns that an operator was told of: lost ones, and new ones. */
  told: string[];
}

/** In a checkpoint: tables that were read. */
export interface CaptureProgress {
  /** Of what it depends on; with another one it is of no use. */
  basis: string;
  rows: number;
  tables: Record<string, TableState>;
}

export const positionOf = (position: Position | undefined): CapturePosition | undefined =>
  position as unknown as CapturePosition | undefined;

export const shortHash = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 12);

export const contractOf = ({ read, columns }: ExtractDataset<SqlRead>): string =>
  shortHash([read.changes, read.key, read.history, columns.map((c) => [c.from, c.type])]);
