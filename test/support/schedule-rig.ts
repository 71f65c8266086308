/** Pipelines by hand, and runs that take simulated time, to watch what a scheduler starts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openStateStore } from '../../src/adapters/state-store/sqlite.ts';
import type { Schedule, Trigger } from '../../src/model/schedule.ts';
import { FIRES, type FireDoc } from '../../src/model/schedules.ts';
import type { StateStore } from '../../src/ports/state-store.ts';
import type { Pipeline } from '../../src/project/pipelines.ts';
import type { StartOptions } from '../../src/runtime/schedule/starter.ts';
import type { SimulatedClock } from './simulated-clock.ts';

export function pipelineOf(
  name: string,
  trigger: Trigger,
  { schedule, ...more }: Partial<Omit<Pipeline, 'schedule'>> & { schedule?: Partial<Schedule> } = {},
): Pipeline {
  return {
    name,
    kind: 'source',
    source: name,
    sources: [name],
    on: [],
    overlap: 'skip',
    concurrency: 1,
    tenant: 'main',
    ...more,
    schedule: {
      trigger,
      timeZone: 'Europe/Berlin',
      calendar: undefined,
      days: 'all',
      missed: 'latest',
      enabled: true,
      ...schedule,
    },
  };
}
export const cron = (text: string): Trigger => ({ kind: 'cron', cron: text });
export const every = (seconds: number): Trigger => ({ kind: 'every', seconds });

/** A folder with a state store that can be opened again, as after a crash. */
export async function stateFolder(t: TestContext): Promise<() => Promise<StateStore>> {
  const dir = await mkdtemp(join(tmpdir(), 'granary-schedule-'));
  const opened: StateStore[] = [];
  t.after(async () => {
    for (const state of opened) await state.close();
    await rm(dir, { recursive: true });
  });
  return async () => {
    opened.push(await openStateStore(join(dir, 'state.db')));
    return opened.at(-1)!;
  };
}

/** Runs as an orchestrator keeps them: an id runs once, and for so long. Outlives the scheduler. */
export class Runs {
  readonly clock: SimulatedClock;
  /** In the order of their starts. */
  readonly started: { id: string; pipeline: string; at: string; dueAt: string | null; input: unknown }[] = [];
  readonly stopped: string[] = [];
  readonly paused = new Set<string>();
  /** How long runs take, in milliseconds. */
  takes = 0;
  /** Called when a run has ended. */
  onEnd: (pipeline: string) => void = () => undefined;
  readonly #until = new Map<string, number>();

  constructor(clock: SimulatedClock) {
    this.clock = clock;
  }

  /** What a scheduler is given. */
  callbacks(): Omit<StartOptions, 'state' | 'pipelines'> {
    return {
      clock: this.clock,
      start: async ({ name }, { id, dueAt, input }) => {
        if (this.started.some((run) => run.id === id)) return id;
        this.started.push({ id, pipeline: name, at: new Date(this.clock.now()).toISOString(), dueAt, input });
        this.#until.set(name, this.clock.now() + this.takes);
        if (this.takes > 0) void this.clock.sleep(this.takes).then(() => this.onEnd(name));
        return id;
      },
      isRunning: async (name) => (this.#until.get(name) ?? 0) > this.clock.now(),
      stopRunning: async (name) => {
        this.stopped.push(name);
        this.#until.delete(name);
      },
      isPaused: async (name) => this.paused.has(name),
    };
  }

  times(): string[] {
    return this.started.map((run) => run.at.replace(':00.000', ''));
  }
}

export async function firesOf(state: StateStore, pipeline: string): Promise<FireDoc[]> {
  const fires: FireDoc[] = [];
  for await (const fire of state.query(FIRES, { index: 'pipeline', equals: [pipeline] })) fires.push(fire);
  return fires;
}
