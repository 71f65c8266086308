/**
 * `START_REPLICATION … LOGICAL`: the connection becomes a stream in both directions. The driver would make an event and an object of every message;
 * here chunks of the wire are taken apart in place. All frames that are not of the stream go to the driver, which knows errors and notices.
 * Protocol: https://www.postgresql.org/docs/current/protocol-replication.html
 */
import type { Socket } from 'node:net';
import type { Connection, Submittable } from 'pg';
import { formatLsn } from './lsn.ts';

/** Kinds of frames, and of what is in frames of the stream. */
const [COPY_DATA, COPY_BOTH, COPY_DONE] = [0x64, 0x57, 0x63] as const;
const [XLOG_DATA, KEEPALIVE] = [0x77, 0x6b] as const;
/** Kind and length, which counts itself but not the kind. */
const HEADER_BYTES = 5;
/** Kind, start, end, time. */
const XLOG_HEADER_BYTES = 25;
/** What came and was not looked at: then the server waits. */
const MOST_WAITING = 1 << 20;
/** The server gives up a client that says nothing for `wal_sender_timeout`, 60 s unless set otherwise. */
const STATUS_MS = 5000;
/** Without a byte for so long the server is asked how far it is. */
const ASK_MS = 50;
const YEAR_2000_MS = Date.UTC(2000, 0, 1);

type Listener = (chunk: Buffer) => void;

/** What the driver has, and its types leave out. */
interface Wire extends Connection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
}

export interface StreamHandler {
  /** A message of the output plugin is in `buffer` from `start` to `end`, until this returns. True: nothing further before `settle`. */
  message(buffer: Buffer, start: number, end: number): boolean;
  /** All that was committed before here has come. `asked`: it is the answer to a question, nothing else came since the last one. */
  reached(lsn: bigint, asked: boolean): void;
  /** Called after every chunk, and where `message` asked for it. */
  settle(): Promise<void>;
  /** Looked at after every message: nothing more is wanted. */
  readonly done: boolean;
  /** Called when it is done, after `settle`. False: it is not done after all, and goes on behind the last message. */
  finish(): Promise<boolean>;
}

export interface StreamOptions {
  slot: string;
  publication: string;
  /** Transactions that were committed before it are not sent again. */
  start: bigint;
  /** Seconds without a byte after which the connection counts as broken. The server is asked all the time. */
  silence: number;
  signal?: AbortSignal | undefined;
}

