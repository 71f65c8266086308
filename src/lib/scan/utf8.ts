/** Whether a stream of bytes is valid UTF-8, chunk by chunk. */
import { isUtf8 } from 'node:buffer';

export class Utf8Check {
  valid = true;
  /** The beginning of a character that the last chunk cut: at most three bytes. */
  #cut = Buffer.alloc(0);

  push(chunk: Uint8Array): void {
    if (!this.valid || chunk.length === 0) return;
    let from = 0;
    if (this.#cut.length > 0) {
      const missing = characterLength(this.#cut[0]!) - this.#cut.length;
      const character = Buffer.concat([this.#cut, chunk.subarray(0, missing)]);
      if (chunk.length < missing) {
        this.#cut = character;
        return;
      }
      this.valid = isUtf8(character);
      from = missing;
    }
    const to = wholeCharacters(chunk, from);
    this.#cut = Buffer.from(chunk.subarray(to));
    this.valid &&= isUtf8(chunk.subarray(from, to));
  }

  /** After the last byte. */
  finish(): boolean {
    return this.valid && this.#cut.length === 0;
  }
}

/** The end of the last whole character: before a lead byte in the last three bytes whose character goes on beyond the chunk. */
function wholeCharacters(chunk: Uint8Array, from: number): number {
  for (let p = chunk.length - 1; p >= from && p >= chunk.length - 3; p--) {
    const b = chunk[p]!;
    if (b >= 0xc0) return p + characterLength(b) > chunk.length ? p : chunk.length;
    if (b < 0x80) break;
  }
  return chunk.length;
}

/** Of the character that a byte leads; 1 for a byte that leads none. */
function characterLength(lead: number): number {
  if (lead >= 0xf0) return 4;
  if (lead >= 0xe0) return 3;
  return lead >= 0xc0 ? 2 : 1;
}
