/** A bounded set of connections that are used by one caller at a time. */
import { cancelled } from './faults.ts';

export interface PoolOptions<T> {
  limit: number;
  open(): Promise<T>;
  isAlive(connection: T): boolean;
  close(connection: T): void;
}

export class Pool<T> {
  readonly #options: PoolOptions<T>;
  readonly #idle: T[] = [];
  readonly #inUse = new Set<T>();
  readonly #waiting: (() => void)[] = [];
  /** Connections that exist or are being opened. */
  #count = 0;
  #closed = false;

  constructor(options: PoolOptions<T>) {
    this.#options = options;
  }

  /** An idle connection, a new one, or, at the limit, the next that is given back. Its holder gives it back or discards it. */
  async acquire(): Promise<T> {
    for (;;) {
      if (this.#closed) throw cancelled('the source is closed: a request');
      const idle = this.#idle.pop();
      if (idle !== undefined) {
        if (this.#options.isAlive(idle)) {
          this.#inUse.add(idle);
          return idle;
        }
        this.#drop(idle);
      } else if (this.#count < this.#options.limit) {
        this.#count++;
        try {
          const opened = await this.#options.open();
          this.#inUse.add(opened);
          return opened;
        } catch (e) {
          this.#count--;
          this.#waiting.shift()?.();
          throw e;
        }
      } else {
        await new Promise<void>((wake) => this.#waiting.push(wake));
      }
    }
  }

  release(connection: T): void {
    this.#inUse.delete(connection);
    this.#idle.push(connection);
    this.#waiting.shift()?.();
  }

  /** Closes a connection that is broken or in an unknown state. */
  discard(connection: T): void {
    this.#inUse.delete(connection);
    this.#drop(connection);
    this.#waiting.shift()?.();
  }

  /** One call on a connection. An error that `isHarmless` knows leaves the connection usable; any other discards it. */
  async use<R>(call: (connection: T) => Promise<R>, isHarmless: (e: unknown) => boolean): Promise<R> {
    const connection = await this.acquire();
    try {
      const result = await call(connection);
      this.release(connection);
      return result;
    } catch (e) {
      if (isHarmless(e)) this.release(connection);
      else this.discard(connection);
      throw e;
    }
  }

  /** Closes all connections, also those in use: their holders get errors, and so do those who wait. */
  closeAll(): void {
    this.#closed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    for (const connection of this.#idle.splice(0)) this.#drop(connection);
    for (const connection of this.#inUse) this.#options.close(connection);
  }

  #drop(connection: T): void {
    this.#count--;
    this.#options.close(connection);
  }
}
