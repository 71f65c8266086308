/**
 * The frames of a COPY. Protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import type { Output } from './copy-output.ts';

const COPY_DATA = 0x64;
const READY_FOR_QUERY = 0x5a;
/** Kind and length, which counts itself but not the kind. */
const HEADER_BYTES = 5;
/** Longer rows are rejected by whoever reads what has landed: they are not gathered. */
const GATHERED_BYTES = 16 << 20;

/** Changes single rows, of which there are few. */
export interface Rewriting {
  /** What a row has in it if it may have to be changed. */
  mark: Buffer;
  /** Of a row with its line end; the same one if nothing is to be changed. Rows above 16 MiB stay as they are. */
  rewrite(row: Buffer): Buffer;
}

/** Takes chunks of the wire apart. Frames may begin and end anywhere in a chunk. */
export class Frames {
  readonly #out: Output;
  readonly #rewriting: Rewriting | undefined;
  readonly #forward: (frame: Buffer) => void;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  /** Bytes of the current frame, without its header. */
  #length = 0;
  /** Those that have not come. */
  #remaining = 0;
  /** A frame for the driver that has begun. */
  #other: Buffer | undefined;
  /** A row that has begun, where rows may be changed and it was not whole in its chunk. */
  #row: Buffer | undefined;
  #last: Buffer | undefined;

  constructor(out: Output, rewriting: Rewriting | undefined, forward: (frame: Buffer) => void) {
    this.#out = out;
    this.#rewriting = rewriting;
    this.#forward = forward;
  }

  /** True when the server is ready for the next query: the frame that says so, and what follows it, are given to the driver by `finish`. */
  take(chunk: Buffer): boolean {
    const isMarked = this.#rewriting !== undefined && chunk.indexOf(this.#rewriting.mark) >= 0;
    let at = 0;
    while (at < chunk.length || (this.#headerBytes === HEADER_BYTES && this.#remaining === 0)) {
      if (this.#headerBytes < HEADER_BYTES) {
        at = this.#takeHeader(chunk, at);
        continue;
      }
      const n = Math.min(this.#remaining, chunk.length - at);
      if (this.#other) chunk.copy(this.#other, this.#other.length - this.#remaining, at, at + n);
      else this.#takeRow(chunk, at, n, isMarked);
      at += n;
      this.#remaining -= n;
      if (this.#remaining > 0) return false;
      this.#headerBytes = 0;
      if (!this.#other) {
        this.#endRow();
        continue;
      }
      const frame = this.#other;
      this.#other = undefined;
      if (frame[0] === READY_FOR_QUERY) {
        this.#last = Buffer.concat([frame, chunk.subarray(at)]);
        return true;
      }
      this.#forward(frame);
    }
    return false;
  }

  /** The next `n` bytes of a row. */
  #takeRow(chunk: Buffer, at: number, n: number, isMarked: boolean): void {
    const isWhole = n === this.#length;
    const begins = this.#remaining === this.#length;
    if (this.#rewriting && begins && !isWhole && this.#length <= GATHERED_BYTES)
      this.#row = Buffer.allocUnsafe(this.#length);
    if (this.#row) chunk.copy(this.#row, this.#length - this.#remaining, at, at + n);
    else if (isMarked && isWhole) this.#append(this.#rewriting!.rewrite(chunk.subarray(at, at + n)));
    else this.#out.append(chunk, at, at + n);
  }

  #endRow(): void {
    const row = this.#row;
    this.#row = undefined;
    if (row) this.#append(row.includes(this.#rewriting!.mark) ? this.#rewriting!.rewrite(row) : row);
    this.#out.endRow();
  }

  #append(row: Buffer): void {
    this.#out.append(row, 0, row.length);
  }

  finish(): void {
    if (this.#last) this.#forward(this.#last);
  }

  /** Returns where the payload begins, or the end of the chunk when the header is not complete. */
  #takeHeader(chunk: Buffer, start: number): number {
    let at = start;
    while (this.#headerBytes < HEADER_BYTES && at < chunk.length) this.#header[this.#headerBytes++] = chunk[at++]!;
    if (this.#headerBytes < HEADER_BYTES) return at;
    const header = this.#header;
    this.#length = ((header[1]! << 24) | (header[2]! << 16) | (header[3]! << 8) | header[4]!) - 4;
    this.#remaining = this.#length;
    if (header[0] !== COPY_DATA) {
      this.#other = Buffer.alloc(HEADER_BYTES + this.#length);
      header.copy(this.#other);
    }
    return at;
  }
}
