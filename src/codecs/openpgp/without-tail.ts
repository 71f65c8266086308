/** A stream but for its last bytes, which are known only when it ends: the checksums behind encrypted data. */
export class WithoutTail {
  readonly #source: AsyncIterable<Buffer>;
  readonly #length: number;
  #tail: Buffer = Buffer.alloc(0);

  /** `length` in bytes. */
  constructor(source: AsyncIterable<Buffer>, length: number) {
    this.#source = source;
    this.#length = length;
  }

  /** The last bytes, once the rest was read to its end; shorter only when the whole stream is. */
  get tail(): Buffer {
    return this.#tail;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    for await (const chunk of this.#source) {
      const joined = Buffer.concat([this.#tail, chunk]);
      const end = Math.max(0, joined.length - this.#length);
      this.#tail = Buffer.from(joined.subarray(end));
      if (end > 0) yield joined.subarray(0, end);
    }
  }
}
