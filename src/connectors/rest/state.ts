/** What an extraction remembers: for the next one, and for one that broke off. */
import { createHash } from 'node:crypto';
import type { ExtractDataset, Position } from '../../ports/extract.ts';
import type { DatasetRead } from './endpoint.ts';
import type { Mark } from './marks.ts';
import type { Place } from './paging.ts';
import type { RestRead } from './read.ts';

export interface RestPosition {
  /** What the watermark is the highest value of, and its kind. Other ones make it useless. */
  of: string;
  watermark: Mark | null;
}

/** After a page: what is in the sink. */
export interface RestProgress {
  /** Of the dataset and the position; other ones make the progress useless. */
  fingerprint: string;
  /** When the reading began, by our clock; it is what is read until. */
  startedAt: number;
  /** Of the lists that are read, and how many of them are done. */
  lists: string;
  list: number;
  current: ListProgress | null;
  /** An object was begun. */
  begun: boolean;
  objects: number;
  members: number;
  records: number;
  /** What the lists that are done have stated together; null: not all of them. */
  declared: number | null;
  highest: Mark | null;
  /** Time of the server at the first page. */
  serverAt: number | null;
}

/** Of the list that is being read. */
export interface ListProgress {
  place: Place;
  anchor: string[];
  pages: number;
  records: number;
  pass: number;
  firstTotal: number | null;
}

export const markOf = ({ incremental }: DatasetRead): string =>
  incremental ? `${incremental.from} ${incremental.format}` : '';

/** Undefined: there is none, or it is of something else. */
export function positionOf(position: Position | undefined, read: DatasetRead): RestPosition | undefined {
  const known = position as unknown as RestPosition | undefined;
  return known?.of === markOf(read) ? known : undefined;
}

export const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);

export const fingerprintOf = (dataset: ExtractDataset<RestRead>, position: Position | undefined): string =>
  hashOf([dataset.read, position ?? null]);
