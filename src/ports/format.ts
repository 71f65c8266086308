/**
 * Formats turn one verified payload (a local file of plain bytes) into rows of the engine, and account for every record of it.
 *
 * The way a payload is read:
 * 1. `count` sees all bytes once, as they stream through verification, and says how many records there are. It shares no code with
 *    the engine's reader: it is the independent side of the books.
 * 2. `read` offers one or more attempts, fastest first. The caller scans an attempt's relation exactly once, in order, into a staging
 *    Parquet file, and then asks it to `settle` the number of rows it got. An attempt that cannot account for every record says
 *    `mismatch` and the next one is tried; the last attempt of a format must be lossless and never says it.
 */
import type { ObjectSpec } from '../lib/spec/spec.ts';
import type { ColumnType } from '../model/schema.ts';
import type { Engine } from './engine.ts';

export interface Format<C> {
  type: string;
  title: string;
  /** Lower-case, with the dot. */
  extensions: readonly string[];
  spec: ObjectSpec<C>;
  /** `text`: bytes are decoded to UTF-8 (BOM, UTF-16, Latin-1, Windows-1252) before `count` and `read` see them. */
  content: 'text' | 'binary';
  /**
   * `parts`: configurations of the datasets that read other records of the same payload (`part_of`). Their records are in the fact
   * `byType`, by the setting `record`.
   */
  count(config: C, parts?: readonly C[]): RecordCounter;
  read(input: ReadInput<C>): Promise<Attempt[]>;
  /** Columns, types and settings proposed from a sample. */
  discover(input: DiscoverInput<C>): Promise<Discovery<C>>;
  /** Names of the columns a payload has, in order, from its first bytes: to check the header and detect drift. Undefined when it has none. */
  header(input: HeaderInput<C>): Promise<string[] | undefined>;
  /** `header` goes by `sources` and by the record that is read: it is asked for each contract anew. */
  headerBySources?: boolean;
}

/** Push bytes, then `finish`. Formats that can only be counted from the whole file use `path` in `finish`. */
export interface RecordCounter {
  push(chunk: Uint8Array): void;
  /** `path`: the complete payload. `index`: bytes for `ReadInput.index`, stored with the payload. */
  finish(path: string): Promise<{ facts: PayloadFacts; index?: Uint8Array }>;
}

/** What counting found; JSON, small. */
export interface PayloadFacts {
  /** Records that should become rows or rejects: header, footer and blank lines excluded. */
  records: number;
  /** Physical lines, where the format has lines. */
  lines?: number;
  /** Facts of the format's own, e.g. whether all quotes are regular. */
  [fact: string]: unknown;
}

/** A column as the format must deliver it. */
export interface ReadColumn {
  /** Name in the payload: a header name, a JSON path, a field of a fixed-width layout. */
  source: string;
  /** 0-based position, for formats without names. */
  position: number;
  /** The contract's type. A format may deliver it, or text (`typed: false`): the caller then converts. */
  type: ColumnType;
  /** True when the contract asks for conversions (a date format, a decimal comma…) that the caller will do on the text. */
  asText: boolean;
}

export interface ReadInput<C> {
  engine: Engine;
  /** The payload, plain UTF-8 for text formats. */
  path: string;
  config: C;
  columns: ReadColumn[];
  facts: PayloadFacts;
  index?: Uint8Array;
  /** An empty folder for files of the attempt. The caller removes it. */
  scratch: string;
  /** Names of the payload's columns as `header` found them. */
  header: string[] | undefined;
  signal?: AbortSignal;
}

export interface Attempt {
  name: string;
  /** Makes the relation ready. Called once, before the relation is scanned. */
  prepare(): Promise<Relation>;
  /**
   * Where it pays, instead of `prepare`: the relation in parts, one at least, each ready when it is given, and until the end. While the
   * caller scans one, the next is made. Each has a BIGINT column `_n`: the number of the row in all parts, from 0.
   */
  parts?(): AsyncIterable<Relation>;
  /** After the relation was scanned once and gave `rows` rows. Fills `PARSE_REJECTS`. */
  settle(rows: number): Promise<Settlement | 'mismatch'>;
}

export interface Relation {
  /** A table expression. Rows in payload order; one column for each ReadColumn, named `c0`, `c1`… by its index in `columns`. */
  sql: string;
  /** For each ReadColumn: true when it already has the contract's type, false when it is text (VARCHAR). */
  typed: boolean[];
  /** Set when the relation itself has a BIGINT column `_line` with the physical line (or record number, for formats without lines). */
  hasLine: boolean;
}

export interface Settlement {
  /** Records accounted for: rows + distinct rejected records. Equal to `facts.records`. */
  received: number;
  /** Distinct records in `PARSE_REJECTS`. */
  rejected: number;
  /**
   * For relations without `_line`: SQL for the line of a staging row, from its BIGINT `_n` (0-based row number in staging), with a join if one is
   * needed: `FROM staging s ${join}`. The join keeps every row once and in order.
   */
  line?: { sql: string; join: string };
  /** Raw text of records by line, for rejects that rules make. Lines ascending; yields in the same order. Undefined raw where a format has no text. */
  rawText(lines: number[]): AsyncIterable<{ line: number; raw: string | undefined }>;
}

/**
 * The table (temporary, in the engine) that `settle` creates and fills:
 * `line BIGINT, rule VARCHAR, "column" VARCHAR, reason VARCHAR, raw VARCHAR`. `rule` is one of `type`, `structure`, `encoding`, `too_long`.
 * Several rows of one line are several reasons for one rejected record. `column` is the ReadColumn's source name or NULL.
 */
export const PARSE_REJECTS = '_parse_rejects';

export interface HeaderInput<C> {
  path: string;
  config: C;
  /** What the contract reads: a format with several names for one thing gives it the contract's. */
  sources?: readonly string[];
  /** Configurations of the datasets that read other records of the payload: those are no columns. */
  others?: readonly C[];
}

export interface DiscoverInput<C> {
  engine: Engine;
  path: string;
  name: string;
  /** What the user has already decided. */
  config: Partial<C>;
  /** Read the whole file instead of a sample. */
  whole: boolean;
}

export interface Discovery<C> {
  /** Only settings that differ from their defaults. */
  config: Partial<C>;
  columns: DiscoveredColumn[];
  rowsSeen: number;
  /** Things a person should decide or know: "dates may be day/month or month/day". */
  notes: string[];
  /** Other records of the same file, for datasets that are `part_of` the one that the columns above are of. */
  parts?: DiscoveredPart[];
}

export interface DiscoveredPart {
  /** A word for it. */
  name: string;
  /** The format's setting `record`. */
  record: string;
  columns: DiscoveredColumn[];
  rowsSeen: number;
  /** Sources of columns that together identify a row. */
  keys: string[][];
  notes: string[];
}

export interface DiscoveredColumn {
  source: string;
  /** Words for its name, where `source` would not make a good one. */
  name?: string;
  type: ColumnType;
  nullable: boolean;
  /** Every value in what was seen is present and different. */
  unique: boolean;
  /** Pattern of dates and times, in strptime letters, where it is not ISO. */
  format?: string;
  decimal?: ',';
  examples: string[];
}
