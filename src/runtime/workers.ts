/** Warm worker processes. A crash, a leak or a hang costs one attempt, not the run. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { GranaryError, reviveError } from '../lib/errors.ts';
import { formatSeconds } from '../lib/units.ts';
import type { Progress } from '../stages/context.ts';
import type { FromWorker, Hello, Task, WorkerStage } from './worker.ts';

export interface WorkersOptions extends Hello {
  count: number;
  /** A task that takes longer is stopped with its process. */
  timeoutSeconds: number;
  onProgress?: (progress: Progress) => void;
}

interface Job {
  task: Task;
  resolve(output: unknown): void;
  reject(error: unknown): void;
  signal: AbortSignal | undefined;
}

export class Workers {
  private readonly options: WorkersOptions;
  private readonly queue: Job[] = [];
  private readonly idle: Worker[] = [];
  private readonly all = new Set<Worker>();
  private nextId = 1;
  /** Most resident memory that any worker has had, in bytes. */
  peakBytes = 0;

  constructor(options: WorkersOptions) {
    this.options = options;
  }

  /** Runs a stage in a worker. Errors: those of the stage; `worker.crashed`, `worker.timeout` (both transient). */
  run<Output>(stage: WorkerStage, input: unknown, signal?: AbortSignal): Promise<Output> {
    return new Promise<Output>((resolve, reject) => {
      this.queue.push({
        task: { id: this.nextId++, stage, input },
        resolve: resolve as (o: unknown) => void,
        reject,
        signal,
      });
      this.pump();
    });
  }

  /** Starts a process for work that is about to come. */
  warm(): void {
    if (this.all.size === 0) this.idle.push(this.start());
  }

  private pump(): void {
    while (this.queue.length > 0) {
      const worker = this.takeIdle() ?? (this.all.size < this.options.count ? this.start() : undefined);
      if (!worker) return;
      const job = this.queue.shift()!;
      worker
        .perform(job, this.options.timeoutSeconds)
        .then((peak) => {
          this.peakBytes = Math.max(this.peakBytes, peak);
          this.idle.push(worker);
        })
        .catch(() => this.all.delete(worker))
        .finally(() => this.pump());
    }
  }

  /** A worker may have died while it had nothing to do. */
  private takeIdle(): Worker | undefined {
    for (let worker = this.idle.pop(); worker; worker = this.idle.pop()) {
      if (worker.isAlive) return worker;
      this.all.delete(worker);
    }
    return undefined;
  }

  private start(): Worker {
    const worker = new Worker(this.options);
    this.all.add(worker);
    return worker;
  }

  async close(): Promise<void> {
    await Promise.all([...this.all].map((w) => w.stop()));
    this.all.clear();
  }
}

/** One process. */
class Worker {
  private readonly child: ChildProcess;
  private readonly ready: Promise<void>;
  private readonly onProgress: ((progress: Progress) => void) | undefined;

  constructor(options: WorkersOptions) {
    this.onProgress = options.onProgress;
    const main = fileURLToPath(
      new URL(import.meta.url.endsWith('.ts') ? './worker-main.ts' : './worker-main.js', import.meta.url),
    );
    this.child = fork(main, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
    });
    let complaint = '';
    this.child.stderr!.on('data', (d: Buffer) => {
      complaint = (complaint + d.toString('utf8')).slice(-4000);
    });
    this.ready = new Promise((resolve, reject) => {
      this.child.once('message', () => resolve());
      this.child.once('exit', (code, signal) => reject(crashed(code, signal, complaint)));
    });
    this.ready.catch(() => undefined);
    const hello: Hello = { dir: options.dir, environment: options.environment };
    this.child.send(hello, () => undefined);
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null && this.child.connected;
  }

  /** Settles the job. Resolves to the peak memory when the worker is fit for more; rejects when it is gone. */
  async perform(job: Job, timeoutSeconds: number): Promise<number> {
    try {
      await this.ready;
    } catch (e) {
      job.reject(e);
      throw e;
    }
    return new Promise<number>((resolve, reject) => {
      let peak = 0;
      const end = (settle: () => void, fit: boolean) => {
        clearTimeout(timer);
        this.child.off('message', onMessage);
        this.child.off('exit', onExit);
        job.signal?.removeEventListener('abort', onAbort);
        settle();
        if (fit) resolve(peak);
        else reject(new Error('worker gone'));
      };
      const gone = (error: GranaryError) => {
        this.child.kill('SIGKILL');
        end(() => job.reject(error), false);
      };
      const timer = setTimeout(
        () =>
          gone(
            new GranaryError(
              'worker.timeout',
              `${job.task.stage} took longer than ${formatSeconds(timeoutSeconds)} and was stopped.`,
              { transient: true, hint: 'Raise `workers.timeout` in granary.yaml if this file needs longer.' },
            ),
          ),
        timeoutSeconds * 1000,
      );
      const onExit = (code: number | null, signal: string | null) =>
        end(() => job.reject(crashed(code, signal, '')), false);
      const onAbort = () => gone(new GranaryError('cancelled', `${job.task.stage} was stopped.`));
      const onMessage = (message: FromWorker) => {
        if ('ready' in message || message.id !== job.task.id) return;
        if ('progress' in message) this.onProgress?.(message.progress);
        else if ('error' in message) end(() => job.reject(reviveError(message.error)), true);
        else {
          peak = message.peakBytes;
          end(() => job.resolve(message.output), true);
        }
      };
      this.child.on('message', onMessage);
      this.child.once('exit', onExit);
      job.signal?.addEventListener('abort', onAbort);
      if (job.signal?.aborted) onAbort();
      else this.child.send(job.task, () => undefined); // where it fails, `exit` tells
    });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.connected) this.child.disconnect();
    const kill = setTimeout(() => this.child.kill('SIGKILL'), 2000);
    await exited;
    clearTimeout(kill);
  }
}

function crashed(code: number | null, signal: string | null, complaint: string): GranaryError {
  const how = signal ? `was killed by ${signal}` : `ended with code ${code}`;
  const said = complaint.trim().split('\n').at(-1);
  return new GranaryError('worker.crashed', `A worker process ${how}${said ? `: ${said}` : ''}.`, {
    transient: true,
    hint: 'If it repeats for one file, the file needs more memory than the machine has left.',
  });
}
