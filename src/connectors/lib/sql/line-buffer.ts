/** Bytes of landed CSV (see `landed.ts`), written from bytes of a log without a string or an object for a value. */

const [QUOTE, COMMA, LF, CR, BACKSLASH, N, MINUS, ZERO] = [34, 44, 10, 13, 92, 78, 45, 48] as const;
const FIRST_BYTES = 1 << 16;

/** Bytes that make quotes necessary. */
const SPECIAL = new Uint8Array(256);
for (const b of [0, QUOTE, COMMA, LF, CR, BACKSLASH]) SPECIAL[b] = 1;

/** `00` to `99`. */
const PAIRS = Buffer.from(Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0')).join(''));

export class LineBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Bytes that are filled. Whoever writes has asked for room before. */
  n = 0;
  #promised = 0;

  /** Makes sure of room for a row. */
  room(size: number): void {
    this.#promised = size;
    this.#grow(this.n + size);
  }

  /** More room in the middle of a row: what was promised to the rest of it stays. */
  reserve(size: number): void {
    this.#grow(this.n + size + this.#promised);
  }

  #grow(needed: number): void {
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.n);
    this.bytes = larger;
  }

  get filled(): Buffer {
    return this.bytes.subarray(0, this.n);
  }

  comma(): void {
    this.bytes[this.n++] = COMMA;
  }

  endLine(): void {
    this.bytes[this.n++] = LF;
  }

  byte(value: number): void {
    this.bytes[this.n++] = value;
  }

  null(): void {
    this.bytes[this.n++] = BACKSLASH;
    this.bytes[this.n++] = N;
  }

  /** Plain characters that need no quotes. */
  ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.bytes[this.n++] = text.charCodeAt(i);
  }

  /** Bytes that need no quotes. */
  plain(from: Uint8Array, start = 0, length = from.length): void {
    const { bytes } = this;
    let n = this.n;
    for (let i = start; i < start + length; i++) bytes[n++] = from[i]!;
    this.n = n;
  }

  /** Two digits. */
  pair(value: number): void {
    const at = value << 1;
    this.bytes[this.n++] = PAIRS[at]!;
    this.bytes[this.n++] = PAIRS[at + 1]!;
  }

  /** A whole number within ±2^53. */
  integer(value: number): void {
    let v = value;
    if (v < 0) {
      this.bytes[this.n++] = MINUS;
      v = -v;
    }
    if (v < 1e9) {
      this.#digits(v, v < 10 ? 1 : v < 100 ? 2 : v < 1e4 ? (v < 1e3 ? 3 : 4) : digitsOf(v));
      return;
    }
    const high = Math.floor(v / 1e9);
    this.integer(high);
    this.#digits(v - high * 1e9, 9);
  }

  /** So many digits of a whole number below 10^9, zeros first. */
  padded(value: number, digits: number): void {
    this.#digits(value, digits);
  }

  #digits(value: number, digits: number): void {
    const { bytes } = this;
    let v = value | 0;
    let p = this.n + digits;
    this.n = p;
    for (let left = digits; left > 1; left -= 2) {
      const rest = (v / 100) | 0;
      const at = (v - rest * 100) << 1;
      v = rest;
      bytes[--p] = PAIRS[at + 1]!;
      bytes[--p] = PAIRS[at]!;
    }
    if ((digits & 1) !== 0) bytes[--p] = ZERO + v;
  }

  /** UTF-8, in quotes where necessary. It takes twice its length and two bytes at most. */
  text(from: Uint8Array, start: number, length: number): void {
    const { bytes } = this;
    const stop = start + length;
    const begin = this.n;
    let n = begin;
    let k = start;
    while (k < stop) {
      const b = from[k]!;
      if (SPECIAL[b] === 1) break;
      bytes[n++] = b;
      k++;
    }
    if (k === stop && length > 0) {
      this.n = n;
      return;
    }
    n = begin;
    bytes[n++] = QUOTE;
    for (k = start; k < stop; k++) {
      const b = from[k]!;
      if (b === QUOTE) bytes[n++] = QUOTE;
      bytes[n++] = b;
    }
    bytes[n++] = QUOTE;
    this.n = n;
  }

  /** As `text`, from a string of any length: what was promised to the rest of the row stays. */
  string(value: string): void {
    const bytes = Buffer.from(value);
    this.reserve(bytes.length * 2 + 2);
    this.text(bytes, 0, bytes.length);
  }

  hex(from: Uint8Array, start: number, length: number): void {
    if (length === 0) {
      this.bytes[this.n++] = QUOTE;
      this.bytes[this.n++] = QUOTE;
      return;
    }
    for (let i = start; i < start + length; i++) {
      const b = from[i]!;
      this.bytes[this.n++] = HEX[b >> 4]!;
      this.bytes[this.n++] = HEX[b & 15]!;
    }
  }
}

const HEX = Buffer.from('0123456789abcdef');

function digitsOf(v: number): number {
  if (v < 1e6) return v < 1e5 ? 5 : 6;
  return v < 1e7 ? 7 : v < 1e8 ? 8 : 9;
}
