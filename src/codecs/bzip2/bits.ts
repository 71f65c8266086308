/** Bits of a buffer, most significant first. */

/** The bits ended where more were needed. */
export class OutOfBits extends Error {}

export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  /** The last `#count` bits of this are the next ones. */
  #held = 0;
  #count = 0;

  /** Begins `bitOffset` (0 to 7) bits into the first byte. */
  constructor(bytes: Uint8Array, bitOffset = 0) {
    this.#bytes = bytes;
    if (bitOffset > 0) this.read(bitOffset);
  }

  /** Index of the next bit. */
  get position(): number {
    return this.#at * 8 - this.#count;
  }

  /** The next `n` bits, 1 to 24, as a number. Throws `OutOfBits`. */
  read(n: number): number {
    const value = this.peek(n);
    this.skip(n);
    return value;
  }

  /** The next 32 bits as an unsigned number. Throws `OutOfBits`. */
  read32(): number {
    return this.read(16) * 2 ** 16 + this.read(16);
  }

  /** The next `n` bits, 1 to 24, without taking them; zeros stand for what is behind the end. */
  peek(n: number): number {
    while (this.#count < n) {
      this.#held = (this.#held << 8) | (this.#at < this.#bytes.length ? this.#bytes[this.#at]! : 0);
      this.#at++;
      this.#count += 8;
    }
    return (this.#held >>> (this.#count - n)) & ((1 << n) - 1);
  }

  /** Takes `n` bits that have been peeked. Throws `OutOfBits` when they are behind the end. */
  skip(n: number): void {
    this.#count -= n;
    if (this.#at > this.#bytes.length && this.position > this.#bytes.length * 8) throw new OutOfBits();
  }

  /** Drops the rest of a byte that has been begun. */
  alignToByte(): void {
    this.#count -= this.#count % 8;
  }
}
