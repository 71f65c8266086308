/**
 * Watches what should happen and tells what does not: deliveries that are late, missing or unusual, schedules that have not fired, error
 * budgets that are used up. It stands beside the pipelines and relies on nothing but the state store and the clock: it looks again when
 * something has landed, at the next moment at which time alone changes anything, and in any case every minute, which also makes up for
 * clocks that are set. What happened while nobody watched is told after a start.
 */
import { asGranaryError, type GranaryError } from '../../lib/errors.ts';
import { type EventDoc, toEmit } from '../../model/events.ts';
import { EXPECTATIONS, type ExpectationRule, WATCHES } from '../../model/expectations.ts';
import type { Clock } from '../../ports/clock.ts';
import { putWrite, type StateStore } from '../../ports/state-store.ts';
import { errorBudgetRules, expectationRules } from '../../project/expectations.ts';
import { pipelinesOf } from '../../project/pipelines.ts';
import type { Project } from '../../project/project.ts';
import { removeWrite } from '../state-writes.ts';
import { Wakeable } from '../wakeable.ts';
import { type HistorySample, readHistory } from './deliveries.ts';
import { checkErrorBudget } from './error-budget.ts';
import { evaluate, withoutRev } from './evaluate.ts';
import { checkTriggers, type ScheduledPipeline, scheduledPipelines } from './triggers.ts';
import { metEvent } from './trouble.ts';

export interface WatchdogOptions {
  state: StateStore;
  clock: Clock;
  project: Project;
  /** Pipelines with times, and when each is due next; from the schedule's records if not given. `since`: when watching began. */
  scheduled?(since: number): Promise<ScheduledPipeline[]>;
  /** The longest time between two looks. */
  sweepMs?: number;
  /** After a start files are looked for first: nothing is told as late or missed before. */
  settleMs?: number;
  /** How long after its due time a pipeline that has not been started is told of. */
  triggerGraceMs?: number;
  /** Events are in the outbox. */
  onEvents?(): void;
  /** Something could not be looked at; it is tried again. */
  onError?(error: GranaryError, what: string): void;
}

/** Something to look at: a dataset's deliveries or budget, or all triggers. */
interface Watched {
  name: string;
  dataset: string | undefined;
  /** Returns when to look again: milliseconds. */
  look(now: number): Promise<{ next: number; events: number }>;
  next: number;
}

const CONFLICT_TRIES = 5;
/** Looks in a row at one dataset: each writes as much as a transaction takes. */
const ROUNDS = 500;
/** The past changes only by what is loaded late. */
const HISTORY_FOR_MS = 600_000;

