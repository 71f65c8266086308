/**
 * A page of rows, column by column as Parquet has them: of each value its length in four bytes, then the value. The scanner writes the
 * values of records into it that are plain, and all others are written here.
 */
import { type OuterCells, type OuterColumn, OuterRuns } from './outer-runs.ts';
import { ABSENT, decodeInto, KEEP, NIL, PLAIN } from './values.ts';

export const MOST_ROWS = 16384;
const BIT_BYTES = MOST_ROWS / 8;
/** Of the values of all columns. */
const VALUES_BYTES = 2 ** 22;
/** Of the values around records. */
const MOST_OUTER_BYTES = 2 ** 20;
const MOST_COLUMN_BYTES = 2 ** 18;
const LEAST_COLUMN_BYTES = 2 ** 12;
const SPACE = 0x20;
const RETURN = 0x0d;
const ZERO = 0x30;
const LENGTH_BYTES = 4;
/** From this length on a call to copy costs less than a loop. */
const LONG_VALUE_BYTES = 96;

/** The page as it is in memory. */
export interface PageMemory {
  /** One number. */
  rows: Int32Array;
  /** By row. */
  lines: Int32Array;
  ordinals: Int32Array;
  /** By column: `BIT_BYTES` bytes, a bit by row for whether it has a value. */
  bits: Uint8Array;
  /** By column: bytes of its values. */
  used: Int32Array;
  /** By column: so many bytes. */
  values: Uint8Array;
  columnBytes: number;
}

/** Rows that are complete. Valid during the call that it is given to. */
export interface Page {
  rows: number;
  lines: Int32Array;
  ordinals: Int32Array;
  /** Of a column of records. */
  bits(column: number): Uint8Array;
  values(column: number): Uint8Array;
  /** Rows of each run in which the values around records are the same. */
  runs: Int32Array;
  /** Of a column around records; undefined for one of records. */
  outer(column: number): OuterColumn | undefined;
}

export interface PageSink {
  write(page: Page): void;
}

/** How many bytes of the page a column has. */
export function columnBytes(columns: number): number {
  const share = Math.floor(VALUES_BYTES / Math.max(1, columns)) & ~15;
  return Math.max(LEAST_COLUMN_BYTES, Math.min(MOST_COLUMN_BYTES, share));
}

export function pageMemory(columns: number): PageMemory {
  return {
    rows: new Int32Array(1),
    lines: new Int32Array(MOST_ROWS),
    ordinals: new Int32Array(MOST_ROWS),
    bits: new Uint8Array(columns * BIT_BYTES),
    used: new Int32Array(columns),
    values: new Uint8Array(columns * columnBytes(columns)),
    columnBytes: columnBytes(columns),
  };
}

export class RowPage {
  /** In all pages, this one among them. */
  readonly columns: number;
  #taken = 0;
  #memory: PageMemory | undefined;
  readonly #sink: PageSink;
  /** The row that is being written. */
  #row = Buffer.allocUnsafe(4096);
  #rowUsed = 0;
  readonly #starts: Int32Array;
  /** Negative for a missing value. */
  readonly #lengths: Int32Array;
  readonly #runs: OuterRuns;
  /** By column: its number among those around records, or -1. */
  readonly #outerOf: Int32Array;

  /** `outer`: columns around records. */
  constructor(columns: number, outer: readonly number[], sink: PageSink) {
    this.columns = columns;
    this.#runs = new OuterRuns(outer.length, MOST_ROWS);
    this.#outerOf = new Int32Array(columns).fill(-1);
    for (const [o, c] of outer.entries()) this.#outerOf[c] = o;
    this.#sink = sink;
    this.#starts = new Int32Array(columns);
    this.#lengths = new Int32Array(columns).fill(-1);
  }

  /** Takes the scanner's page for its own, or the same where it is now. */
  bind(memory: PageMemory): void {
    this.#memory = memory;
  }

  get rows(): number {
    return this.#taken + (this.#memory?.rows[0] ?? 0);
  }

