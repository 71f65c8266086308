/** A stream but for its last bytes, which are known only when it ends: the checksums behind encrypted data. */
export class WithoutTail {
  readonly #source: AsyncIterable<Buffer>;
  readonly #length: number;
  #held: Buffer = Buffer.alloc(0);

  /** `length` in bytes. Chunks of `source` must stay as they are after the next one is asked for: one is always held. */
  constructor(source: AsyncIterable<Buffer>, length: number) {
    this.#source = source;
    this.#length = length;
  }

  /** The last bytes, once the rest was read to its end; shorter only when the whole stream is. */
  get tail(): Buffer {
    return this.#held;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for await (const chunk of this.#source) {
      if (chunk.length >= this.#length) {
        if (this.#held.length > 0) yield this.#held;
        this.#held = chunk;
      } else this.#held = Buffer.concat([this.#held, chunk]);
    }
    const end = Math.max(0, this.#held.length - this.#length);
    const last = this.#held.subarray(0, end);
    this.#held = this.#held.subarray(end);
    if (last.length > 0) yield last;
  }
}
