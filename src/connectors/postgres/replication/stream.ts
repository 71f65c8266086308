/** A stream of changes that is open. */
import type { Session } from '../session.ts';
import { type StreamHandler, type StreamOptions, StreamQuery } from './stream-query.ts';

const NOTHING = Buffer.alloc(0);

/** Read from by one after the other, and at rest between them. Errors: those of the driver. */
export class ChangeStream {
  readonly #session: Session;
  readonly #query: StreamQuery;

  private constructor(session: Session, query: StreamQuery) {
    this.#session = session;
    this.#query = query;
  }

  /** When the server has begun to stream: from then on nobody else can use the slot. */
  static async open(session: Session, options: StreamOptions): Promise<ChangeStream> {
    const { signal } = options;
    signal?.throwIfAborted();
    const query = new StreamQuery(options);
    const abort = () => query.fail(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal?.addEventListener('abort', abort, { once: true });
    try {
      session.client.query(query);
      await query.begun;
      return new ChangeStream(session, query);
    } catch (e) {
      query.stop();
      session.destroy();
      throw e;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** The process at the server. */
  get pid(): number {
    return (this.#session.client as unknown as { processID: number }).processID;
  }

  get broken(): boolean {
    return this.#session.broken || this.#query.hasFailed;
  }

  /** Until the handler is done. Everything before `start` is stored: it is acknowledged. After an error it is closed. */
  async read(handler: StreamHandler, start: bigint, signal?: AbortSignal): Promise<void> {
    const query = this.#query;
    const abort = () => query.fail(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', abort, { once: true });
      query.resume(start);
      // First what came with the last message of the one before.
      for (let chunk: Buffer = NOTHING; ; ) {
        await query.take(chunk, handler);
        await handler.settle();
        if (handler.done && (await handler.finish())) return;
        chunk = handler.done ? NOTHING : await query.next();
      }
    } catch (e) {
      this.close();
      throw e;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Nobody reads for a while: the server is told that we are there, and not asked. */
  rest(): void {
    this.#query.rest();
  }

  /** The server ends its part when it notices. */
  close(): void {
    this.#query.stop();
    this.#session.destroy();
  }
}
