/**
 * What runs have told, for those who follow them: kept in memory for runs that go on and for some time after, so that who comes a moment
 * late, or comes again after a broken connection, misses nothing. What is durable of a run is its record and its history.
 */
import type { RunDoc } from '../model/runs.ts';
import type { FollowedEvent } from './operations.ts';
import type { RunEvent } from './pipelines/run-events.ts';

/** Of one run: the oldest are dropped beyond it. */
const KEPT_EVENTS = 20_000;
const KEPT_ENDED_RUNS = 50;

interface Told {
  events: FollowedEvent[];
  last: number;
  ended: boolean;
  /** Those who wait for the next event. */
  wake: Set<() => void>;
}

export class RunEventLog {
  /** In the order in which they began to tell. */
  readonly #runs = new Map<string, Told>();

  add(run: string, event: RunEvent): void {
    this.#push(run, event);
  }

  /** The run is over; redriven it begins to tell again. */
  end(doc: RunDoc): void {
    const told = this.#push(doc.id, { type: 'ended', run: doc });
    told.ended = true;
    const over = [...this.#runs].filter(([, t]) => t.ended && t.wake.size === 0);
    for (const [id] of over.slice(0, Math.max(0, over.length - KEPT_ENDED_RUNS))) this.#runs.delete(id);
  }

  /**
   * Events of a run after `after`, then those to come; ends when it is over and everything was told, or when `signal` aborts. A run that was
   * redriven has told of more than one end. `over` gives the record of a run that
   * ended before this process knew of it, undefined when it goes on.
   */
  async *follow(
    run: string,
    { after = 0, signal, over }: { after?: number; signal: AbortSignal; over(): Promise<RunDoc | undefined> },
  ): AsyncGenerator<FollowedEvent> {
    const doc = this.#runs.has(run) ? undefined : await over();
    if (doc && !this.#runs.has(run)) {
      yield { seq: after + 1, event: { type: 'ended', run: doc } };
      return;
    }
    const told = this.#of(run);
    // What was seen of it by another process of this log does not count.
    let seen = after > told.last ? 0 : after;
    while (!signal.aborted) {
      const first = told.events[0]?.seq ?? 0;
      const next = told.events[Math.max(0, seen + 1 - first)];
      if (next) {
        yield next;
        seen = next.seq;
      } else if (told.ended) return;
      else await waiting(told, signal);
    }
  }

  #push(run: string, event: FollowedEvent['event']): Told {
    const told = this.#of(run);
    told.ended = false;
    told.last++;
    told.events.push({ seq: told.last, event });
    // In pieces, so that dropping costs little.
    if (told.events.length > KEPT_EVENTS * 1.1) told.events.splice(0, told.events.length - KEPT_EVENTS);
    for (const wake of told.wake) wake();
    return told;
  }

  #of(run: string): Told {
    const told = this.#runs.get(run) ?? { events: [], last: 0, ended: false, wake: new Set() };
    this.#runs.set(run, told);
    return told;
  }
}

async function waiting(told: Told, signal: AbortSignal): Promise<void> {
  await new Promise<void>((done) => {
    const wake = () => {
      told.wake.delete(wake);
      signal.removeEventListener('abort', wake);
      done();
    };
    told.wake.add(wake);
    signal.addEventListener('abort', wake);
    if (signal.aborted) wake();
  });
}