/** As the driver knows it: a query that does not end. */
export class StreamQuery implements Submittable {
  readonly begun: Promise<void>;
  readonly #options: StreamOptions;
  /** What is acknowledged. */
  #start: bigint;
  #rests = false;
  #connection: Wire | undefined;
  #forward: Listener = () => undefined;
  #onBegun: () => void = () => undefined;
  #onFailed: (e: unknown) => void = () => undefined;
  #error: Error | undefined;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #wake: (() => void) | undefined;
  /** A frame that has not come whole. */
  #parts: Buffer[] = [];
  #partsBytes = 0;
  #needed = HEADER_BYTES;
  #timer: NodeJS.Timeout | undefined;
  #toldAt = 0;
  #heardAt = Date.now();
  /** Frames of the stream that came since the last question. */
  #cameSinceAsked = 0;
  #asked = false;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#start = options.start;
    this.begun = new Promise((begun, failed) => {
      this.#onBegun = begun;
      this.#onFailed = failed;
    });
    // Seen by whoever waits; until then it is no unhandled rejection.
    this.begun.catch(() => undefined);
  }

  submit(connection: Connection): void {
    this.#connection = connection as Wire;
    const { stream } = connection;
    const listeners = stream.listeners('data') as Listener[];
    this.#forward = (chunk) => {
      for (const listener of listeners) listener(chunk);
    };
    for (const listener of listeners) stream.removeListener('data', listener);
    const receive = (chunk: Buffer) => {
      this.#heardAt = Date.now();
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
      if (this.#waitingBytes > MOST_WAITING) stream.pause();
      this.#wake?.();
    };
    stream.on('data', this.#untilBegun(receive));
    const { slot, publication, start } = this.#options;
    const name = `'${publication.replaceAll("'", "''")}'`;
    const names = `'"${publication.replaceAll("'", "''").replaceAll('"', '""')}"'`;
    // The plugin parses a list of identifiers; plain ones need no quotes in it.
    const list = /^[a-z_][a-z0-9_]*$/.test(publication) ? name : names;
    this.#connection.query(
      `START_REPLICATION SLOT "${slot}" LOGICAL ${formatLsn(start)} (proto_version '1', publication_names ${list})`,
    );
  }

  /** Until the stream begins, frames come in small number: errors go to the driver. */
  #untilBegun(receive: Listener): Listener {
    const stream = this.#connection!.stream;
    const first = (chunk: Buffer) => {
      this.#parts.push(chunk);
      let all = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
      while (all.length >= HEADER_BYTES && all.length > all.readUInt32BE(1)) {
        const size = 1 + all.readUInt32BE(1);
        const frame = all.subarray(0, size);
        all = all.subarray(size);
        if (frame[0] === COPY_BOTH) {
          this.#parts = [];
          stream.removeListener('data', first);
          stream.on('data', receive);
          if (all.length > 0) receive(all);
          this.#timer = setInterval(() => this.#tick(), ASK_MS).unref();
          this.#tell(true);
          this.#onBegun();
          return;
        }
        this.#forward(frame);
      }
      this.#parts = [all];
    };
    return first;
  }

  /** The next chunk of the wire. Rejects when the connection broke. */
  async next(): Promise<Buffer> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk) {
        this.#waitingBytes -= chunk.length;
        const { stream } = this.#connection!;
        if (this.#waitingBytes < MOST_WAITING / 2 && stream.isPaused()) stream.resume();
        return chunk;
      }
      if (this.#error) throw this.#error;
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
      this.#wake = undefined;
    }
  }

  /** Gives the frames that are whole now to the handler. */
  async take(chunk: Buffer, handler: StreamHandler): Promise<void> {
    let buffer = chunk;
    if (this.#partsBytes > 0) {
      this.#parts.push(chunk);
      this.#partsBytes += chunk.length;
      if (this.#partsBytes < this.#needed) return;
      buffer = Buffer.concat(this.#parts);
      this.#parts = [];
    }
    let at = 0;
    let needed = HEADER_BYTES;
    while (buffer.length - at >= HEADER_BYTES) {
      const size = 1 + ((buffer[at + 1]! << 24) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 8) | buffer[at + 4]!);
      if (buffer.length - at < size) {
        needed = size;
        break;
      }
      const start = at + HEADER_BYTES;
      at += size;
      if (buffer[start - HEADER_BYTES] !== COPY_DATA) this.#other(buffer.subarray(start - HEADER_BYTES, at));
      else if (buffer[start] === XLOG_DATA) {
        this.#cameSinceAsked++;
        if (handler.message(buffer, start + XLOG_HEADER_BYTES, at)) await handler.settle();
      } else if (buffer[start] === KEEPALIVE) this.#keepalive(buffer, start, handler);
      if (handler.done) break;
    }
    this.#needed = needed;
    this.#partsBytes = buffer.length - at;
    if (this.#partsBytes > 0) this.#parts = [buffer.subarray(at)];
  }

  #keepalive(buffer: Buffer, start: number, handler: StreamHandler): void {
    const asked = this.#asked && this.#cameSinceAsked === 0;
    this.#asked = false;
    handler.reached(buffer.readBigUInt64BE(start + 1), asked);
    if (buffer[start + 17] === 1) this.#tell(false);
  }

  /** Errors, notices, the end. */
  #other(frame: Buffer): void {
    if (frame[0] === COPY_DONE) this.fail(new Error('the server has ended the stream'));
    else this.#forward(frame);
  }

  get hasFailed(): boolean {
    return this.#error !== undefined;
  }

  rest(): void {
    this.#rests = true;
    this.#asked = false;
    (this.#connection?.stream as Socket | undefined)?.unref();
  }

  resume(start: bigint): void {
    this.#rests = false;
    this.#start = start;
    this.#heardAt = Date.now();
    (this.#connection?.stream as Socket | undefined)?.ref();
    this.#tell(true);
  }

  #tick(): void {
    if (this.#rests) {
      if (Date.now() - this.#toldAt > STATUS_MS) this.#tell(false);
      return;
    }
    // Nothing is asked while there is something to look at.
    const isIdle = this.#waiting.length === 0 && !this.#asked;
    const { silence } = this.#options;
    if (this.#waiting.length > 0) this.#heardAt = Date.now();
    if (Date.now() - this.#heardAt > silence * 1000) this.fail(new Error(`the server said nothing for ${silence} s`));
    else if (isIdle) this.#tell(true);
    else if (Date.now() - this.#toldAt > STATUS_MS) this.#tell(false);
  }

  /** Standby status: nothing is acknowledged but what is stored. `ask`: the server answers with a keepalive. */
  #tell(ask: boolean): void {
    const status = Buffer.alloc(34);
    status[0] = 0x72;
    for (const at of [1, 9, 17]) status.writeBigUInt64BE(this.#start, at);
    status.writeBigInt64BE(BigInt(Date.now() - YEAR_2000_MS) * 1000n, 25);
    status[33] = ask ? 1 : 0;
    this.#toldAt = Date.now();
    if (ask) {
      this.#asked = true;
      this.#cameSinceAsked = 0;
    }
    this.#connection?.sendCopyFromChunk(status);
  }

  fail(e: Error): void {
    this.#error ??= e;
    this.#onFailed(e);
    this.#wake?.();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Of the driver, as are the next two. */
  handleError(e: Error): void {
    this.fail(e);
  }

  handleReadyForQuery(): void {
    this.fail(new Error('the server has ended the stream'));
  }

  handleCommandComplete(): void {}
}
