/**
 * `COPY … TO STDOUT`, from the wire to a writer. The driver makes an event of every row; here the payload of the frames is moved into large
 * buffers as it is, and nothing else is done with it. All other frames go to the driver, which knows what they mean.
 * Protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import type { Client, Connection, Submittable } from 'pg';
import { Frames, type Rewriting } from './copy-frames.ts';
import { Output, type WriteRows } from './copy-output.ts';

/** What the driver has, and its types leave out. */
interface Wire extends Connection {
  query(text: string): void;
}
type Listener = (chunk: Buffer) => void;

export interface CopyOptions {
  write: WriteRows;
  rewriting?: Rewriting | undefined;
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
export async function copyOut(
  client: Client,
  statement: string,
  { write, rewriting, signal }: CopyOptions,
): Promise<Copied> {
  signal?.throwIfAborted();
  const out = new Output(write);
  const declared = await new Promise<number>((resolve, reject) => {
    const copy = new CopyQuery(statement, out, rewriting, (e, rows) => {
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
  readonly #rewriting: Rewriting | undefined;
  #done: ((e: unknown, rows: number) => void) | undefined;
  #connection: Wire | undefined;
  #rows = Number.NaN;

  constructor(
    statement: string,
    out: Output,
    rewriting: Rewriting | undefined,
    done: (e: unknown, rows: number) => void,
  ) {
    this.#statement = statement;
    this.#out = out;
    this.#rewriting = rewriting;
    this.#done = done;
  }

  submit(connection: Connection): void {
    this.#connection = connection as Wire;
    const { stream } = connection;
    const listeners = stream.listeners('data') as Listener[];
    const forward = (chunk: Buffer) => {
      for (const listener of listeners) listener(chunk);
    };
    const frames = new Frames(this.#out, this.#rewriting, forward);
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
