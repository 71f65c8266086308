/** A bound on rows per second that all readers of an extraction share. */
import { setTimeout as delay } from 'node:timers/promises';

/** At most so much is saved up, in seconds: a pause is not caught up with. */
const SAVED_SECONDS = 0.25;

export class Throttle {
  readonly #perSecond: number;
  /** When the next row may come, by `performance.now()`. */
  #free = performance.now();

  constructor(rowsPerSecond: number | undefined) {
    this.#perSecond = rowsPerSecond ?? Number.POSITIVE_INFINITY;
  }

  /** Waits until these rows are paid for. */
  async spend(rows: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#perSecond === Number.POSITIVE_INFINITY) return;
    const now = performance.now();
    this.#free = Math.max(this.#free, now - SAVED_SECONDS * 1000) + (rows / this.#perSecond) * 1000;
    if (this.#free > now) await delay(this.#free - now, undefined, { signal }).catch(() => undefined);
  }
}
