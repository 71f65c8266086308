/** Warm worker processes, in two classes. A crash, a leak or a hang costs one attempt, not the run. */
import { fileURLToPath } from 'node:url';
import type { Log } from '../../lib/log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Progress } from '../../stages/context.ts';
import { Lane } from './lane.ts';
import type { ClassLimits, Hello, RunOptions, WorkerClass } from './protocol.ts';

export interface WorkerPoolOptions extends Omit<Hello, 'engine'> {
  classes: Record<WorkerClass, ClassLimits>;
  /** Of pauses after crashes. */
  clock: Clock;
  /** The time that stages in workers see, in milliseconds since 1970; that of `clock` if not given. */
  now?: () => number;
  log?: Log;
  /** Of tasks whose caller does not ask for it. */
  onProgress?: (progress: Progress) => void;
  /** A process has ended: what it left can go. */
  onGone?: (pid: number) => void;
  /** Path of another module that serves tasks. */
  entry?: string;
  recycleAfter?: number;
}

const RECYCLE_AFTER = 1000;

export class WorkerPool {
  readonly #lanes: Record<WorkerClass, Lane>;
  #nextId = 1;

  /** Starts no process before there is a task, or `warm` is called. */
  constructor(options: WorkerPoolOptions) {
    const { dir, environment, logLevel, classes, clock } = options;
    const { log = () => undefined, now = () => clock.now(), recycleAfter = RECYCLE_AFTER, entry = ENTRY } = options;
    const lane = (limits: ClassLimits) =>
      new Lane({
        hello: { dir, environment, logLevel, engine: limits.engine },
        limits,
        entry,
        clock,
        now,
        log,
        recycleAfter,
        onProgress: options.onProgress,
        onGone: options.onGone,
      });
    this.#lanes = { short: lane(classes.short), long: lane(classes.long) };
  }

  /**
   * Runs a stage in a worker. Errors: those of the stage; `worker.crashed`, `worker.timeout`, `worker.out_of_memory` (all transient);
   * `cancelled`. After any error but a stage's own the process is gone, and with it what was half done.
   */
  async run<Output>(stage: string, input: unknown, options: RunOptions = {}): Promise<Output> {
    const lane = this.#lanes[options.class ?? 'short'];
    return (await lane.run({ id: this.#nextId++, stage, input }, options)) as Output;
  }

  /** Starts a process of the short class for work that is about to come. */
  warm(): void {
    this.#lanes.short.warm();
  }

  /** Most resident memory that any worker has had, in bytes. */
  get peakBytes(): number {
    return Math.max(this.#lanes.short.peakBytes, this.#lanes.long.peakBytes);
  }

  /** For metrics. */
  get stats(): Record<WorkerClass, { queued: number; busy: number; processes: number }> {
    return { short: this.#lanes.short.stats, long: this.#lanes.long.stats };
  }

  /** Stops all processes; tasks that wait or run end as `cancelled`. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#lanes).map((lane) => lane.close()));
  }
}

const ENTRY = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './worker-main.ts' : './worker-main.js', import.meta.url),
);