export class Watchdog {
  readonly #options: WatchdogOptions;
  readonly #watched: Watched[];
  readonly #pause: Wakeable;
  readonly #histories = new Map<string, { date: string; at: number; samples: HistorySample[] }>();
  readonly #datasetsOfTable: Map<string, string[]>;
  #since: number;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #running: Promise<void> | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: WatchdogOptions) {
    const { project, state, clock } = options;
    this.#options = options;
    this.#pause = new Wakeable(clock);
    this.#since = clock.now();
    const datasets = [...project.sources.values()].flatMap((s) => [...s.datasets.values()]);
    const byTable = Map.groupBy(datasets, (d) => `${d.table.schema}.${d.table.name}`);
    this.#datasetsOfTable = new Map([...byTable].map(([table, ds]) => [table, ds.map((d) => d.key)]));
    const scheduled = options.scheduled ?? ((since) => scheduledPipelines(state, pipelinesOf(project), since));
    this.#watched = [
      ...expectationRules(project).map((rule) =>
        this.#watch(`expectations of ${rule.dataset}`, rule.dataset, (now) => this.#deliveries(rule, now)),
      ),
      ...errorBudgetRules(project).map((rule) =>
        this.#watch(`error budget of ${rule.dataset}`, rule.dataset, (now) => checkErrorBudget(state, rule, now)),
      ),
      this.#watch('schedules', undefined, async (now) => {
        const graceMs = options.triggerGraceMs ?? 600_000;
        return checkTriggers(state, await scheduled(this.#since), { now, since: this.#since, graceMs });
      }),
    ];
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#pause.wake();
    await this.#running;
    await this.#turn.catch(() => undefined);
  }

  /** For the dispatcher: what happened to a dataset is looked at without delay. Writes nothing itself. */
  async onEvent({ type, subject }: EventDoc): Promise<void> {
    if (/^(object|dead_letter)\./.test(type)) this.wake(subject);
    if (type === 'table.changed') for (const dataset of this.#datasetsOfTable.get(subject) ?? []) this.wake(dataset);
  }

  /** Something changed: look at this dataset now, or at everything. */
  wake(dataset?: string): void {
    let any = false;
    for (const watched of this.#watched) {
      if (dataset !== undefined && watched.dataset !== dataset) continue;
      watched.next = Number.NEGATIVE_INFINITY;
      any = true;
    }
    if (any) this.#pause.wake();
  }

  /** Looks at everything once. */
  async tick(): Promise<void> {
    this.wake();
    await this.#look();
  }

  #watch(name: string, dataset: string | undefined, look: Watched['look']): Watched {
    return { name, dataset, look, next: Number.NEGATIVE_INFINITY };
  }

  async #run(): Promise<void> {
    const { clock, sweepMs = 60_000 } = this.#options;
    this.#since = clock.now();
    await this.#retire().catch((e) => this.#options.onError?.(asGranaryError(e), 'expectations that are gone'));
    while (!this.#stopped) {
      await this.#look();
      if (this.#stopped) return;
      const soonest = Math.min(...this.#watched.map((w) => w.next));
      await this.#pause.sleep(Math.min(sweepMs, Math.max(0, soonest - clock.now())));
    }
  }

  /** One after the other, whoever asks. */
  #look(): Promise<void> {
    const turn = this.#turn.catch(() => undefined).then(() => this.#lookNow());
    this.#turn = turn;
    return turn;
  }

  async #lookNow(): Promise<void> {
    const { clock, sweepMs = 60_000, onError, onEvents } = this.#options;
    const now = clock.now();
    // Also when the clock was set back.
    const isSweep = now >= this.#sweptAt + sweepMs || now < this.#sweptAt;
    if (isSweep) this.#sweptAt = now;
    let events = 0;
    for (const watched of this.#watched) {
      if (!isSweep && watched.next > now) continue;
      // What is told of while it is being looked at is looked at again.
      watched.next = Number.POSITIVE_INFINITY;
      try {
        const seen = await persistently(() => watched.look(now));
        watched.next = Math.min(watched.next, seen.next);
        events += seen.events;
      } catch (e) {
        // The next sweep tries again.
        onError?.(asGranaryError(e), watched.name);
      }
    }
    if (events > 0) onEvents?.();
  }

  async #deliveries(rule: ExpectationRule, now: number): Promise<{ next: number; events: number }> {
    const { state, settleMs = 120_000 } = this.#options;
    const history = (date: string) => this.#history(rule, date, now);
    let events = 0;
    for (let round = 1; ; round++) {
      const seen = await evaluate({ state, rule, now, quietUntil: this.#since + settleMs, history });
      events += seen.events;
      if (seen.next > now || round >= ROUNDS) return { next: seen.next, events };
    }
  }

  async #history(rule: ExpectationRule, date: string, now: number): Promise<HistorySample[]> {
    const known = this.#histories.get(rule.dataset);
    if (known?.date === date && Math.abs(now - known.at) < HISTORY_FOR_MS) return known.samples;
    const samples = await readHistory(this.#options.state, rule, date);
    this.#histories.set(rule.dataset, { date, at: now, samples });
    return samples;
  }

  /** Datasets that nothing is expected of any more: what was open with them ends. */
  async #retire(): Promise<void> {
    const { state, clock, project } = this.#options;
    const known = new Set(expectationRules(project).map((rule) => rule.dataset));
    for await (const watch of state.query(WATCHES)) {
      if (known.has(watch.id)) continue;
      const open = state.query(EXPECTATIONS, { index: 'open', equals: [watch.id, 1] });
      for await (const doc of open) await state.transact([putWrite(EXPECTATIONS, { ...withoutRev(doc), open: 0 })]);
      const kind = watch.overdue.length > 0 ? 'overdue' : 'unusual';
      const slot = watch[kind].at(-1);
      const about = { dataset: watch.id, tenant: watch.id.split('/')[0]! };
      const at = new Date(clock.now()).toISOString();
      await state.transact([
        removeWrite(WATCHES, watch.id, { rev: watch.rev }),
        ...(slot ? [toEmit(metEvent(about, { kind, slot }, at, 'nothing is expected any more'))] : []),
      ]);
    }
  }
}

/** Somebody else, such as a person who forgives, may write at the same time. */
export async function persistently<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act();
    } catch (e) {
      if (asGranaryError(e).code !== 'state.conflict' || tries >= CONFLICT_TRIES) throw e;
    }
  }
}
