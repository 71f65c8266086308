/** How far the feeds of sources without files have come, and the extraction that is going on. */
import type { Collection } from '../ports/state-store.ts';
import type { Declared, ObjectDoc } from './objects.ts';

/** Id: `tenant/source|feed`. */
export interface FeedDoc {
  id: string;
  /** What only the connector understands; null before the first extraction. */
  position: Record<string, unknown> | null;
  /** Of the next extraction: 1, 2… */
  number: number;
  /** End of the last extraction. ISO 8601, UTC; never goes back. */
  readAt: string | null;
  /** When the keys in the table were last compared with those at the source. */
  reconciledAt: string | null;
  /** An extraction that has made something durable and has not ended. */
  current: Reading | Committing | null;
}

/** Bytes up to a checkpoint are kept; the extraction goes on from there. */
export interface Reading {
  state: 'reading';
  progress: Record<string, unknown>;
  parts: FeedPart[];
}

/** Everything was read: what is left is to make the objects and the position known. */
export interface Committing {
  state: 'committing';
  position: Record<string, unknown>;
  more: boolean;
  reconciled: boolean;
  objects: { upload: string; doc: ObjectDoc }[];
}

/** An object in the making. */
export interface FeedPart {
  dataset: string;
  /** 1, 2… within the extraction and dataset. */
  part: number;
  /** Name of its upload. */
  upload: string;
  bytes: number;
  /** Nothing more is written to it. */
  ended: boolean;
  complete: boolean;
  ending: string;
  declared: Declared | null;
}

export const FEEDS: Collection<FeedDoc> = { name: 'feeds', indexes: {} };

/** How far a feed that is always open is behind, as of the last look. Id: that of the feed. */
export interface FeedLagDoc {
  id: string;
  source: string;
  tenant: string;
  feed: string;
  /** ISO 8601, UTC. */
  at: string;
  /** Between the newest change at the source and the newest that was read. */
  seconds: number | null;
  /** Of log that was not read. */
  bytes: number | null;
  /** Of log that the server keeps because of us. */
  retainedBytes: number | null;
  /** What is wrong, in a sentence, and since when. */
  problem: string | null;
  since: string | null;
  /** What the problems are of, in a word each. */
  about?: string[];
}
export const FEED_LAGS: Collection<FeedLagDoc> = { name: 'feed_lags', indexes: {} };

export const feedId = (tenant: string, source: string, feed: string): string => `${tenant}/${source}|${feed}`;
