/**
 * Connectors that read records from a system which has no files: databases, change streams, APIs. What they read is written as bytes
 * of a format and lands as an object; from there on it goes the way of every file. A connector's module holds its specs and imports no
 * driver; `open` loads it.
 *
 * An extraction belongs to a feed: one dataset, or several that can only be read together (the changes of a database). A feed has a
 * position, which says how far it has come. The position after an extraction is stored in the same transaction as the objects that it
 * made, so whatever is killed when, the next extraction begins where the last landed object ends.
 */
import type { SerializedError } from '../lib/errors.ts';
import type { Chosen } from '../lib/spec/fields.ts';
import type { ObjectSpec } from '../lib/spec/spec.ts';
import type { ColumnType } from '../model/schema.ts';
import type { ConnectorContext, FileConnector } from './connector.ts';
import type { Engine } from './engine.ts';

export interface ExtractConnector<C, R> {
  kind: 'extracts';
  type: string;
  title: string;
  spec: ObjectSpec<C>;
  /** What one dataset reads: `read` of the dataset. */
  read: ObjectSpec<R>;
  /** Pure. How what `read` makes is read again, and what goes without saying about such a dataset. */
  describe(read: R, config: C): ReadDescription;
  /** For systems that do not say what they have: what a person means by `/contacts?sort=id`; undefined where it is a name of offers. Pure. */
  named?(text: string): Offer | undefined;
  /** For a person, where there are no offers: what can be done. */
  withoutOffers?: string;
  open(config: C, context: ConnectorContext): Promise<ExtractSource<R>>;
}

export interface ReadDescription {
  /** Layers and format of the landed bytes. */
  unpack: Chosen[];
  format: Chosen;
  /** Datasets of a source with the same name here are one feed; undefined: a feed of its own. */
  feed?: string;
  /** Columns that the connector adds to those of the contract, after them, where the contract does not name them. Names begin with `_`. */
  columns?: Record<string, { type: ColumnType; from: string }>;
  /** The load strategy where the dataset gives none; columns by their names at the source. */
  load?: Record<string, unknown>;
  /** How often keys are compared with those in the table, in seconds: when it is due `currentKeys` gives them. */
  reconcileSeconds?: number;
  /** How often a feed that is always open is read while `granary up` runs, in seconds; undefined: when a schedule says so. */
  everySeconds?: number;
  /** Problems that only show here, e.g. a watermark without a key. */
  problems?: { path: string[]; message: string }[];
}

/** JSON, at most 64 KiB; only the connector knows what is in it. */
export type Position = { [field: string]: unknown };

/**
 * An open source. Errors are GranaryErrors with `connector.*` codes, `transient` set rightly. Several extractions may run at once
 * if they are of different feeds.
 */
export interface ExtractSource<R> {
  /**
   * Reads what is new since `position` (undefined: from the beginning) into `sink`. It reads to an end that is fixed when it starts, or
   * to a limit of its own, and says `more` then.
   */
  extract(request: ExtractRequest<R>, sink: ExtractSink): Promise<Extracted>;
  /** Whether `extract` would find something, where that can be told at no cost for the server; undefined: it cannot. */
  hasNew?(
    feed: string,
    datasets: readonly ExtractDataset<R>[],
    position: Position | undefined,
  ): Promise<boolean | undefined>;
  /** How far behind the source a feed is, and what it costs the server, for figures and alarms. */
  lag?(feed: string, datasets: readonly ExtractDataset<R>[], position: Position | undefined): Promise<FeedLag>;
  /** What could be read: tables, endpoints; for `granary discover`. At most 10,000. */
  offers(): AsyncIterable<Offer>;
  /** Columns of one of them, from the server or from a sample. */
  propose(offer: Offer): Promise<Proposal>;
  close(): Promise<void>;
}

