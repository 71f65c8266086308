/**
 * The time of the story: it begins on a Monday in November 2026 whenever the demo is run, goes on as time does, and can be set forward, so that
 * nobody has to wait until a file is late.
 */
import type { Clock } from '../../src/ports/clock.ts';

/** What a timer of Node can wait for. */
const LONGEST_MS = 2 ** 31 - 1;

export class StoryClock implements Clock {
  /** Milliseconds to the clock of the machine. */
  #ahead: number;
  readonly #sleepers = new Set<() => void>();

  /** `start`: ISO 8601. */
  constructor(start: string) {
    this.#ahead = Date.parse(start) - Date.now();
  }

  now(): number {
    return Date.now() + this.#ahead;
  }

  /** Rejects with an AbortError when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const until = this.now() + ms;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const leave = () => {
        clearTimeout(timer);
        this.#sleepers.delete(look);
        signal?.removeEventListener('abort', abort);
      };
      const abort = () => {
        leave();
        const error = new Error('The operation was aborted', { cause: signal?.reason });
        reject(Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' }));
      };
      const look = () => {
        clearTimeout(timer);
        const left = until - this.now();
        if (left > 0) timer = setTimeout(look, Math.min(left, LONGEST_MS));
        else {
          leave();
          resolve();
        }
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.add(look);
      look();
    });
  }

  /** Whoever sleeps until then, or less, wakes. Never back. `instant`: ISO 8601. */
  forwardTo(instant: string): void {
    this.#ahead += Math.max(0, Date.parse(instant) - this.now());
    for (const look of [...this.#sleepers]) look();
  }
}
