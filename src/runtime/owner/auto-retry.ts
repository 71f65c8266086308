/**
 * Tries again by itself what gave up for a passing reason: a server that was down, a full disk. When the wait of a dead letter is over, the pipeline of
 * its source is started; what failed for good waits for a person.
 */
import { asGranaryError, type GranaryError } from '../../lib/errors.ts';
import { DEAD_LETTERS, isHeld } from '../../model/dead-letters.ts';
import type { Clock } from '../../ports/clock.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Pipeline } from '../../project/pipelines.ts';
import { runIdOfArrival } from '../schedule/run-ids.ts';
import type { Scheduler } from '../schedule/scheduler.ts';

export interface AutoRetryOptions {
  state: StateStore;
  clock: Clock;
  scheduler: Pick<Scheduler, 'fire'>;
  pipelines: readonly Pipeline[];
  onProblem(what: string, error: GranaryError): void;
}

const EVERY_MS = 15_000;

export class AutoRetry {
  readonly #options: AutoRetryOptions;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(options: AutoRetryOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, onProblem } = this.#options;
    while (!this.#stop.signal.aborted) {
      await this.look().catch((e) => onProblem('retries', asGranaryError(e)));
      await clock.sleep(EVERY_MS, this.#stop.signal).catch(() => undefined);
    }
  }

  /** One look: starts the pipelines of the sources whose dead letters are due. */
  async look(): Promise<void> {
    const { state, clock, scheduler, pipelines } = this.#options;
    const sources = new Map<string, boolean>();
    for await (const letter of state.query(DEAD_LETTERS, { index: 'status', equals: ['open'] })) {
      // A whole run that failed is continued by a person.
      if (letter.source === '' || isHeld(letter, { run: '' }, clock.now())) continue;
      sources.set(letter.source, sources.get(letter.source) === true || letter.kind !== 'object');
    }
    for (const [source, collects] of sources) {
      const pipeline = pipelines.find((p) => p.kind === 'source' && p.source === source);
      if (!pipeline) continue;
      await scheduler.fire({
        id: runIdOfArrival(pipeline.name, clock.now(), -1),
        pipeline: pipeline.name,
        trigger: 'retry',
        reason: 'what gave up for a passing reason is tried again',
        input: { trigger: 'retry', ...(!collects && { skipCollect: true }) },
        coalesce: true,
      });
    }
  }
}
