/** How far the log was read: stored with the objects that it produced. */
import { createHash } from 'node:crypto';
import type { ExtractDataset, Position } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { isDue as isDueAgain, type KnownTrouble } from '../../lib/sql/troubles.ts';

export interface CapturePosition {
  /** `server_id` of the server whose log `file` is. On another one, reading goes on by `gtid`. */
  server: number;
  /** Where the next transaction begins. */
  file: string;
  pos: number;
  /** `pos` is not known yet: reading goes on by `gtid`. */
  byGtid: boolean;
  /** When the file was begun, in seconds since 1970, as its first event says: files of the same name may be others. 0: not known. */
  created: number;
  /** The transactions that were read, see `binlog/gtids.ts`. */
  gtid: string;
  /** `_position` of the last row. It goes on counting whatever happens at the server. */
  rows: number;
  /** `_changed_at` of the last transaction, in seconds since 1970; never goes back. */
  at: number;
  /** When the log ended before `gtid`, in seconds since 1970 by the server's clock: until then everything was read. */
  seenAt: number;
  /** By dataset. */
  tables: Record<string, TableState>;
  /** Datasets that distributed transactions changed which are not decided yet, by their names. */
  prepared: Record<string, string[]>;
  /** When the log was lost and everything was read anew, in milliseconds since 1970. */
  repairs: number[];
}

export interface TableState {
  /** Of the table's name, the key and the contract: with other ones, the table is read anew. */
  contract: string;
  /** Of the types that the columns of the contract have at the source. */
  shape: string;
  /** Why the table has to be read anew; null: it does not. */
  stale: string | null;
  /** Why it cannot be read anew now. */
  trouble: KnownTrouble | null;
  /** When it was read last, in milliseconds since 1970, and how long that took. */
  read: { at: number; took: number } | null;
  /** The table by whose changes foreign keys have changed rows of this one, which the log does not tell, and since when that waits. */
  cascaded: { table: string; since: number } | null;
}

/** For foreign keys a table is not read anew more often than that, in milliseconds, nor for more than one part in so many of the time. */
const LEAST_PAUSE_MS = 60_000;
const PAUSE = 10;

/** Whether the table is to be read anew now. */
export function isDue({ stale, trouble, read, cascaded }: TableState, now: number): boolean {
  if (trouble && !isDueAgain(trouble, now)) return false;
  if (stale !== null) return true;
  return cascaded !== null && (!read || now >= read.at + Math.max(LEAST_PAUSE_MS, PAUSE * read.took));
}

export const positionOf = (position: Position | undefined): CapturePosition | undefined =>
  position as unknown as CapturePosition | undefined;

const shortHash = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 12);

export function contractOf({ read, columns }: ExtractDataset<SqlRead>): string {
  return shortHash([read.changes, read.key, columns.map((c) => [c.from, c.type])]);
}

export const shapeOf = (columns: readonly { name: string; native: string }[]): string =>
  shortHash(columns.map((c) => [c.name, c.native]));

export interface Place {
  file: string;
  pos: number;
}

/** Below 0: `a` is before `b`. Of files of one server: they are numbered. */
export function comparePlaces(a: Place, b: Place): number {
  return numberOf(a.file) - numberOf(b.file) || a.pos - b.pos;
}

const numberOf = (file: string): number => Number(/(\d+)$/.exec(file)?.[1] ?? 0);
