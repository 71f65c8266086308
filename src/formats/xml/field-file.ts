/**
 * A file of rows for the engine, in a dialect that costs little to write and to read: fields end with U+0001 and are quoted with U+0002,
 * which no XML document can hold, so that quotes are needed for line ends and empty values only.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { literal, raw, sql } from '../../lib/sql.ts';
import { fileWriteError } from '../lib/row-writer.ts';
import { ABSENT, KEEP, PLAIN } from './values.ts';

const DELIMITER = 0x01;
const QUOTE = 0x02;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const ZERO = 0x30;
const MOST_DIGITS = 16;
const BUFFER_BYTES = 2 ** 20;
/** From this length on a call to copy costs less than a loop. */
const LONG_VALUE_BYTES = 96;

export class FieldFile {
  readonly path: string;
  rows = 0;
  /** Bytes of the longest row. */
  longest = 0;
  readonly #fd: number;
  #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #used = 0;
  #rowStart = 0;
  #prefix: Uint8Array = new Uint8Array();

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'wx');
  }

  /** Fields from here to `endPrefix` are those that the following rows begin with. */
  beginPrefix(): void {
    this.#rowStart = this.#used;
  }

  endPrefix(): void {
    this.#prefix = Uint8Array.from(this.#buffer.subarray(this.#rowStart, this.#used));
    this.#used = this.#rowStart;
  }

  beginRow(): void {
    this.#rowStart = this.#used;
    const prefix = this.#prefix;
    const { length } = prefix;
    this.#room(length);
    if (length > LONG_VALUE_BYTES) this.#buffer.set(prefix, this.#used);
    else for (let i = 0, to = this.#used; i < length; i++) this.#buffer[to++] = prefix[i]!;
    this.#used += length;
  }

  /**
   * Writes a value that can be copied as it stands, or is not there. False when it needs more than that; nothing is written then.
   */
  plain(bytes: Uint8Array, start: number, end: number, kind: number, trim: boolean): boolean {
    if (kind === ABSENT) {
      this.#room(1);
      this.#buffer[this.#used++] = DELIMITER;
      return true;
    }
    if ((kind & ~KEEP) !== PLAIN) return false;
    let from = start;
    let to = end;
    if (trim && kind === PLAIN) {
      while (from < to && bytes[from]! <= SPACE) from++;
      while (to > from && bytes[to - 1]! <= SPACE) to--;
    } else if (from === to) return false;
    const length = to - from;
    this.#room(length + 1);
    const buffer = this.#buffer;
    let used = this.#used;
    if (length > LONG_VALUE_BYTES) {
      const value = bytes.subarray(from, to);
      if (value.includes(NEWLINE) || value.includes(0x0d)) return false;
      buffer.set(value, used);
      used += length;
    } else
      for (let i = from; i < to; i++) {
        const b = bytes[i]!;
        // Among control characters there are line ends and tabs only.
        if (b < SPACE && b !== 0x09) return false;
        buffer[used++] = b;
      }
    buffer[used++] = DELIMITER;
    this.#used = used;
    return true;
  }

  /** Any value; undefined is a missing one. */
  value(value: Uint8Array | undefined): void {
    const length = value?.length ?? 0;
    this.#room(length + 3);
    const quoted = value !== undefined && (length === 0 || value.includes(NEWLINE) || value.includes(0x0d));
    if (quoted) this.#buffer[this.#used++] = QUOTE;
    if (value) this.#buffer.set(value, this.#used);
    this.#used += length;
    if (quoted) this.#buffer[this.#used++] = QUOTE;
    this.#buffer[this.#used++] = DELIMITER;
  }

  /** A whole number that is not negative, as a field. */
  integer(value: number): void {
    this.#digits(value);
    this.#buffer[this.#used++] = DELIMITER;
  }

  /** Ends the row with a whole number, which is the last field. */
  endRow(last: number): void {
    this.#digits(last);
    this.#buffer[this.#used++] = NEWLINE;
    this.longest = Math.max(this.longest, this.#used - this.#rowStart);
    this.#rowStart = this.#used;
    this.rows++;
  }

  #digits(value: number): void {
    this.#room(MOST_DIGITS + 1);
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits++;
    let rest = value;
    for (let i = this.#used + digits - 1; i >= this.#used; i--) {
      this.#buffer[i] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#used += digits;
  }

  close(): void {
    try {
      this.#flush(this.#used);
    } finally {
      closeSync(this.#fd);
    }
  }

  /** What is written of the row that is open stays in memory: a prefix is cut out of it. */
  #room(bytes: number): void {
    if (this.#used + bytes <= this.#buffer.length) return;
    this.#flush(this.#rowStart);
    if (this.#used + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#used + bytes));
    this.#buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }

  #flush(to: number): void {
    try {
      for (let done = 0; done < to; ) done += writeSync(this.#fd, this.#buffer, done, to - done);
    } catch (e) {
      throw fileWriteError(e, this.path);
    }
    this.#buffer.copyWithin(0, to, this.#used);
    this.#used -= to;
    this.#rowStart = 0;
  }
}

/** Rows longer than this need larger buffers than the engine's own. */
const USUAL_ROW_BYTES = 2_000_000;

/** A table expression over a file, with its columns in their order. */
export function readFieldFile(file: FieldFile, columns: readonly (readonly [name: string, type: string])[]): string {
  const types = raw(`{${columns.map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(', ')}}`);
  const room =
    file.longest < USUAL_ROW_BYTES
      ? raw('')
      : raw(sql`, max_line_size = ${file.longest + 1}, buffer_size = ${2 * file.longest + 2}`);
  return sql`read_csv(${literal(file.path)}, auto_detect = false, header = false, columns = ${types}, delim = '\x01', quote = '\x02',
    escape = '\x02', comment = '', new_line = '\\n', nullstr = '', allow_quoted_nulls = false${room})`;
}
