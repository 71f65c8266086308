/** Finds records of a text file by byte or by line, in ascending order, scanning only from the mark before each. */
import type { FileHandle } from 'node:fs/promises';
import { FileWindow } from './file-window.ts';
import type { LineIndex } from './line-index.ts';
import { RECORDS_PER_MARK, RecordScanner, SCAN_BYTES, type ScanDialect, type ScanPosition } from './record-scanner.ts';

export interface LocatedRecord extends ScanPosition {
  /** Without the line end; valid until the next call. */
  bytes: Buffer;
}

/**
 * For files whose quotes are regular. The records between two marks are a page: it is scanned as a whole, so each page of the file at most once,
 * and pages of which no record is wanted not at all.
 */
export class RecordLocator {
  readonly #window: FileWindow;
  readonly #index: LineIndex;
  readonly #scanner: RecordScanner;
  readonly #start: ScanPosition;
  /** The page that was scanned: its number, its end in the file, and where its records begin. */
  #page = -1;
  #pageEnd = 0;
  #count = 0;
  readonly #offsets = new Float64Array(RECORDS_PER_MARK);
  readonly #lines = new Float64Array(RECORDS_PER_MARK);

  /** `start`: where the records of the file begin. */
  constructor(file: FileHandle, dialect: ScanDialect, index: LineIndex, start: { offset: number; line: number }) {
    this.#window = new FileWindow(file);
    this.#index = index;
    this.#start = { ...start, record: 0 };
    this.#scanner = new RecordScanner(dialect, this.#start, (starts, at) => this.#add(starts, at));
  }

  /** The record that begins at a byte, or after the line ends there. Undefined when none does. */
  async at(offset: number): Promise<LocatedRecord | undefined> {
    await this.#load(Math.max(0, this.#index.before(offset)));
    let i = lowerBound(this.#offsets, this.#count, offset);
    if (i === this.#count) {
      if (await this.#hasText(offset, this.#pageEnd)) return undefined;
      await this.#load(this.#page + 1);
      i = 0;
    }
    if (i === this.#count || (await this.#hasText(offset, this.#offsets[i]!))) return undefined;
    return this.#record(i);
  }

  /** The record that begins on a line. Undefined when none does. */
  async onLine(line: number): Promise<LocatedRecord | undefined> {
    await this.#load(Math.max(0, this.#index.beforeLine(line)));
    const i = lowerBound(this.#lines, this.#count, line);
    return i < this.#count && this.#lines[i] === line ? this.#record(i) : undefined;
  }

  /** Finds the records of a page; a page beyond the last has none. */
  async #load(page: number): Promise<void> {
    if (page === this.#page) return;
    this.#page = page;
    this.#count = 0;
    if (page >= this.#index.size) return;
    const from = page === 0 ? this.#start : this.#index.mark(page);
    const end = page + 1 < this.#index.size ? this.#index.mark(page + 1).offset : Number.POSITIVE_INFINITY;
    this.#scanner.seek(from);
    this.#pageEnd = from.offset;
    while (this.#pageEnd < end) {
      const bytes = await this.#window.slice(this.#pageEnd, Math.min(end, this.#pageEnd + SCAN_BYTES));
      if (bytes.length === 0) break;
      this.#scanner.push(bytes);
      this.#pageEnd += bytes.length;
    }
    this.#scanner.flush();
  }

  #add(starts: Uint32Array, at: { offset: number; line: number }): void {
    for (let i = 0; i < starts.length; i += 2) {
      this.#offsets[this.#count] = at.offset + starts[i]!;
      this.#lines[this.#count++] = at.line + starts[i + 1]!;
    }
  }

  async #record(i: number): Promise<LocatedRecord> {
    const offset = this.#offsets[i]!;
    const bytes = await this.#window.slice(offset, i + 1 < this.#count ? this.#offsets[i + 1]! : this.#pageEnd);
    let end = bytes.length;
    while (end > 0 && isLineEnd(bytes[end - 1])) end--;
    const record = this.#page * RECORDS_PER_MARK + i;
    return { offset, line: this.#lines[i]!, record, bytes: bytes.subarray(0, end) };
  }

  /** Whether anything but line ends lies in `[from, to)`. */
  async #hasText(from: number, to: number): Promise<boolean> {
    for (let at = from; at < to; at += SCAN_BYTES)
      for (const byte of await this.#window.slice(at, Math.min(to, at + SCAN_BYTES))) if (!isLineEnd(byte)) return true;
    return false;
  }
}

const isLineEnd = (byte: number | undefined) => byte === 10 || byte === 13;

/** Index of the first of `count` ascending values that is at least `wanted`. */
function lowerBound(values: Float64Array, count: number, wanted: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
