/** From the bytes of fields to values, and to the plain CSV in which Granary hands rows and rejects to the engine. */
import { type FileHandle, open } from 'node:fs/promises';
import type { ScanDialect } from '../../lib/scan/record-scanner.ts';
import { join, literal, sql } from '../../lib/sql.ts';
import { ESCAPED, type RecordParser } from './record-parser.ts';

const QUOTE = 34;
const FLUSH_BYTES = 1 << 20;
/** Doubled as it is needed. */
const FIRST_BYTES = 1 << 14;

/** The value of field `i` of the parser's last record. */
export function fieldBytes(parser: RecordParser, i: number, dialect: ScanDialect): Buffer {
  const bytes = parser.window.subarray(parser.spans[i * 3], parser.spans[i * 3 + 1]);
  return parser.spans[i * 3 + 2] === ESCAPED ? unescaped(bytes, dialect) : bytes;
}

/**
 * Without the escapes: a doubled quote is one, and an escape character goes when it stands before a quote, a delimiter, a line end or itself.
 * Before anything else it is kept, so `\N` stays `\N`.
 */
export function unescaped(bytes: Uint8Array, { quote, escape: escaper, delimiter }: ScanDialect): Buffer {
  const out = Buffer.alloc(bytes.length);
  let n = 0;
  for (let p = 0; p < bytes.length; p++) {
    const next = bytes[p + 1];
    const meant =
      bytes[p] === escaper &&
      p + 1 < bytes.length &&
      (next === escaper ||
        next === quote ||
        (escaper !== quote && (next === delimiter[0] || next === 10 || next === 13)));
    if (meant) p++;
    out[n++] = bytes[p]!;
  }
  return out.subarray(0, n);
}

/** The values that stand for NULL. */
export class NullValues {
  readonly #values: Buffer[];

  constructor(texts: string[]) {
    this.#values = texts.map((text) => Buffer.from(text));
  }

  has(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#values.some((v) => v.length === end - start && v.compare(bytes, start, end) === 0);
  }
}

/** Whether the parser's last record has fields beyond `columns` that are neither empty nor NULL: those the engine ignores. */
export function hasSurplus(parser: RecordParser, columns: number, nulls: NullValues): boolean {
  for (let i = columns; i < parser.fields; i++) {
    const start = parser.spans[i * 3]!;
    const end = parser.spans[i * 3 + 1]!;
    if (end > start && !nulls.has(parser.window, start, end)) return true;
  }
  return false;
}

/** Writes CSV of one shape: comma, LF, NULL as nothing, text in double quotes. The first value of a row is a number. */
export class ValueWriter {
  /** Longest row so far, in bytes. */
  longest = 0;
  rows = 0;
  readonly #file: FileHandle;
  #buffer = Buffer.alloc(FIRST_BYTES);
  #filled = 0;
  #row = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<ValueWriter> {
    return new ValueWriter(await open(path, 'wx'));
  }

  number(n: number): void {
    this.#separate(24);
    this.#filled += this.#buffer.write(String(n), this.#filled, 'latin1');
  }

  /** Text, or NULL. */
  text(text: string | undefined): void {
    if (text === undefined) this.null();
    else {
      const bytes = Buffer.from(text);
      this.bytes(bytes, 0, bytes.length);
    }
  }

  null(): void {
    this.#separate(0);
  }

  /** The value in `from[start, end)`. */
  bytes(from: Uint8Array, start: number, end: number): void {
    this.#separate((end - start) * 2 + 2);
    const out = this.#buffer;
    let n = this.#filled;
    out[n++] = QUOTE;
    for (let p = start; p < end; p++) {
      const b = from[p]!;
      if (b === QUOTE) out[n++] = QUOTE;
      out[n++] = b;
    }
    out[n++] = QUOTE;
    this.#filled = n;
  }

  endRow(): void {
    this.#buffer[this.#filled++] = 10;
    this.longest = Math.max(this.longest, this.#filled - this.#row);
    this.#row = this.#filled;
    this.rows++;
  }

  /** To be called between rows, now and then: writes what has gathered. */
  async flush(): Promise<void> {
    if (this.#filled < FLUSH_BYTES) return;
    await this.#write();
  }

  async close(): Promise<void> {
    await this.#write();
    await this.#file.close();
  }

  /** Room for the separator, the value and the end of the row. */
  #separate(bytes: number): void {
    const needed = this.#filled + bytes + 2;
    if (needed > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#filled);
      this.#buffer = larger;
    }
    if (this.#filled > this.#row) this.#buffer[this.#filled++] = 44;
  }

  async #write(): Promise<void> {
    let at = 0;
    while (at < this.#filled) at += (await this.#file.write(this.#buffer, at, this.#filled - at)).bytesWritten;
    this.#filled = 0;
    this.#row = 0;
  }
}

/** The table expression that reads what a ValueWriter wrote. `columns`: name and engine type, the names being plain words. */
export function writtenValues(path: string, columns: [name: string, type: string][], longest: number): string {
  const declared = columns.map(([name, type]) => sql`${literal(name)}: ${literal(type)}`);
  return sql`read_csv(${literal(path)}, auto_detect=false, header=false, new_line='\\n', delim=',', quote='"', escape='"', nullstr='',
    allow_quoted_nulls=false, max_line_size=${Math.max(longest + 2, 2_097_152)}, columns={${join(declared)}})`;
}
