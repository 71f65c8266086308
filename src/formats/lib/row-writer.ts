/** Writes rows that were parsed here as one regular CSV file, and rejected records as another, for the engine to read. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { asGranaryError, GranaryError } from '../../lib/errors.ts';

export type RejectRule = 'type' | 'structure' | 'encoding' | 'too_long';

export interface Reject {
  line: number;
  rule: RejectRule;
  column?: string;
  reason: string;
  raw: string | undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const NEWLINE = 0x0a;
const ZERO = 0x30;
const MOST_DIGITS = 16;
/** A buffer grows to this: most files of a page or a small member need little. */
const BUFFER_BYTES = 2 ** 20;
const FIRST_BYTES = 2 ** 14;
/** From this length on a call to copy costs less than a loop. */
const LONG_VALUE_BYTES = 64;

/**
 * A CSV file of the one shape that leaves nothing to guess: every text quoted, nothing between two commas is a missing value,
 * LF ends a row. Values must be valid UTF-8.
 */
export class CsvFile {
  readonly path: string;
  rows = 0;
  /** Bytes of the longest row. */
  longest = 0;
  #fd: number;
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #used = 0;
  #flushed = 0;
  #rowStart = 0;
  #firstCell = true;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'wx');
  }

  missing(): void {
    this.#separate(0);
  }

  /** A value that holds no quote sign: digits, a plain string. */
  plain(bytes: Uint8Array, start: number, end: number): void {
    this.#separate(end - start + 2);
    const buffer = this.#buffer;
    let used = this.#used;
    buffer[used++] = QUOTE;
    if (end - start > LONG_VALUE_BYTES) {
      buffer.set(bytes.subarray(start, end), used);
      used += end - start;
    } else for (let i = start; i < end; i++) buffer[used++] = bytes[i]!;
    buffer[used++] = QUOTE;
    this.#used = used;
  }

  bytes(bytes: Uint8Array, start: number, end: number): void {
    this.#separate(2 * (end - start) + 2);
    const buffer = this.#buffer;
    let used = this.#used;
    buffer[used++] = QUOTE;
    for (let i = start; i < end; i++) {
      const b = bytes[i]!;
      if (b === QUOTE) buffer[used++] = QUOTE;
      buffer[used++] = b;
    }
    buffer[used++] = QUOTE;
    this.#used = used;
  }

  /** A whole number that is not negative. */
  integer(value: number): void {
    this.#separate(MOST_DIGITS);
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits++;
    let rest = value;
    for (let i = this.#used + digits - 1; i >= this.#used; i--) {
      this.#buffer[i] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#used += digits;
  }

  text(value: string): void {
    const bytes = Buffer.from(value, 'utf8');
    this.bytes(bytes, 0, bytes.length);
  }

  endRow(): void {
    this.#room(1);
    this.#buffer[this.#used++] = NEWLINE;
    this.longest = Math.max(this.longest, this.#flushed + this.#used - this.#rowStart);
    this.#rowStart = this.#flushed + this.#used;
    this.#firstCell = true;
    this.rows++;
  }

  close(): void {
    try {
      this.#flush();
    } finally {
      closeSync(this.#fd);
      this.#buffer = Buffer.alloc(0);
    }
  }

  #separate(bytes: number): void {
    this.#room(bytes + 1);
    if (!this.#firstCell) this.#buffer[this.#used++] = COMMA;
    this.#firstCell = false;
  }

  #room(bytes: number): void {
    const needed = this.#used + bytes;
    if (needed <= this.#buffer.length) return;
    if (needed <= BUFFER_BYTES) {
      const larger = Buffer.allocUnsafe(Math.min(BUFFER_BYTES, Math.max(needed, 4 * this.#buffer.length)));
      larger.set(this.#buffer.subarray(0, this.#used));
      this.#buffer = larger;
      return;
    }
    this.#flush();
    if (bytes > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(bytes);
  }

  #flush(): void {
    try {
      for (let done = 0; done < this.#used; ) done += writeSync(this.#fd, this.#buffer, done, this.#used - done);
    } catch (e) {
      throw fileWriteError(e, this.path);
    }
    this.#flushed += this.#used;
    this.#used = 0;
  }
}

/** `store.disk_full` or `store.io`, for an error of writing a file in scratch. */
export function fileWriteError(e: unknown, path: string): GranaryError {
  const full = e instanceof Error && 'code' in e && e.code === 'ENOSPC';
  return new GranaryError(
    full ? 'store.disk_full' : 'store.io',
    `Could not write ${path}: ${asGranaryError(e).message}`,
    {
      transient: !full,
      hint: full ? 'Free space, or give more to the data directory, and run again.' : undefined,
      cause: e,
    },
  );
}

/** What a format's parser fills. Cells are written to `rows` in the order of the ReadColumns, then the line by `endRow`. */
export class RowWriter {
  readonly rows: CsvFile;
  readonly rejects: CsvFile;
  #rejectedRecords = 0;
  #lastRejectedLine = -1;

  /** `folder` must be empty. */
  constructor(folder: string) {
    this.rows = new CsvFile(`${folder}/rows.csv`);
    this.rejects = new CsvFile(`${folder}/rejects.csv`);
  }

  /** Distinct lines that were rejected. */
  get rejectedRecords(): number {
    return this.#rejectedRecords;
  }

  endRow(line: number): void {
    this.rows.integer(line);
    this.rows.endRow();
  }

  /** Lines come in ascending order; several rejects of one line are several reasons for one record. */
  reject({ line, rule, column, reason, raw }: Reject): void {
    if (line !== this.#lastRejectedLine) this.#rejectedRecords++;
    this.#lastRejectedLine = line;
    for (const value of [String(line), rule, column, reason, raw]) {
      if (value === undefined) this.rejects.missing();
      else this.rejects.text(value);
    }
    this.rejects.endRow();
  }

  close(): void {
    this.rows.close();
    this.rejects.close();
  }
}
