/** Who takes records, and what else takes part in gathering them. */
import type { Gathered } from './records.ts';
import type { PageMemory } from './row-page.ts';
import type { Scanner } from './scanner.ts';

/** A value around records, decoded; undefined when it is missing. */
export type OuterValue = Uint8Array | undefined;

/** What is around records: the values of an element on the way to them. */
export interface OuterValues {
  /** By column. Undefined where it is missing. */
  values: OuterValue[];
  /** A column that has several values though it must not. */
  repeated: number | undefined;
}

export type Cells = Pick<Scanner, 'shared' | 'cellStarts' | 'cellEnds' | 'cellKinds'>;

/** Rows that the scanner may write itself, into the page that the sink writes into, too. */
export interface ScannedRows {
  /** Columns of the record; where it is the position, the complement. */
  fields: readonly number[];
  /** The page is here, or here from now on. */
  bind(page: PageMemory): void;
  /** What is around the next rows is known now; false when the sink must see the next record. */
  begin(gathered: Gathered): boolean;
  /** The page has no room for the next row. */
  flush(): void;
}

export interface RecordSink {
  scanned?: ScannedRows;
  /** A record is complete. Everything in `gathered` is valid during the call only. */
  record(gathered: Gathered, bytes: Uint8Array, start: number, end: number): void;
  /** A record is longer than MAX_RECORD_BYTES; `head` is its beginning. */
  tooLong(gathered: Gathered, head: Uint8Array): void;
  /** No more will come: the document ends, or is not well-formed from here on. */
  end?(gathered: Gathered): void;
  /** An element around records begins. */
  opened?(level: number): void;
  /** It ends: its values are complete. With this, values that come late are no error. */
  closed?(gathered: Gathered, level: number): void;
}

export interface GatherOptions {
  trim: boolean;
  separator: string;
  /** Values of elements around the records that were read before, by level: asked for once for every element of the level. */
  known: ReadonlyMap<number, () => OuterValues>;
}

/** A value around records came behind the first of them: the document must be read twice. */
export class LateValue extends Error {}
