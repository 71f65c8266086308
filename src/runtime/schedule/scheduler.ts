/**
 * Fires pipelines at their times. It sleeps until the next time that is due and looks at nothing in between. How far each schedule has
 * come is durable: times that passed while nothing ran are made up for or left out as `missed` says, and each is accounted for.
 */
import { asGranaryError } from '../../lib/errors.ts';
import { plural } from '../../lib/units.ts';
import { firesBetween, nextFire, previousFire } from '../../model/schedule.ts';
import { SCHEDULES, type ScheduleDoc } from '../../model/schedules.ts';
import type { Pipeline } from '../../project/pipelines.ts';
import { Wakeable } from '../wakeable.ts';
import { runIdOfTime } from './run-ids.ts';
import { emptySchedule, type FireRequest, type FireResult, Starter, type StartOptions } from './starter.ts';

/** A time counts as missed when it is later than this. */
const PUNCTUAL_MS = 60_000;
/** The longest sleep: so a clock that was set is noticed, and a queue that nobody has moved on. */
const LONGEST_SLEEP_MS = 60_000;
const RETRY_MS = 5_000;
/** Times that `missed: all` makes up for, oldest first. */
const MOST_MISSED = 1000;

export class Scheduler {
  readonly #options: StartOptions;
  readonly #starter: Starter;
  /** Next times in milliseconds, of the pipelines that have one. */
  readonly #next = new Map<string, number>();
  readonly #pipelines: Map<string, Pipeline>;
  readonly #pause: Wakeable;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(options: StartOptions) {
    this.#options = options;
    this.#starter = new Starter(options);
    this.#pipelines = new Map(options.pipelines.map((p) => [p.name, p]));
    this.#pause = new Wakeable(options.clock);
  }

  /** Recovers what a crash has left, then keeps time until `stop`. Resolves when it keeps time. Errors: those of the state store. */
  async start(): Promise<void> {
    if (this.#running) return;
    await this.#load();
    await this.#starter.recover();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.wake();
    await this.#running;
  }

  /** For arrivals, events and people: starts, queues or skips it by the pipeline's policy. */
  fire(request: FireRequest): Promise<FireResult> {
    return this.#starter.fire(request);
  }

  /** To be called when a run of a pipeline has ended or the pipeline is resumed: what waits behind it starts. */
  async ended(pipeline: string): Promise<void> {
    await this.#starter.ended(pipeline);
  }

  /** Fires that wait behind a run. */
  queued(pipeline: string): number {
    return this.#starter.queued(pipeline);
  }

  /** The next time of a pipeline, in milliseconds. */
  nextDue(pipeline: string): number | undefined {
    return this.#next.get(pipeline);
  }

  async #load(): Promise<void> {
    const { state, clock } = this.#options;
    const gone: string[] = [];
    for await (const { id } of state.query(SCHEDULES)) if (!this.#pipelines.has(id)) gone.push(id);
    for (const id of gone) await state.remove(SCHEDULES, id);
    for (const { name, schedule } of this.#pipelines.values()) {
      const definition = JSON.stringify(schedule);
      const known = await state.get(SCHEDULES, name);
      if (known?.definition === definition) {
        if (known.nextDue !== null) this.#next.set(name, Date.parse(known.nextDue));
        continue;
      }
      const next = nextFire(schedule, clock.now());
      if (next !== undefined) this.#next.set(name, next);
      else if (!known) continue;
      const { rev: _, ...before } = known ?? { rev: 0, ...emptySchedule(name) };
      const doc: ScheduleDoc = { ...before, definition, nextDue: isoOf(next) };
      await state.put(SCHEDULES, doc);
    }
  }

  async #run(): Promise<void> {
    const { clock, onError } = this.#options;
    while (!this.#stopped) {
      let failed = false;
      const attempt = (work: Promise<unknown>, pipeline: string) =>
        work.catch((e) => {
          failed = true;
          onError?.(asGranaryError(e), pipeline);
        });
      await attempt(this.#starter.retry(), '');
      const now = clock.now();
      const due = [...this.#next].filter(([, at]) => at <= now).sort((a, b) => a[1] - b[1]);
      await Promise.all(due.map(([name]) => attempt(this.#due(this.#pipelines.get(name)!, now), name)));
      const soonest = Math.min(...this.#next.values()) - clock.now();
      const again = failed || this.#starter.unsure > 0;
      await this.#pause.sleep(again ? RETRY_MS : Math.min(soonest, LONGEST_SLEEP_MS));
    }
  }

  /** Deals with every time of a pipeline up to now. Interrupted, it goes on with the first that is not recorded. */
  async #due(pipeline: Pipeline, now: number): Promise<void> {
    const { name, schedule } = pipeline;
    const times = firesBetween(schedule, this.#next.get(name)! - 1, now, MOST_MISSED);
    const isMissed = (time: number) => now - time > PUNCTUAL_MS;
    // The schedule has another next time than the one in the store: its zone's rules have changed.
    if (times.length === 0) return this.#saveNext(name, nextFire(schedule, now));
    if (schedule.missed === 'all') {
      for (const time of times) await this.#fireAt(pipeline, time, isMissed(time));
      return;
    }
    const latest = times.length < MOST_MISSED ? times.at(-1)! : previousFire(schedule, now)!;
    const punctual = [...new Set([...times, latest])].filter((time) => !isMissed(time));
    const make = schedule.missed === 'latest' && punctual.length === 0 ? [latest] : punctual;
    const left = times.filter((time) => !make.includes(time));
    if (left.length > 0) await this.#leftOut(pipeline, left, make[0] ?? nextFire(schedule, now));
    for (const time of make) await this.#fireAt(pipeline, time, isMissed(time));
  }

  async #fireAt(pipeline: Pipeline, due: number, missed: boolean): Promise<void> {
    const { name, schedule } = pipeline;
    const next = nextFire(schedule, due);
    await this.#starter.fire({
      id: runIdOfTime(name, due),
      pipeline: name,
      trigger: 'schedule',
      due,
      reason: `It was due at ${isoOf(due)}${missed ? ', when nothing ran' : ''}.`,
      queue: missed,
      input: inputOf(pipeline, 'schedule', { due: isoOf(due) }),
      schedule: { nextDue: isoOf(next) },
    });
    this.#setNext(name, next);
  }

  /** Records times that are not made up for. `next`: the one after them that is dealt with. */
  async #leftOut(pipeline: Pipeline, times: number[], next: number | undefined): Promise<void> {
    const { name, schedule } = pipeline;
    const due = times.at(-1)!;
    const count = times.length === MOST_MISSED ? `${MOST_MISSED} times or more` : plural(times.length, 'time');
    const request: FireRequest = {
      id: `${runIdOfTime(name, due)}-missed`,
      pipeline: name,
      trigger: 'schedule',
      due,
      reason: '',
      input: {},
      schedule: { nextDue: isoOf(next) },
    };
    await this.#starter.skip(
      request,
      `${count} since ${isoOf(times[0]!)} passed while nothing ran (missed: ${schedule.missed}).`,
    );
    this.#setNext(name, next);
  }

  #setNext(name: string, next: number | undefined): void {
    if (next === undefined) this.#next.delete(name);
    else this.#next.set(name, next);
  }

  async #saveNext(name: string, next: number | undefined): Promise<void> {
    this.#setNext(name, next);
    const known = await this.#options.state.get(SCHEDULES, name);
    if (!known) return;
    const { rev: _, ...doc } = known;
    await this.#options.state.put(SCHEDULES, { ...doc, nextDue: isoOf(next) });
  }
}

/** A run's input as its machine takes it. */
export function inputOf(pipeline: Pipeline, trigger: string, more: Record<string, unknown>): Record<string, unknown> {
  return { trigger, ...more, ...(pipeline.datasets && { datasets: pipeline.datasets }) };
}

function isoOf(instant: number): string;
function isoOf(instant: number | undefined): string | null;
function isoOf(instant: number | undefined): string | null {
  return instant === undefined ? null : new Date(instant).toISOString();
}
