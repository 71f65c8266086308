/**
 * A file of rows for the engine, in a dialect that costs little to write and to read: fields end with U+0001 and are quoted with U+0002,
 * which no XML document can hold, so that quotes are needed for line ends and empty values only.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { literal, raw, sql } from '../../lib/sql.ts';
import { fileWriteError } from '../lib/row-writer.ts';
import type { Prefix } from './scanner.ts';
import { ABSENT, decodeInto, KEEP, NIL, PLAIN } from './values.ts';

const DELIMITER = 0x01;
const QUOTE = 0x02;
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const ZERO = 0x30;
const MOST_DIGITS = 16;
const LARGEST_INT32 = 2 ** 31 - 1;
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
  readonly #prefix: Prefix = { bytes: new Uint8Array(256), length: 0 };

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, 'wx');
  }

  /** Fields from here to `endPrefix` are those that the following rows begin with. */
  beginPrefix(): void {
    this.#rowStart = this.#used;
  }

  /** What rows begin with at present. */
  get prefix(): Prefix {
    return this.#prefix;
  }

  /** Adds whole rows that were written elsewhere, of which the longest has so many bytes. */
  append(bytes: Uint8Array, rows: number, longest: number): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
    this.#rowStart = this.#used;
    this.rows += rows;
    this.longest = Math.max(this.longest, longest);
  }

  endPrefix(): void {
    const prefix = this.#prefix;
    prefix.length = this.#used - this.#rowStart;
    if (prefix.bytes.length < prefix.length) prefix.bytes = new Uint8Array(2 * prefix.length);
    const { bytes } = prefix;
    for (let i = 0, from = this.#rowStart; i < prefix.length; i++) bytes[i] = this.#buffer[from++]!;
    this.#used = this.#rowStart;
  }

  beginRow(): void {
    this.#rowStart = this.#used;
    const { bytes: prefix, length } = this.#prefix;
    this.#room(length);
    if (length > LONG_VALUE_BYTES) this.#buffer.set(prefix.subarray(0, length), this.#used);
    else for (let i = 0, to = this.#used; i < length; i++) this.#buffer[to++] = prefix[i]!;
    this.#used += length;
  }

  /** A value of a document, as it stands there. */
  field(bytes: Uint8Array, start: number, end: number, kind: number, trim: boolean): void {
    if (kind === ABSENT || (kind & ~KEEP) === NIL) {
      this.#room(1);
      this.#buffer[this.#used++] = DELIMITER;
      return;
    }
    let from = start;
    let to = end;
    if (trim && kind === PLAIN) {
      while (from < to && bytes[from]! <= SPACE) from++;
      while (to > from && bytes[to - 1]! <= SPACE) to--;
    }
    const length = to - from;
    this.#room(length + 3);
    const buffer = this.#buffer;
    let used = this.#used;
    if (kind === PLAIN && length > 0 && length <= LONG_VALUE_BYTES) {
      let b = 0;
      for (; from < to; from++) {
        b = bytes[from]!;
        // Among control characters there are line ends and tabs only.
        if (b < SPACE && b !== TAB) break;
        buffer[used++] = b;
      }
      if (from === to) {
        buffer[used++] = DELIMITER;
        this.#used = used;
        return;
      }
      from = to - length;
    }
    this.#decoded(bytes, from, to, kind, trim && (kind & KEEP) === 0);
  }

  /** Decodes behind the place of a quote, and then sees whether it is needed. */
  #decoded(bytes: Uint8Array, start: number, end: number, kind: number, trim: boolean): void {
    const buffer = this.#buffer;
    let from = this.#used + 1;
    let to = decodeInto(buffer, from, bytes, start, end, kind);
    if (trim) {
      while (from < to && buffer[from]! <= SPACE) from++;
      while (to > from && buffer[to - 1]! <= SPACE) to--;
      if (from === to) {
        buffer[this.#used++] = DELIMITER;
        return;
      }
    }
    this.#place(from, to);
  }

  /** Makes a field of bytes that stand in the buffer, behind room for a quote. */
  #place(from: number, to: number): void {
    const buffer = this.#buffer;
    const quoted = from === to || hasLineEnd(buffer, from, to);
    if (quoted) buffer[this.#used++] = QUOTE;
    buffer.copyWithin(this.#used, from, to);
    this.#used += to - from;
    if (quoted) buffer[this.#used++] = QUOTE;
    buffer[this.#used++] = DELIMITER;
  }

  /** The first bytes of `value`; a negative length stands for a missing one. */
  copied(value: Uint8Array, length: number): void {
    this.#room(Math.max(0, length) + 3);
    const buffer = this.#buffer;
    if (length < 0) {
      buffer[this.#used++] = DELIMITER;
      return;
    }
    const from = this.#used + 1;
    if (length > LONG_VALUE_BYTES) buffer.set(value.subarray(0, length), from);
    else for (let i = 0; i < length; i++) buffer[from + i] = value[i]!;
    this.#place(from, from + length);
  }

  /** Any value; undefined is a missing one. */
  value(value: Uint8Array | undefined): void {
    this.copied(value ?? new Uint8Array(), value?.length ?? -1);
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
    const buffer = this.#buffer;
    let rest = value;
    let i = this.#used + digits - 1;
    for (; rest > LARGEST_INT32; rest = Math.floor(rest / 10)) buffer[i--] = ZERO + (rest % 10);
    for (let small = rest | 0; i >= this.#used; small = (small / 10) | 0) buffer[i--] = ZERO + (small % 10);
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

function hasLineEnd(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] === NEWLINE || bytes[i] === RETURN) return true;
  return false;
}

/** The engine's own buffers are larger, and no faster; rows that are longer than half of one need more. */
const ENGINE_BUFFER_BYTES = 8_000_000;
const USUAL_ROW_BYTES = 2_000_000;

/** A table expression over a file, with its columns in their order. */
export function readFieldFile(file: FieldFile, columns: readonly (readonly [name: string, type: string])[]): string {
  const types = raw(`{${columns.map(([name, type]) => `${literal(name)}: ${literal(type)}`).join(', ')}}`);
  return sql`read_csv(${literal(file.path)}, auto_detect = false, header = false, columns = ${types}, delim = '\x01', quote = '\x02',
    escape = '\x02', comment = '', new_line = '\\n', nullstr = '', allow_quoted_nulls = false,
    max_line_size = ${Math.max(USUAL_ROW_BYTES, file.longest + 1)}, buffer_size = ${Math.max(ENGINE_BUFFER_BYTES, 2 * file.longest + 2)})`;
}
