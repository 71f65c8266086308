/**
 * Finds the fields of one record in a window of bytes. This is the definition of a record; where the text breaks the dialect:
 * a quote inside an unquoted field is a character like any other; spaces and tabs around a quoted value are ignored; anything else after a closing
 * quote is a fault, as is a quote that does not close, within the record where values have one line.
 */
import type { ScanDialect } from '../../lib/scan/record-scanner.ts';

/** How a field is written: as it is, in quotes, or with escapes to be removed. */
export const PLAIN = 0;
export const QUOTED = 1;
export const ESCAPED = 2;

/** What `parse` gives for a record that has no end: the window ends first, or the reason why it is none. */
export const NEED_MORE = -1;
export const TEXT_AFTER_QUOTE = -2;
export const OPEN_QUOTE = -3;
export const TOO_LONG = -4;

export interface ParserOptions {
  dialect: ScanDialect;
  /** Quoted values may contain line ends. */
  multiline: boolean;
  /** Longest record. */
  maxBytes: number;
}

/** Bytes at the end of a window that may yet turn out to be a line end or a delimiter. */
export const PENDING = 4;

const LF = 10;
const CR = 13;

export class RecordParser {
  window: Buffer;
  /** How many bytes of the window are filled. */
  filled = 0;
  /** Nothing comes after the window. */
  ended = false;
  /** Of the last record: its number of fields; start, end and kind of each, as offsets in `window`; whether it contains line ends. */
  fields = 0;
  spans = new Int32Array(3 * 64);
  severalLines = false;
  readonly #dialect: ScanDialect;
  readonly #multiline: boolean;
  readonly #maxBytes: number;

  constructor(options: ParserOptions, window: Buffer = Buffer.alloc(0)) {
    this.#dialect = options.dialect;
    this.#multiline = options.multiline;
    this.#maxBytes = options.maxBytes;
    this.window = window;
  }

  /** Parses one record that is complete. False when it is none. */
  split(record: Buffer): boolean {
    this.window = record;
    this.filled = record.length;
    this.ended = true;
    return this.parse(0) >= 0;
  }

  /** Finds the fields of the record at `start`; gives its end (its line end, or the end of the window), or why there is none. */
  parse(start: number): number {
    const { quote, delimiter } = this.#dialect;
    const { window } = this;
    const first = delimiter[0]!;
    const filled = this.filled;
    let p = start;
    this.fields = 0;
    this.severalLines = false;
    for (;;) {
      let open = p;
      if (quote !== 0) while (open < filled && isBlank(window[open]!) && window[open] !== first) open++;
      const end = open < filled && quote !== 0 && window[open] === quote ? this.#quoted(open) : this.#plain(p);
      if (end < 0) return end === NEED_MORE && filled - start > this.#maxBytes + PENDING ? TOO_LONG : end;
      if (end - start > this.#maxBytes) return TOO_LONG;
      if (end >= filled) return this.ended ? end : NEED_MORE;
      const b = window[end]!;
      if (b === LF) return end;
      if (b === CR) return end + 1 < filled || this.ended ? end : NEED_MORE;
      p = end + delimiter.length;
    }
  }

  /** Whether field `i` of the last record is written in quotes. */
  inQuotes(i: number): boolean {
    const kind = this.spans[i * 3 + 2];
    return kind === QUOTED || (kind === ESCAPED && this.window[this.spans[i * 3]! - 1] === this.#dialect.quote);
  }

  /** A field without quotes; gives its end. */
  #plain(from: number): number {
    const { delimiter, escape: escaper, quote } = this.#dialect;
    const { window } = this;
    const filled = this.filled;
    const first = delimiter[0]!;
    const escaping = escaper !== quote ? escaper : 0;
    let kind = PLAIN;
    let p = from;
    for (; p < filled; p++) {
      const b = window[p]!;
      if (b === LF || b === CR) break;
      if (b === first && (delimiter.length === 1 || this.#delimiterAt(p))) break;
      if (b === escaping && escaping !== 0) {
        if (p + 2 >= filled && !this.ended) return NEED_MORE;
        if (p + 1 >= filled) return this.#add(from, filled, kind);
        p++;
        kind = ESCAPED;
        if (window[p] === LF || window[p] === CR) this.severalLines = true;
        if (window[p] === CR && p + 1 < filled && window[p + 1] === LF) p++;
      }
    }
    if (p >= filled && !this.ended) return NEED_MORE;
    if (p + delimiter.length > filled && !this.ended) return NEED_MORE;
    return this.#add(from, p, kind);
  }

  /** A field in quotes that open at `open`; gives the end of the field. */
  #quoted(open: number): number {
    const { quote, escape: escaper, delimiter } = this.#dialect;
    const { window } = this;
    const filled = this.filled;
    let kind = QUOTED;
    let p = open + 1;
    for (; ; p++) {
      if (p >= filled) return this.ended ? OPEN_QUOTE : NEED_MORE;
      const b = window[p]!;
      if (b === quote) {
        if (escaper !== quote || p + 1 >= filled || window[p + 1] !== quote) break;
        kind = ESCAPED;
        p++;
      } else if (b === escaper) {
        if (p + 1 >= filled) return this.ended ? OPEN_QUOTE : NEED_MORE;
        kind = ESCAPED;
        p++;
      }
      if (window[p] === LF || window[p] === CR) {
        if (!this.#multiline) return OPEN_QUOTE;
        this.severalLines = true;
      }
    }
    let after = p + 1;
    while (after < filled && isBlank(window[after]!) && window[after] !== delimiter[0]) after++;
    if (after + delimiter.length > filled && !this.ended) return NEED_MORE;
    const b = window[after];
    if (after < filled && b !== LF && b !== CR && !this.#delimiterAt(after)) return TEXT_AFTER_QUOTE;
    this.#add(open + 1, p, kind);
    return after;
  }

  #delimiterAt(p: number): boolean {
    const { delimiter } = this.#dialect;
    for (let i = 0; i < delimiter.length; i++)
      if (p + i >= this.filled || this.window[p + i] !== delimiter[i]) return false;
    return true;
  }

  #add(start: number, end: number, kind: number): number {
    if (this.fields * 3 === this.spans.length) {
      const larger = new Int32Array(this.spans.length * 2);
      larger.set(this.spans);
      this.spans = larger;
    }
    const i = this.fields++ * 3;
    this.spans[i] = start;
    this.spans[i + 1] = end;
    this.spans[i + 2] = kind;
    return end;
  }
}

const isBlank = (b: number) => b === 32 || b === 9;
