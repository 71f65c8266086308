/** The CRC-32 of bzip2: polynomial 0x04c11db7 with the most significant bit first, unlike zlib's. */

export class Crc {
  readonly #table = new Int32Array(256);
  #sum = -1;

  constructor() {
    for (let byte = 0; byte < 256; byte++) {
      let remainder = byte << 24;
      for (let bit = 0; bit < 8; bit++) remainder = remainder < 0 ? (remainder << 1) ^ 0x04c11db7 : remainder << 1;
      this.#table[byte] = remainder;
    }
  }

  update(bytes: Uint8Array): void {
    const table = this.#table;
    let sum = this.#sum;
    for (let i = 0; i < bytes.length; i++) sum = (sum << 8) ^ table[((sum >>> 24) ^ bytes[i]!) & 0xff]!;
    this.#sum = sum;
  }

  /** The CRC of what was given since the last call, unsigned; begins anew. */
  take(): number {
    const value = ~this.#sum >>> 0;
    this.#sum = -1;
    return value;
  }
}