  /** From the next row on these are the values around records. */
  beginRun(cells: OuterCells): void {
    if (this.#runs.bytes > MOST_OUTER_BYTES) this.flush();
    this.#runs.begin(this.#memory?.rows[0] ?? 0, cells);
  }

  /** All columns of the record are missing in the row that begins, but those that are set. */
  beginRow(): void {
    this.#lengths.fill(-1);
    this.#rowUsed = 0;
  }

  /** A value of a document, as it stands there. */
  field(column: number, bytes: Uint8Array, start: number, end: number, kind: number, trim: boolean): void {
    if (kind === ABSENT || (kind & ~KEEP) === NIL) return;
    this.#room(end - start);
    const row = this.#row;
    const isTrimmed = trim && (kind & KEEP) === 0;
    let from = this.#rowUsed;
    let to = kind === PLAIN ? copyPlain(row, from, bytes, start, end) : -1;
    if (to < 0) to = decodeInto(row, from, bytes, start, end, kind);
    if (isTrimmed) {
      while (from < to && row[from]! <= SPACE) from++;
      while (to > from && row[to - 1]! <= SPACE) to--;
      if (from === to) return;
    }
    this.#set(column, from, to);
  }

  /** The first bytes of `value`; a negative length stands for a missing one. */
  copied(column: number, value: Uint8Array, length: number): void {
    if (length < 0) return;
    this.#room(length);
    copy(this.#row, this.#rowUsed, value, 0, length);
    this.#set(column, this.#rowUsed, this.#rowUsed + length);
  }

  /** Ends the row. */
  endRow(line: number, ordinal: number): void {
    this.#memory ??= pageMemory(this.columns);
    if (!this.#fits()) this.flush();
    if (!this.#fits()) {
      this.#writeAlone(line, ordinal);
      return;
    }
    const { rows, lines, ordinals, bits, used, values, columnBytes: size } = this.#memory;
    const row = rows[0]!;
    const bit = 1 << (row & 7);
    for (let c = 0; c < this.columns; c++) {
      if (this.#outerOf[c]! >= 0) continue;
      const at = c * BIT_BYTES + (row >> 3);
      if (bit === 1) bits[at] = 0;
      const length = this.#lengths[c]!;
      if (length < 0) continue;
      bits[at]! |= bit;
      const to = c * size + used[c]!;
      writeLength(values, to, length);
      copy(values, to + LENGTH_BYTES, this.#row, this.#starts[c]!, length);
      used[c]! += LENGTH_BYTES + length;
    }
    lines[row] = line;
    ordinals[row] = ordinal;
    rows[0] = row + 1;
  }

  /** Gives the page away; the next row begins a new one. */
  flush(): void {
    const memory = this.#memory;
    if (!memory || memory.rows[0] === 0) return;
    const { rows, lines, ordinals, bits, used, values, columnBytes: size } = memory;
    this.#taken += rows[0]!;
    const runs = this.#runs.lengths(rows[0]!);
    const page = {
      rows: rows[0]!,
      runs,
      outer: (c: number) => this.#outerColumn(c, runs.length),
      lines,
      ordinals,
      bits: (c: number) => bits.subarray(c * BIT_BYTES, (c + 1) * BIT_BYTES),
      values: (c: number) => values.subarray(c * size, c * size + used[c]!),
    };
    rows[0] = 0;
    this.#sink.write(page);
    used.fill(0, 0, this.columns);
    this.#runs.restart();
  }

  #outerColumn(column: number, runs: number): OuterColumn | undefined {
    const outer = this.#outerOf[column]!;
    return outer < 0 ? undefined : this.#runs.column(outer, runs);
  }

  #fits(): boolean {
    const { rows, used, columnBytes: size } = this.#memory!;
    if (rows[0] === MOST_ROWS) return false;
    for (let c = 0; c < this.columns; c++) if (used[c]! + LENGTH_BYTES + this.#lengths[c]! > size) return false;
    return true;
  }

  /** A row with a value that is longer than what a column has of a page. */
  #writeAlone(line: number, ordinal: number): void {
    this.#taken++;
    // The page was flushed before: there is one run.
    this.#sink.write({
      rows: 1,
      runs: Int32Array.of(1),
      outer: (c) => this.#outerColumn(c, 1),
      lines: Int32Array.of(line),
      ordinals: Int32Array.of(ordinal),
      bits: (c) => Uint8Array.of(this.#lengths[c]! < 0 ? 0 : 1),
      values: (c) => {
        const length = this.#lengths[c]!;
        if (length < 0) return new Uint8Array();
        const value = new Uint8Array(LENGTH_BYTES + length);
        writeLength(value, 0, length);
        value.set(this.#row.subarray(this.#starts[c], this.#starts[c]! + length), LENGTH_BYTES);
        return value;
      },
    });
  }

  #set(column: number, from: number, to: number): void {
    this.#starts[column] = from;
    this.#lengths[column] = to - from;
    this.#rowUsed = to;
  }

  #room(bytes: number): void {
    if (this.#rowUsed + bytes <= this.#row.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#rowUsed + bytes));
    this.#row.copy(larger, 0, 0, this.#rowUsed);
    this.#row = larger;
  }
}

function writeLength(to: Uint8Array, at: number, length: number): void {
  to[at] = length;
  to[at + 1] = length >>> 8;
  to[at + 2] = length >>> 16;
  to[at + 3] = length >>> 24;
}

function copy(to: Uint8Array, at: number, from: Uint8Array, start: number, length: number): void {
  if (length > LONG_VALUE_BYTES) to.set(from.subarray(start, start + length), at);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i]!;
}

/** Copies a value that is as it stands there, and returns its end; -1 where it has a carriage return, which becomes a line end. */
function copyPlain(to: Uint8Array, at: number, from: Uint8Array, start: number, end: number): number {
  let used = at;
  for (let i = start; i < end; i++) {
    const b = from[i]!;
    if (b === RETURN) return -1;
    to[used++] = b;
  }
  return used;
}

/** The digits of a whole number that is not negative. */
export function digits(value: number): Uint8Array {
  const text = String(value);
  return Uint8Array.from({ length: text.length }, (_, i) => ZERO + Number(text[i]));
}
