/** Writes a file front to back. */
import type { FileHandle } from 'node:fs/promises';

const BUFFER_BYTES = 2 ** 20;
/** Most files are smaller than a buffer: it grows when it is full. */
const FIRST_BYTES = 2 ** 16;

const EMPTY = Buffer.alloc(0);

/**
 * Small chunks are gathered, so that the disk sees writes of 1 MiB, and one buffer is written
 * while the next one fills. A chunk may be reused by the caller as soon as `write` has returned.
 */
export class FileWriter {
  readonly #handle: FileHandle;
  #filling = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #spare = EMPTY;
  #fill = 0;
  #written: number;
  #pending: Promise<void> = Promise.resolve();

  /** Starts at byte `offset` of a file opened for writing. The caller closes the handle. */
  constructor(handle: FileHandle, offset = 0) {
    this.#handle = handle;
    this.#written = offset;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length; ) {
      if (this.#fill + chunk.length - from > this.#filling.length) this.#grow();
      const n = Math.min(chunk.length - from, BUFFER_BYTES - this.#fill);
      this.#filling.set(n === chunk.length ? chunk : chunk.subarray(from, from + n), this.#fill);
      this.#fill += n;
      from += n;
      if (this.#fill === BUFFER_BYTES) await this.#swap();
    }
  }

  /** Length of the file: what the operating system has taken. */
  get written(): number {
    return this.#written;
  }

  /** Hands everything that was given to `write` to the operating system. */
  async flush(): Promise<void> {
    await this.#swap();
    await this.#pending;
  }

  /** Forgets what is in the buffers. Afterwards nothing is on its way to the file. */
  async discard(): Promise<void> {
    this.#fill = 0;
    await this.#pending.catch(() => {});
  }

  #grow(): void {
    if (this.#filling.length === BUFFER_BYTES) return;
    const larger = Buffer.allocUnsafeSlow(BUFFER_BYTES);
    larger.set(this.#filling.subarray(0, this.#fill));
    this.#filling = larger;
  }

  async #swap(): Promise<void> {
    await this.#pending;
    if (this.#fill === 0) return;
    const full = this.#filling.subarray(0, this.#fill);
    [this.#filling, this.#spare] = [this.#spare, this.#filling];
    this.#fill = 0;
    this.#pending = this.#append(full);
    // The error is thrown by whoever awaits next; without this line Node would call it unhandled meanwhile.
    this.#pending.catch(() => {});
  }

  async #append(bytes: Uint8Array): Promise<void> {
    for (let from = 0; from < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, from, bytes.length - from, this.#written);
      from += bytesWritten;
      this.#written += bytesWritten;
    }
  }
}
