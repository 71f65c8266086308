/** Sleep that something may end early. A wake-up while nobody sleeps is not lost: the next sleep ends at once. */
import type { Clock } from '../ports/clock.ts';

export class Wakeable {
  readonly #clock: Clock;
  #woken = false;
  #sleeping: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#woken = true;
    this.#sleeping?.abort();
  }

  async sleep(ms: number): Promise<void> {
    if (!this.#woken) {
      const sleeping = new AbortController();
      this.#sleeping = sleeping;
      try {
        await this.#clock.sleep(Math.max(0, ms), sleeping.signal);
      } catch (e) {
        if (!sleeping.signal.aborted) throw e;
      } finally {
        this.#sleeping = undefined;
      }
    }
    this.#woken = false;
  }
}
