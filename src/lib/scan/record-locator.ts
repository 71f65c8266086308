/** Finds records of a text file by byte or by line, in ascending order, reading only the parts of the file that hold them. */
import type { FileHandle } from 'node:fs/promises';
import type { LineIndex } from './line-index.ts';
import { RecordScanner, SCAN_BYTES, type ScanDialect, type ScanPosition } from './record-scanner.ts';

export interface LocatedRecord extends ScanPosition {
  /** Without the line end; valid until the next call. */
  bytes: Buffer;
}

/** For files whose quotes are regular. */
export class RecordLocator {
  readonly #file: FileHandle;
  readonly #index: LineIndex;
  readonly #scanner: RecordScanner;
  #window = Buffer.alloc(SCAN_BYTES);
  #filled = 0;
  #from: ScanPosition;
  /** Pairs of offset and line of the records in the window, relative to its beginning; the last record may be cut. */
  #starts = new Uint32Array(1 << 16);
  #count = 0;
  /** How many of them are complete. */
  #complete = 0;
  /** Where the text of the record before the window ends. */
  #textEnd = 0;

  /** `start`: where the records of the file begin. */
  constructor(file: FileHandle, dialect: ScanDialect, index: LineIndex, start: { offset: number; line: number }) {
    this.#file = file;
    this.#index = index;
    this.#from = { ...start, record: 0 };
    this.#scanner = new RecordScanner(dialect, this.#from, (starts, at) => this.#add(starts, at));
  }

  /** The record that begins at a byte, or after the line ends there. Undefined when none does. */
  async at(offset: number): Promise<LocatedRecord | undefined> {
    const i = await this.#find('offset', offset, this.#index.before(offset));
    return i === undefined || this.#textBetween(offset, this.#offset(i)) ? undefined : this.#record(i);
  }

  /** The record that begins on a line. Undefined when none does. */
  async onLine(line: number): Promise<LocatedRecord | undefined> {
    const i = await this.#find('line', line, this.#index.beforeLine(line));
    return i === undefined || this.#line(i) !== line ? undefined : this.#record(i);
  }

  /** The first complete record that begins at `wanted` or after it. */
  async #find(side: 'offset' | 'line', wanted: number, mark: ScanPosition | undefined): Promise<number | undefined> {
    const next = this.#complete < this.#count ? this.#offset(this.#complete) : this.#from.offset;
    if (mark && mark.offset > next) {
      this.#textEnd = mark.offset;
      await this.#load(mark);
    }
    for (;;) {
      const i = lowerBound(this.#starts, this.#complete, side === 'offset' ? 0 : 1, wanted - this.#from[side]);
      if (i < this.#complete) return i;
      if (!(await this.#advance())) return undefined;
    }
  }

  #offset(i: number): number {
    return this.#from.offset + this.#starts[i * 2]!;
  }

  #line(i: number): number {
    return this.#from.line + this.#starts[i * 2 + 1]!;
  }

  #record(i: number): LocatedRecord {
    const base = this.#from.offset;
    const bytes = this.#window.subarray(this.#offset(i) - base, this.#end(i) - base);
    return { offset: this.#offset(i), line: this.#line(i), record: this.#from.record + i, bytes };
  }

  /** Whether anything but line ends lies before a record of the window. */
  #textBetween(from: number, to: number): boolean {
    const base = this.#from.offset;
    if (from < base && from < this.#textEnd) return true;
    for (let p = Math.max(from, base); p < to; p++) if (!isLineEnd(this.#window[p - base])) return true;
    return false;
  }

  /** Where the text of a complete record of the window ends. */
  #end(i: number): number {
    const base = this.#from.offset;
    let end = i + 1 < this.#count ? this.#offset(i + 1) : base + this.#filled;
    while (end > this.#offset(i) && isLineEnd(this.#window[end - 1 - base])) end--;
    return end;
  }

  /** To the part after the complete records of the window. False at the end. */
  async #advance(): Promise<boolean> {
    if (this.#filled === 0) return this.#load(this.#from);
    const i = this.#complete;
    if (i === this.#count && this.#filled < this.#window.length) return false;
    if (i === 0) {
      this.#window = Buffer.alloc(this.#window.length * 2);
      return this.#load(this.#from);
    }
    this.#textEnd = this.#end(i - 1);
    return this.#load({ offset: this.#offset(i), line: this.#line(i), record: this.#from.record + i });
  }

  async #load(from: ScanPosition): Promise<boolean> {
    this.#from = from;
    this.#filled = 0;
    let bytesRead = 1;
    while (bytesRead > 0 && this.#filled < this.#window.length) {
      const room = this.#window.length - this.#filled;
      ({ bytesRead } = await this.#file.read(this.#window, this.#filled, room, from.offset + this.#filled));
      this.#filled += bytesRead;
    }
    this.#count = 0;
    this.#scanner.seek(from);
    this.#scanner.push(this.#window.subarray(0, this.#filled));
    this.#scanner.finish();
    this.#complete = this.#filled < this.#window.length ? this.#count : Math.max(0, this.#count - 1);
    return this.#filled > 0;
  }

  #add(starts: Uint32Array, at: { offset: number; line: number }): void {
    const end = this.#count * 2 + starts.length;
    if (end > this.#starts.length) {
      const larger = new Uint32Array(Math.max(end, this.#starts.length * 2));
      larger.set(this.#starts.subarray(0, this.#count * 2));
      this.#starts = larger;
    }
    const offset = at.offset - this.#from.offset;
    const line = at.line - this.#from.line;
    for (let i = 0; i < starts.length; i += 2) {
      this.#starts[this.#count * 2] = offset + starts[i]!;
      this.#starts[this.#count++ * 2 + 1] = line + starts[i + 1]!;
    }
  }
}

const isLineEnd = (byte: number | undefined) => byte === 10 || byte === 13;

/** Index of the first of `count` pairs whose `side` is at least `wanted`; both sides ascend. */
function lowerBound(pairs: Uint32Array, count: number, side: 0 | 1, wanted: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (pairs[middle * 2 + side]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
