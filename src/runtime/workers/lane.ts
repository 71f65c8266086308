/** The processes of one class, and the tasks that wait for them. */
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { type Log, logWith } from '../../lib/log.ts';
import { formatBytes } from '../../lib/units.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Progress } from '../../stages/context.ts';
import type { ClassLimits, Hello, RunOptions, Task } from './protocol.ts';
import { WorkerProcess } from './worker-process.ts';

export interface LaneOptions {
  hello: Hello;
  limits: ClassLimits;
  entry: string;
  clock: Clock;
  /** The time for workers: milliseconds since 1970. */
  now(): number;
  log: Log;
  /** A process is replaced after so many tasks. */
  recycleAfter: number;
  onProgress: ((progress: Progress) => void) | undefined;
  /** A process has ended: what it left can go. */
  onGone: ((pid: number) => void) | undefined;
}

interface Job {
  task: Omit<Task, 'now'>;
  options: RunOptions;
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

const HEARTBEAT_EVERY_MS = 1000;
/** A process that still has so much of its memory when nothing is left to do is replaced. */
const RECYCLE_FULLNESS = 0.75;
/** Pauses before the next start, when processes die one after the other without ending a task in between. */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

export class Lane {
  peakBytes = 0;
  readonly #options: LaneOptions;
  readonly #queue: Job[] = [];
  readonly #idle: WorkerProcess[] = [];
  readonly #all = new Set<WorkerProcess>();
  readonly #closing = new AbortController();
  #crashes = 0;
  #pausing = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get stats(): { queued: number; busy: number; processes: number } {
    return { queued: this.#queue.length, busy: this.#all.size - this.#idle.length, processes: this.#all.size };
  }

  run(task: Omit<Task, 'now'>, options: RunOptions): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closing.signal.aborted) return reject(stopped(task));
      if (options.signal?.aborted) return reject(stopped(task));
      const heart = setInterval(() => options.onHeartbeat?.(), HEARTBEAT_EVERY_MS);
      // From the start of the task on, only the process says that it lives.
      const alive = () => {
        clearInterval(heart);
        options.onHeartbeat?.();
      };
      const leave = () => {
        const index = this.#queue.indexOf(job);
        if (index < 0) return;
        this.#queue.splice(index, 1);
        job.reject(stopped(task));
      };
      const settle = (act: () => void) => {
        clearInterval(heart);
        options.signal?.removeEventListener('abort', leave);
        act();
      };
      const job: Job = {
        task,
        options: { ...options, onHeartbeat: alive },
        resolve: (output) => settle(() => resolve(output)),
        reject: (error) => settle(() => reject(error)),
      };
      options.signal?.addEventListener('abort', leave);
      this.#queue.push(job);
      this.#pump();
    });
  }

  /** Starts a process for work that is about to come. */
  warm(): void {
    if (this.#all.size === 0 && !this.#pausing && !this.#closing.signal.aborted) this.#idle.push(this.#start());
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const job of this.#queue.splice(0)) job.reject(stopped(job.task));
    await Promise.all([...this.#all].map((w) => w.stop()));
  }

  #pump(): void {
    while (this.#queue.length > 0 && !this.#closing.signal.aborted) {
      const worker = this.#takeIdle() ?? (this.#mayStart ? this.#start() : undefined);
      if (!worker) return;
      void this.#work(worker, this.#queue.shift()!);
    }
  }

  get #mayStart(): boolean {
    return !this.#pausing && this.#all.size < this.#options.limits.count;
  }

  /** A worker may have died while it had nothing to do. */
  #takeIdle(): WorkerProcess | undefined {
    for (let worker = this.#idle.pop(); worker; worker = this.#idle.pop()) {
      if (worker.isAlive) return worker;
      this.#gone(worker);
    }
    return undefined;
  }

  #start(): WorkerProcess {
    const { entry, hello, limits } = this.#options;
    const worker = new WorkerProcess(entry, hello, limits);
    this.#all.add(worker);
    return worker;
  }

  async #work(worker: WorkerProcess, job: Job): Promise<void> {
    const { task, options } = job;
    let crashed = false;
    const log = logWith(this.#options.log, { step: task.stage, ...options.context });
    const onProgress = options.onProgress ?? this.#options.onProgress;
    let last: Progress | undefined;
    try {
      await worker.ready;
      options.onHeartbeat?.();
      const listener = {
        progress(progress: Progress) {
          last = progress;
          onProgress?.(progress);
        },
        heartbeat: () => options.onHeartbeat?.(),
        log: logWith(log, { pid: worker.pid }),
      };
      job.resolve(await worker.perform({ ...task, now: this.#options.now() }, listener, options.signal));
    } catch (e) {
      job.reject(this.#closing.signal.aborted ? stopped(task) : e);
      const error = asGranaryError(e);
      crashed = error.code === 'worker.crashed';
      if (!worker.isAlive) this.#tell(log, worker, error);
    } finally {
      // However it ended, this work is over.
      if (last && last.done !== last.total) onProgress?.({ ...last, total: last.done });
      this.peakBytes = Math.max(this.peakBytes, worker.peakBytes);
      if (worker.isAlive) this.#keep(worker);
      else this.#lost(worker, crashed);
      this.#pump();
    }
  }

  /** Fit for more, unless it is worn out: then another starts when it is needed. */
  #keep(worker: WorkerProcess): void {
    this.#crashes = 0;
    const { recycleAfter, limits, log } = this.#options;
    const { fullness } = worker;
    if (worker.tasks < recycleAfter && fullness < RECYCLE_FULLNESS) {
      this.#idle.push(worker);
      return;
    }
    const has = formatBytes(fullness * limits.maxResidentBytes);
    log('debug', `A worker process is replaced after ${worker.tasks} tasks; it has ${has}.`, { pid: worker.pid });
    void worker.stop().then(() => {
      this.#gone(worker);
      this.#pump();
    });
  }

  #lost(worker: WorkerProcess, crashed: boolean): void {
    this.#gone(worker);
    if (!crashed) return;
    const pause = pauseAfter(++this.#crashes);
    if (pause === 0 || this.#closing.signal.aborted) return;
    this.#pausing = true;
    void this.#options.clock
      .sleep(pause, this.#closing.signal)
      .catch(() => undefined)
      .then(() => {
        this.#pausing = false;
        this.#pump();
      });
  }

  #gone(worker: WorkerProcess): void {
    this.#all.delete(worker);
    if (worker.pid !== undefined) this.#options.onGone?.(worker.pid);
  }

  #tell(log: Log, worker: WorkerProcess, error: GranaryError): void {
    if (this.#closing.signal.aborted || error.code === 'cancelled') return;
    log('warn', error.message, { code: error.code, pid: worker.pid });
  }
}

/** The first process that dies is replaced at once. */
function pauseAfter(crashes: number): number {
  return crashes < 2 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (crashes - 2));
}

function stopped({ stage }: Pick<Task, 'stage'>): GranaryError {
  return new GranaryError('cancelled', `${stage} was stopped.`);
}
