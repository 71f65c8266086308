/** A file seen through a buffer: neighbouring slices, asked for in ascending order, cost one large read. */
import type { FileHandle } from 'node:fs/promises';

const WINDOW_BYTES = 1 << 20;

export class FileWindow {
  readonly #file: FileHandle;
  #buffer = Buffer.alloc(WINDOW_BYTES);
  #offset = 0;
  #filled = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** The bytes of `[from, to)`, fewer where the file ends; valid until the next call. */
  async slice(from: number, to: number): Promise<Buffer> {
    if (!this.#holds(from, to)) await this.#read(from, to - from);
    return this.#buffer.subarray(from - this.#offset, Math.min(to - this.#offset, this.#filled));
  }

  #holds(from: number, to: number): boolean {
    return from >= this.#offset && to <= this.#offset + this.#filled;
  }

  /** Fills the buffer from `offset`, with `needed` bytes or more. */
  async #read(offset: number, needed: number): Promise<void> {
    if (needed > this.#buffer.length) this.#buffer = Buffer.alloc(needed);
    this.#offset = offset;
    this.#filled = 0;
    while (this.#filled < this.#buffer.length) {
      const room = this.#buffer.length - this.#filled;
      const { bytesRead } = await this.#file.read(this.#buffer, this.#filled, room, offset + this.#filled);
      if (bytesRead === 0) return;
      this.#filled += bytesRead;
    }
  }
}
