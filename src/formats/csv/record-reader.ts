/**
 * Reads the records of any delimited text in bounded memory and never loses one: what cannot be a record becomes a fault of one physical line, and
 * reading goes on at the next line. On text whose quotes are regular its records are those of the scanner.
 */
import { isUtf8 } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import type { ScanPosition } from '../../lib/scan/record-scanner.ts';
import { NEED_MORE, type ParserOptions, PENDING, RecordParser, TEXT_AFTER_QUOTE, TOO_LONG } from './record-parser.ts';

export type Fault = 'text_after_quote' | 'open_quote' | 'too_long';

/** A record of the current window; valid until the next `fill`. Blank lines and comments are not records. */
export interface CsvRecord {
  /** Physical line on which it begins, from 1. */
  line: number;
  offset: number;
  /** Its bytes in `window`, without the line end. Of a line that is too long, the first `KEPT_BYTES`. */
  start: number;
  end: number;
  /** Its whole length in bytes. */
  bytes: number;
  /** Number of fields; 0 for a fault. */
  fields: number;
  fault: Fault | undefined;
}

/** How much is kept of a line that is too long. */
export const KEPT_BYTES = 65_536;

const CHUNK = 1 << 20;
/** Most members of an archive end within this, and so does a header. */
const FIRST_CHUNK = 1 << 16;
const LF = 10;
const CR = 13;

/** `while (await reader.fill()) while ((record = reader.next())) …` */
export class RecordReader {
  /** Holds the window, and the fields of the last record. */
  readonly parser: RecordParser;
  readonly #file: FileHandle;
  readonly #comment: number;
  readonly #maxBytes: number;
  #at = 0;
  #validTo = 0;
  #windowOffset: number;
  readonly #start: number;
  #line: number;
  #exhausted = false;
  /** Bytes dropped of a line that is too long, while its end is looked for. */
  #skipped = 0;

  constructor(file: FileHandle, options: ParserOptions, start: Omit<ScanPosition, 'record'>) {
    this.#file = file;
    this.parser = new RecordParser(options, Buffer.alloc(FIRST_CHUNK));
    this.#comment = options.dialect.comment;
    this.#maxBytes = options.maxBytes;
    this.#windowOffset = start.offset;
    this.#start = start.offset;
    this.#line = start.line;
  }