export interface ExtractRequest<R> {
  feed: string;
  /** One, unless the feed is shared. */
  datasets: readonly ExtractDataset<R>[];
  position: Position | undefined;
  /** What the last checkpoint of an extraction that broke off said; its bytes are in the sink. Undefined: start anew. */
  progress: Position | undefined;
  /** Read everything there is, whatever the position: a repair. */
  full: boolean;
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** The keys that are in the table now, as a local Parquet file of the columns asked for: to find rows that are gone at the source. */
  currentKeys(dataset: string, columns: readonly string[]): Promise<{ path: string } | undefined>;
  /** For what SQL does better than JavaScript; closed by the caller. */
  openEngine(): Promise<Engine>;
  /** An empty folder for temporary files; removed by the caller. */
  scratch: string;
  signal?: AbortSignal;
  /** Told of what an operator wants to know: a re-snapshot, a column that has gone. */
  warn(message: string): void;
  progressed(done: number, total: number | undefined, unit: 'rows' | 'bytes'): void;
}

export interface ExtractDataset<R> {
  name: string;
  read: R;
  /** The contract, in order. `from` is the name at the source. */
  columns: readonly { name: string; from: string; type: ColumnType }[];
}

/** Where the bytes go. What is opened becomes an object when the extraction ends well, even if nothing was written to it. */
export interface ExtractSink {
  /**
   * The object of a dataset that is being written; the same one at every call until `cut`. Bytes are kept before the promise ends, so a
   * buffer may be used again then.
   */
  write(dataset: string, bytes: Uint8Array): Promise<void>;
  /** Opens the object without writing to it: a table that is empty is something to tell. */
  open(dataset: string, options?: ObjectOptions): Promise<void>;
  /** Ends the object; what is written next begins another one. */
  cut(dataset: string, declared?: Totals): Promise<void>;
  /** Forgets the object that is being written, if there is one: it could not be read to its end, and the others go on. */
  discard(dataset: string): Promise<void>;
  /** Bytes so far are durable; after a kill the extraction goes on from here with `progress`. Seldom: each costs an fsync. */
  checkpoint(progress: Position): Promise<void>;
}

export interface ObjectOptions {
  /**
   * The object lists all rows there are at its position: rows of older objects whose keys are not in it are gone. For `merge` and `snapshot`.
   */
  complete?: boolean;
  /** Ending of the object's name, e.g. `.tar`; default `.csv`. */
  ending?: string;
}

/** As the source counted them in the same snapshot. Sums are decimal text. */
export interface Totals {
  rows?: number;
  sums?: Record<string, string>;
}

export interface Extracted {
  position: Position;
  /** There is more to read now. */
  more: boolean;
  /** What the source counted, by dataset: of its last object. */
  declared?: Record<string, Totals>;
  /** Datasets that could not be read while the others of the feed went on: at every extraction, until what is wrong was mended. */
  troubles?: readonly Trouble[];
}

export interface Trouble {
  dataset: string;
  error: SerializedError;
}

export interface FeedLag {
  /** Seconds between the newest change at the source and the newest that was read. */
  seconds?: number;
  /** Bytes of log that were not read. */
  bytes?: number;
  /** Bytes that the server keeps because of us (a replication slot). */
  retainedBytes?: number;
  /** A sentence when it needs a person. */
  problem?: string;
  /** What the problem is of, in a word: a person is told anew when it is another one. */
  about?: string;
}

export interface Offer {
  /** As people know it: `shop.orders`, `contacts`. */
  name: string;
  kind: string;
  /** Estimate. */
  rows: number | undefined;
  /** `read` of a dataset for it, as in YAML. */
  read: unknown;
}

export interface Proposal {
  columns: { name: string; from: string; type: ColumnType; required: boolean; note?: string }[];
  key: string[];
  read: unknown;
  load: Record<string, unknown> | undefined;
  notes: string[];
}

/** A connector of either kind. */
// biome-ignore lint/suspicious/noExplicitAny: components of every configuration.
export type AnyConnector = FileConnector<any> | ExtractConnector<any, any>;
