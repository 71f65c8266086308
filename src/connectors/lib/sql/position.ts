/** What an extraction remembers: for the next one, and for one that broke off. */
import { createHash } from 'node:crypto';
import type { ExtractDataset, Position } from '../../../ports/extract.ts';
import type { SqlRead } from './read.ts';

export interface SqlPosition {
  /** Columns of the watermark. Another one makes the position useless. */
  watermark: string[];
  /** By the title of the table; '' for a query. */
  tables: Record<string, TableMark>;
  /** When all rows were read last, in milliseconds. */
  fullAt: number;
  /** Of the bytes of the last extraction, where they were few: the same rows again are not landed again. */
  digest: string | null;
}

export interface TableMark {
  /** Everything up to here was read: values of the watermark, or of its first column only. Null: the table was empty. */
  value: string[] | null;
  /** When it was read, `value` had been the highest for longer than the look-back: what is committed later is above it. */
  settled: boolean;
  /** The highest value that was ever seen. */
  seen: string[] | null;
  /** Seconds that the server's wall clock was ahead of UTC. */
  offset: number;
  /** For sequences: a value that was committed at a time (UTC), and was the highest then. Newest last. */
  history: { at: string; value: string[] }[];
}

/** After a chunk: what is in the sink. */
export interface SqlProgress {
  /** Of the dataset and the position; other ones make the progress useless. */
  fingerprint: string;
  full: boolean;
  /** The table that is being read, or was last. Those before it are done. */
  table: string;
  /** Its marks when it is read to its end. */
  mark: TableMark | null;
  /** Values that divide it, and how many of the parts are done. */
  cuts: string[];
  done: number;
  /** Where the parts are of one snapshot: its state, and the rows of those that are done. */
  snapshot: { state: string; rows: number } | null;
  /** Of tables that are done. */
  tables: Record<string, TableMark>;
  rows: number;
  sums: Record<string, string>;
  begun: boolean;
}

export function positionOf(position: Position | undefined, read: SqlRead): SqlPosition | undefined {
  const known = position as unknown as SqlPosition | undefined;
  return known && JSON.stringify(known.watermark) === JSON.stringify(read.watermark ?? []) ? known : undefined;
}

export function fingerprintOf(dataset: ExtractDataset<SqlRead>, position: Position | undefined): string {
  const { chunks: _, throttle: __, ...read } = dataset.read;
  return createHash('sha256')
    .update(JSON.stringify([read, dataset.columns, position ?? null]))
    .digest('hex')
    .slice(0, 32);
}
