/** Reads a stream of bytes in the pieces a parser asks for. */

export class ByteReader {
  readonly #source: AsyncIterable<Uint8Array>;
  #iterator: AsyncIterator<Uint8Array> | undefined;
  #pending: Buffer | undefined;
  #position = 0;

  /** Nothing is read, nor opened, before the first call. */
  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source;
  }

  /** How many bytes have been handed out, less those given back. */
  get position(): number {
    return this.#position;
  }

  /** The next 1 to `max` bytes, whatever is at hand; undefined at the end. */
  async chunk(max = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
    const bytes = this.#pending ?? (await this.#pull());
    if (!bytes) return undefined;
    const given = bytes.length > max ? bytes.subarray(0, max) : bytes;
    this.#pending = given.length < bytes.length ? bytes.subarray(given.length) : undefined;
    this.#position += given.length;
    return given;
  }

  /** The next `n` bytes without taking them; fewer only when the stream ends before. Meant for small `n`: they are copied. */
  async peek(n: number): Promise<Buffer> {
    while (!this.#pending || this.#pending.length < n) {
      // Copied before the next pull: a source may reuse its buffer once it is asked for more.
      const held = this.#pending && Buffer.from(this.#pending);
      const more = await this.#pull();
      if (!more) {
        this.#pending = held;
        break;
      }
      this.#pending = held ? Buffer.concat([held, more]) : more;
    }
    return this.#pending?.subarray(0, n) ?? Buffer.alloc(0);
  }

  /** Takes the next `n` bytes; fewer only when the stream ends before. */
  async read(n: number): Promise<Buffer> {
    const bytes = Buffer.from(await this.peek(n));
    const left = this.#pending?.subarray(bytes.length);
    this.#pending = left?.length ? left : undefined;
    this.#position += bytes.length;
    return bytes;
  }

  /** Gives back bytes that were handed out last; the next call sees them first. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const returned = asBuffer(bytes);
    this.#pending = this.#pending ? Buffer.concat([returned, this.#pending]) : returned;
    this.#position -= bytes.length;
  }

  /** Closes the source. To be called however reading went. */
  async close(): Promise<void> {
    await this.#iterator?.return?.();
  }

  async #pull(): Promise<Buffer | undefined> {
    this.#iterator ??= this.#source[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#iterator.next();
      if (next.done) return undefined;
      if (next.value.length > 0) return asBuffer(next.value);
    }
  }
}

/** The same memory as a Buffer. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
