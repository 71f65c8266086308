/** The CRC-24 of ASCII armor (RFC 9580, 6.1.1). */

const INITIAL = 0xb704ce;
const POLYNOMIAL = 0x864cfb;

export class Crc24 {
  readonly #table = new Uint32Array(256);
  #value = INITIAL;

  constructor() {
    for (let byte = 0; byte < 256; byte++) {
      let remainder = byte << 16;
      for (let bit = 0; bit < 8; bit++) {
        remainder <<= 1;
        if (remainder & 0x1000000) remainder ^= 0x1000000 | POLYNOMIAL;
      }
      this.#table[byte] = remainder;
    }
  }

  get value(): number {
    return this.#value;
  }

  update(bytes: Uint8Array): void {
    const table = this.#table;
    let value = this.#value;
    for (let i = 0; i < bytes.length; i++) value = ((value << 8) & 0xffffff) ^ table[(value >>> 16) ^ bytes[i]!]!;
    this.#value = value;
  }
}