  /** Reads on. False at the end of the file, when every record was taken. */
  async fill(): Promise<boolean> {
    if (this.#exhausted) return false;
    if (this.#at > 0) {
      this.parser.window.copyWithin(0, this.#at, this.parser.filled);
      this.#windowOffset += this.#at;
      this.parser.filled -= this.#at;
      this.#at = 0;
    }
    const { length } = this.parser.window;
    if (this.parser.filled > length / 2 || (this.#windowOffset > this.#start && length < CHUNK)) {
      const larger = Buffer.alloc(Math.max(CHUNK, length * 2));
      this.parser.window.copy(larger, 0, 0, this.parser.filled);
      this.parser.window = larger;
    }
    while (!this.parser.ended && this.parser.filled < this.parser.window.length) {
      const position = this.#windowOffset + this.parser.filled + this.#skipped;
      const room = this.parser.window.length - this.parser.filled;
      const { bytesRead } = await this.#file.read(this.parser.window, this.parser.filled, room, position);
      if (bytesRead === 0) this.parser.ended = true;
      this.parser.filled += bytesRead;
    }
    const lastLine = this.parser.window.lastIndexOf(LF, this.parser.filled - 1) + 1;
    this.#validTo = lastLine > 0 && isUtf8(this.parser.window.subarray(0, lastLine)) ? lastLine : 0;
    return true;
  }

  /** The next record that is complete in the window. */
  next(): CsvRecord | undefined {
    const { window } = this.parser;
    while (this.#at < this.parser.filled && this.#skipped === 0) {
      const b = window[this.#at];
      if (b !== LF && b !== CR && (b !== this.#comment || b === 0)) break;
      const end = this.#lineEnd(this.#at);
      if (end === NEED_MORE) return undefined;
      this.#at = this.#afterLine(end);
      this.#line++;
    }
    if (this.#at >= this.parser.filled && this.#skipped === 0) {
      this.#exhausted = this.parser.ended;
      return undefined;
    }
    const end = this.#skipped > 0 ? TOO_LONG : this.parser.parse(this.#at);
    if (end === NEED_MORE) return undefined;
    return end >= 0 ? this.#take(end, undefined) : this.#faultyLine(end);
  }

  /** Whether the bytes of a record are valid UTF-8. */
  valid(record: CsvRecord): boolean {
    return record.end <= this.#validTo || isUtf8(this.parser.window.subarray(record.start, record.end));
  }

  /** The text of a record, replacement characters for bytes that are not UTF-8, at most `KEPT_BYTES` bytes of it. */
  text(record: CsvRecord): string {
    return this.parser.window.toString('utf8', record.start, Math.min(record.end, record.start + KEPT_BYTES));
  }

  #take(end: number, fault: Fault | undefined): CsvRecord {
    const start = this.#at;
    const record: CsvRecord = {
      line: this.#line,
      offset: this.#windowOffset + start,
      start,
      end,
      bytes: end - start,
      fields: fault ? 0 : this.parser.fields,
      fault,
    };
    this.#line += 1 + (!fault && this.parser.severalLines ? this.#lineEndsWithin(start, end) : 0);
    this.#at = this.#afterLine(end);
    return record;
  }

  /** A fault costs the physical line on which the record began. */
  #faultyLine(code: number): CsvRecord | undefined {
    const end = this.#lineEnd(this.#at);
    if (this.#skipped === 0 && end !== NEED_MORE && end - this.#at <= this.#maxBytes)
      return this.#take(end, code === TEXT_AFTER_QUOTE ? 'text_after_quote' : 'open_quote');
    return this.#overlongLine();
  }

  /** Drops bytes beyond those that are kept, until the line ends. */
  #overlongLine(): CsvRecord | undefined {
    const kept = this.#at + KEPT_BYTES;
    let end = this.#lineEnd(this.#skipped > 0 ? Math.max(this.#at, kept - 1) : this.#at);
    if (end === NEED_MORE) {
      if (this.#skipped === 0 && this.parser.filled - this.#at <= this.#maxBytes + PENDING) return undefined;
      const last = this.parser.window[this.parser.filled - 1] === CR ? this.parser.filled - 1 : this.parser.filled;
      if (last > kept) {
        this.parser.window.copyWithin(kept, last, this.parser.filled);
        this.#skipped += last - kept;
        this.parser.filled -= last - kept;
        this.#validTo = 0;
      }
      return undefined;
    }
    const bytes = end - this.#at + this.#skipped;
    const record = { ...this.#take(end, 'too_long'), bytes };
    end = Math.min(end, record.start + KEPT_BYTES);
    this.#windowOffset += this.#skipped;
    this.#skipped = 0;
    return { ...record, end };
  }

  /** Where the line that contains `from` ends: at its LF, CR or the end of the file. */
  #lineEnd(from: number): number {
    const { window } = this.parser;
    for (let p = from; p < this.parser.filled; p++) {
      const b = window[p];
      if (b === LF) return p;
      if (b === CR) return p + 1 < this.parser.filled || this.parser.ended ? p : NEED_MORE;
    }
    return this.parser.ended ? this.parser.filled : NEED_MORE;
  }

  #afterLine(end: number): number {
    if (end >= this.parser.filled) return end;
    return this.parser.window[end] === CR && end + 1 < this.parser.filled && this.parser.window[end + 1] === LF
      ? end + 2
      : end + 1;
  }

  #lineEndsWithin(start: number, end: number): number {
    let n = 0;
    for (let p = start; p < end; p++) {
      const b = this.parser.window[p];
      if (b === LF || (b === CR && this.parser.window[p + 1] !== LF)) n++;
    }
    return n;
  }
}
