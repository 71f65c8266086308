/** A clock that leaps, as that of a machine that was asleep: who should have woken meanwhile wakes at the end. It knows who sleeps. */
import type { Clock } from '../../src/ports/clock.ts';

interface Sleeper {
  at: number;
  who: string;
  wake(): void;
}

export class LeapingClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];
  /** Sleeps so far. */
  sleeps = 0;

  constructor(start: string) {
    this.#now = Date.parse(start);
  }

  now(): number {
    return this.#now;
  }

  iso(): string {
    return new Date(this.#now).toISOString();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper);
        const error = new Error('The operation was aborted', { cause: signal?.reason });
        reject(Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' }));
      };
      const wake = () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper = { at: this.#now + Math.max(0, ms), who: caller(), wake };
      if (signal?.aborted) return abort();
      signal?.addEventListener('abort', abort, { once: true });
      this.#sleepers.push(sleeper);
      this.sleeps++;
    });
  }

  /** Moves to an instant in milliseconds; who is to wake until then wakes now, the soonest first. */
  leap(to: number): void {
    this.#now = Math.max(this.#now, to);
    const due = this.#sleepers.filter((s) => s.at <= this.#now).sort((a, b) => a.at - b.at);
    this.#sleepers = this.#sleepers.filter((s) => s.at > this.#now);
    for (const sleeper of due) sleeper.wake();
  }

  /** How many sleep, by the file of `src` that put them to sleep: `runtime/schedule/scheduler.ts`. */
  asleep(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { who } of this.#sleepers) counts.set(who, (counts.get(who) ?? 0) + 1);
    return counts;
  }
}

function caller(): string {
  for (const [, file] of (new Error().stack ?? '').matchAll(/\/src\/(\S+?\.ts):/g))
    if (file !== 'runtime/wakeable.ts') return file!;
  return 'unknown';
}
