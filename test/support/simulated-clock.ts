/** A clock that tests move: days pass in seconds, and who sleeps wakes in the order of time. */
import type { Clock } from '../../src/ports/clock.ts';

interface Sleeper {
  at: number;
  /** Of two that wake at once the one that fell asleep first wakes first. */
  order: number;
  wake(): void;
}

export class SimulatedClock implements Clock {
  #now: number;
  #order = 0;
  /** Soonest last. */
  #sleepers: Sleeper[] = [];
  readonly #rounds: number;

  /** `start`: milliseconds or ISO 8601. `rounds`: turns of the event loop that work may take between two sleeps. */
  constructor(start: number | string, options: { rounds?: number } = {}) {
    this.#now = typeof start === 'string' ? Date.parse(start) : start;
    this.#rounds = options.rounds ?? 2;
  }

  now(): number {
    return this.#now;
  }

  /** Who is asleep. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper);
        const error = new Error('The operation was aborted', { cause: signal?.reason });
        reject(Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' }));
      };
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, ms),
        order: this.#order++,
        wake: () => {
          signal?.removeEventListener('abort', abort);
          resolve();
        },
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      const later = (s: Sleeper) => s.at > sleeper.at || (s.at === sleeper.at && s.order > sleeper.order);
      let index = this.#sleepers.length;
      while (index > 0 && !later(this.#sleepers[index - 1]!)) index--;
      this.#sleepers.splice(index, 0, sleeper);
    });
  }

  /** Lets what is ready to run go on until it sleeps or waits for the world outside. */
  async settle(): Promise<void> {
    for (let i = 0; i < this.#rounds; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Moves to an instant (milliseconds or ISO 8601); who sleeps until then wakes in order, each with what it does done. */
  async advanceTo(instant: number | string): Promise<void> {
    const to = typeof instant === 'string' ? Date.parse(instant) : instant;
    await this.settle();
    for (;;) {
      const next = this.#sleepers.at(-1);
      if (!next || next.at > to) break;
      this.#sleepers.pop();
      this.#now = Math.max(this.#now, next.at);
      next.wake();
      await this.settle();
    }
    this.#now = Math.max(this.#now, to);
    await this.settle();
  }

  async advance(ms: number): Promise<void> {
    await this.advanceTo(this.#now + ms);
  }
}
