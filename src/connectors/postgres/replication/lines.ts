/** Bytes of landed CSV (see `landed.ts` of databases), from bytes of the wire, without a string or an object for a value. */

const [QUOTE, COMMA, LF, CR, BACKSLASH, N] = [34, 44, 10, 13, 92, 78] as const;
const FIRST_BYTES = 1 << 16;

/** Bytes that make quotes necessary. */
const SPECIAL = new Uint8Array(256);
for (const b of [0, QUOTE, COMMA, LF, CR, BACKSLASH]) SPECIAL[b] = 1;

export class Lines {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** Bytes that are filled. Whoever writes has asked for room before. */
  size = 0;
  #asked = 0;

  /** Makes room for so many bytes. */
  room(bytes: number): void {
    this.#asked = bytes;
    this.#grow(bytes);
  }

  #grow(bytes: number): void {
    const needed = this.size + bytes;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.size);
    this.bytes = larger;
  }

  get filled(): Buffer {
    return this.bytes.subarray(0, this.size);
  }

  comma(): void {
    this.bytes[this.size++] = COMMA;
  }

  endLine(): void {
    this.bytes[this.size++] = LF;
  }

  null(): void {
    this.bytes[this.size++] = BACKSLASH;
    this.bytes[this.size++] = N;
  }

  /** Characters of ASCII that need no quotes. */
  ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.bytes[this.size++] = text.charCodeAt(i);
  }

  /** Bytes that need no quotes. */
  plain(from: Uint8Array, start: number, length: number): void {
    const { bytes } = this;
    let n = this.size;
    for (let i = start; i < start + length; i++) bytes[n++] = from[i]!;
    this.size = n;
  }

  /** UTF-8, in quotes where necessary. It takes twice its length and two bytes at most. */
  text(from: Uint8Array, start: number, length: number): void {
    const { bytes } = this;
    const stop = start + length;
    let n = this.size;
    let k = start;
    while (k < stop) {
      const b = from[k]!;
      if (SPECIAL[b] === 1) break;
      bytes[n++] = b;
      k++;
    }
    if (k < stop || length === 0) {
      n = this.size;
      bytes[n++] = QUOTE;
      for (k = start; k < stop; k++) {
        const b = from[k]!;
        if (b === QUOTE) bytes[n++] = QUOTE;
        bytes[n++] = b;
      }
      bytes[n++] = QUOTE;
    }
    this.size = n;
  }

  /** As `text`, from a string of any length: afterwards there is as much room as was asked for last. */
  string(value: string): void {
    const bytes = Buffer.from(value);
    this.#grow(bytes.length * 2 + 2 + this.#asked);
    this.text(bytes, 0, bytes.length);
  }
}
