/** What is kept of a COPY until it is written. */

const BUFFER_BYTES = 1 << 20;

/**
 * Called with 1 MiB at most, one call after the other; the memory is used again when its promise has ended. `rows`: how many ended
 * in these bytes. The server sends a frame for each.
 */
export type WriteRows = (bytes: Uint8Array, rows: number) => Promise<void>;

/** Gathers bytes, and writes one buffer while the next one fills. */
export class Output {
  /** All that ended. */
  rows = 0;
  readonly #write: WriteRows;
  /** Rows that ended in the buffers that were written. */
  #told = 0;
  #filling = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  #spare = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** What came while both buffers were taken: at most what one chunk of the wire holds. */
  #waiting: Buffer[] = [];
  #writing: Promise<void> | undefined;

  constructor(write: WriteRows) {
    this.#write = write;
  }

  /** Nothing more should come until `drained`. */
  get isFull(): boolean {
    return this.#waiting.length > 0;
  }

  append(chunk: Buffer, from: number, to: number): void {
    let at = from;
    while (at < to) {
      if (this.#filled === BUFFER_BYTES && !this.#turn()) {
        this.#waiting.push(Buffer.from(chunk.subarray(at, to)));
        return;
      }
      const n = Math.min(to - at, BUFFER_BYTES - this.#filled);
      chunk.copy(this.#filling, this.#filled, at, at + n);
      this.#filled += n;
      at += n;
    }
  }

  /** The row whose bytes were appended last is complete. Those that still wait are counted too early, which only matters for progress. */
  endRow(): void {
    this.rows++;
  }

  #ended(): number {
    const rows = this.rows - this.#told;
    this.#told = this.rows;
    return rows;
  }

  /** Begins to write the full buffer, if none is being written. */
  #turn(): boolean {
    if (this.#writing || this.#waiting.length > 0) return false;
    const full = this.#filling.subarray(0, this.#filled);
    const buffer = this.#filling;
    this.#writing = this.#write(full, this.#ended()).then(() => {
      this.#writing = undefined;
      this.#spare = buffer;
    });
    // Seen by whoever waits; until then it is no unhandled rejection.
    this.#writing.catch(() => undefined);
    this.#filling = this.#spare;
    this.#filled = 0;
    return true;
  }

  async drained(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#writing;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const bytes of waiting) this.append(bytes, 0, bytes.length);
    }
  }

  async end(): Promise<void> {
    await this.drained();
    await this.#writing;
    if (this.#filled > 0) await this.#write(this.#filling.subarray(0, this.#filled), this.#ended());
    this.#filled = 0;
  }
}
