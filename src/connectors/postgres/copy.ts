/**
 * `COPY … TO STDOUT`, from the wire to a writer. The driver makes an event of every row; here the payload of the frames is moved into large
 * buffers as it is, and nothing else is done with it. All other frames go to the driver, which knows what they mean.
 * Protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import type { Client, Connection, Submittable } from 'pg';

const BUFFER_BYTES = 1 << 20;
const COPY_DATA = 0x64;
const READY_FOR_QUERY = 0x5a;
/** Kind and length, which counts itself but not the kind. */
const HEADER_BYTES = 5;

/** What the driver has, and its types leave out. */
interface Wire extends Connection {
  query(text: string): void;
}
type Listener = (chunk: Buffer) => void;

export interface CopyOptions {
  /**
   * Called with 1 MiB at most, one call after the other; the memory is used again when its promise has ended. `rows`: how many ended
   * in these bytes. The server sends a frame for each.
   */
  write(bytes: Uint8Array, rows: number): Promise<void>;
  /** The connection is destroyed when it fires: the server notices at its next write. */
  signal?: AbortSignal | undefined;
}

export interface Copied {
  /** Of the server's last word. */
  declared: number;
  /** Frames that came. */
  received: number;
}

/**
 * Runs one `COPY … TO STDOUT` and counts its rows twice; returns after the last `write` has ended.
 * Errors are those of the driver or of `write`; after one of `write` the connection is closed.
 */
export async function copyOut(client: Client, statement: string, { write, signal }: CopyOptions): Promise<Copied> {
  signal?.throwIfAborted();
  const out = new Output(write);
  const declared = await new Promise<number>((resolve, reject) => {
    const copy = new CopyQuery(statement, out, (e, rows) => {
      signal?.removeEventListener('abort', abort);
      if (e) reject(e);
      else resolve(rows);
    });
    const abort = () => copy.destroy(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal?.addEventListener('abort', abort, { once: true });
    client.query(copy);
  });
  await out.end();
  signal?.throwIfAborted();
  return { declared, received: out.rows };
}

/** The part of a query that the driver asks for; it gives the connection away from `submit` until the server is ready for the next one. */
class CopyQuery implements Submittable {
  readonly #statement: string;
  readonly #out: Output;
  #done: ((e: unknown, rows: number) => void) | undefined;
  #connection: Wire | undefined;
  #rows = Number.NaN;

  constructor(statement: string, out: Output, done: (e: unknown, rows: number) => void) {
    this.#statement = statement;
    this.#out = out;
    this.#done = done;
  }

  submit(connection: Connection): void {
    this.#connection = connection as Wire;
    const { stream } = connection;
    const listeners = stream.listeners('data') as Listener[];
    const forward = (chunk: Buffer) => {
      for (const listener of listeners) listener(chunk);
    };
    const frames = new Frames(this.#out, forward);
    const receive = (chunk: Buffer) => {
      const ended = frames.take(chunk);
      if (ended) {
        stream.removeListener('data', receive);
        for (const listener of listeners) stream.on('data', listener);
        frames.finish();
      }
      if (!this.#out.isFull) return;
      stream.pause();
      this.#out.drained().then(
        () => stream.resume(),
        (e) => this.destroy(e),
      );
    };
    for (const listener of listeners) stream.removeListener('data', listener);
    stream.on('data', receive);
    this.#connection.query(this.#statement);
  }

  /** Of the driver: the tag of the server, `COPY 17`. */
  handleCommandComplete({ text }: { text: string }): void {
    this.#rows = Number(/^COPY (\d+)$/.exec(text)?.[1]);
  }

  handleError(e: Error): void {
    this.#end(e);
  }

  handleReadyForQuery(): void {
    if (Number.isInteger(this.#rows)) this.#end(undefined);
    else this.#end(new Error('the server did not say how many rows it has sent'));
  }

  destroy(e: Error): void {
    this.#end(e);
    this.#connection?.stream.destroy();
  }

  #end(e: unknown): void {
    this.#done?.(e, this.#rows);
    this.#done = undefined;
  }
}

/** Takes chunks of the wire apart. Frames may begin and end anywhere in a chunk. */
class Frames {
  readonly #out: Output;
  readonly #forward: Listener;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  /** Bytes of the current frame that have not come. */
  #remaining = 0;
  /** A frame for the driver that has begun. */
  #other: Buffer | undefined;
  #last: Buffer | undefined;

  constructor(out: Output, forward: Listener) {
    this.#out = out;
    this.#forward = forward;
  }

  /** True when the server is ready for the next query: the frame that says so, and what follows it, are given to the driver by `finish`. */
  take(chunk: Buffer): boolean {
    let at = 0;
    while (at < chunk.length || (this.#headerBytes === HEADER_BYTES && this.#remaining === 0)) {
      if (this.#headerBytes < HEADER_BYTES) {
        at = this.#takeHeader(chunk, at);
        continue;
      }
      const n = Math.min(this.#remaining, chunk.length - at);
      if (this.#other) chunk.copy(this.#other, this.#other.length - this.#remaining, at, at + n);
      else this.#out.append(chunk, at, at + n);
      at += n;
      this.#remaining -= n;
      if (this.#remaining > 0) return false;
      this.#headerBytes = 0;
      if (!this.#other) {
        this.#out.endRow();
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

  finish(): void {
    if (this.#last) this.#forward(this.#last);
  }

  /** Returns where the payload begins, or the end of the chunk when the header is not complete. */
  #takeHeader(chunk: Buffer, start: number): number {
    let at = start;
    while (this.#headerBytes < HEADER_BYTES && at < chunk.length) this.#header[this.#headerBytes++] = chunk[at++]!;
    if (this.#headerBytes < HEADER_BYTES) return at;
    const header = this.#header;
    this.#remaining = ((header[1]! << 24) | (header[2]! << 16) | (header[3]! << 8) | header[4]!) - 4;
    if (header[0] !== COPY_DATA) {
      this.#other = Buffer.alloc(HEADER_BYTES + this.#remaining);
      header.copy(this.#other);
    }
    return at;
  }
}

/** Gathers bytes, and writes one buffer while the next one fills. */
class Output {
  /** All that ended. */
  rows = 0;
  readonly #write: CopyOptions['write'];
  /** Rows that ended in the buffers that were written. */
  #told = 0;
  #filling = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #filled = 0;
  #spare = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** What came while both buffers were taken: at most what one chunk of the wire holds. */
  #waiting: Buffer[] = [];
  #writing: Promise<void> | undefined;

  constructor(write: CopyOptions['write']) {
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
