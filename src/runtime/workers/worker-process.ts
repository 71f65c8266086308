/** One worker process: its start, one task at a time under limits, and its end. */
import { type ChildProcess, fork } from 'node:child_process';
import { StringDecoder } from 'node:string_decoder';
import { GranaryError, reviveError } from '../../lib/errors.ts';
import type { LogFields, LogLevel } from '../../lib/log.ts';
import { formatBytes, formatSeconds } from '../../lib/units.ts';
import type { Progress } from '../../stages/context.ts';
import type { ClassLimits, FromWorker, Hello, Task } from './protocol.ts';
import { residentOf } from './resident.ts';

export interface Listener {
  progress(progress: Progress): void;
  heartbeat(): void;
  log(level: LogLevel, message: string, fields: LogFields): void;
}

const MEMORY_EVERY_MS = 500;
/** How long after its end a process is listened to. */
const LAST_WORDS_MS = 500;
/** Longest that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** The heap has so much of what a process may have at most; the engine's memory and buffers are outside it. */
const HEAP_SHARE = 0.75;
const MEBI = 2 ** 20;

export class WorkerProcess {
  /** Tasks that it has ended. */
  tasks = 0;
  peakBytes = 0;
  readonly #child: ChildProcess;
  readonly #limits: ClassLimits;
  readonly #ready: Promise<void>;
  /** It has ended, and what it said last was heard. */
  readonly #gone: Promise<void>;
  #told = '';
  #resident = 0;

  /** `entry`: path of the module that serves tasks. */
  constructor(entry: string, hello: Hello, limits: ClassLimits) {
    this.#limits = limits;
    const heap = Math.max(64, Math.floor((limits.maxResidentBytes * HEAP_SHARE) / MEBI));
    this.#child = fork(entry, [], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [
        ...process.execArgv.filter((a) => !/^--(test|inspect|max-old)/.test(a)),
        `--max-old-space-size=${heap}`,
      ],
      env: { ...process.env, UV_THREADPOOL_SIZE: '8' },
    });
    const decoder = new StringDecoder('utf8');
    this.#child.stderr!.on('data', (d: Buffer) => {
      this.#told = (this.#told + decoder.write(d)).slice(-4000);
    });
    this.#gone = new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      this.#child.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
      // A channel that broke while something was sent may never close.
      this.#child.once('exit', () => {
        timer = setTimeout(resolve, LAST_WORDS_MS);
      });
    });
    this.#ready = new Promise((resolve, reject) => {
      this.#child.once('message', () => resolve());
      this.#child.once('error', (e) => reject(new GranaryError('worker.crashed', e.message, { transient: true })));
      void this.#gone.then(() => reject(this.#ended()));
    });
    this.#ready.catch(() => undefined);
    this.#child.send(hello, () => undefined);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.connected;
  }

  /** Resolves when it takes tasks. Errors: `worker.crashed`, `worker.out_of_memory`. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /** Share of the memory that it may have. */
  get fullness(): number {
    this.#measure();
    return this.#resident / this.#limits.maxResidentBytes;
  }

  /**
   * Runs a task; the process must be ready. Errors: those of the stage; `worker.crashed`, `worker.timeout`, `worker.out_of_memory`
   * (all transient) and `cancelled`, after which the process is gone.
   */
  perform(task: Task, listener: Listener, signal?: AbortSignal): Promise<unknown> {
    const { timeoutSeconds, maxResidentBytes } = this.#limits;
    return new Promise((resolve, reject) => {
      let ended = false;
      const end = (settle: () => void) => {
        if (ended) return;
        ended = true;
        clearTimeout(timer);
        clearInterval(memory);
        this.#child.off('message', onMessage);
        signal?.removeEventListener('abort', onAbort);
        this.tasks++;
        settle();
      };
      /** The process goes with its task, and the task ends when the process is gone: nothing of it works on. */
      const stop = (error: GranaryError) => {
        reason ??= error;
        this.#child.kill('SIGKILL');
      };
      let reason: GranaryError | undefined;
      const timer = setTimeout(
        () => stop(timedOut(task.stage, timeoutSeconds)),
        Math.min(MAX_TIMER_MS, timeoutSeconds * 1000),
      );
      const memory = setInterval(() => {
        this.#measure();
        if (this.#resident > maxResidentBytes) stop(outOfMemory(this.#resident, maxResidentBytes));
      }, MEMORY_EVERY_MS);
      const onClose = () => end(() => reject(reason ?? this.#ended()));
      const onAbort = () => stop(new GranaryError('cancelled', `${task.stage} was stopped.`));
      const onMessage = (message: FromWorker) => {
        if ('ready' in message || message.id !== task.id) return;
        if ('progress' in message) listener.progress(message.progress);
        else if ('log' in message) listener.log(message.log.level, message.log.message, message.log.fields);
        else if ('heartbeat' in message) {
          this.#resident = message.residentBytes;
          listener.heartbeat();
        } else if ('error' in message) end(() => reject(reviveError(message.error)));
        else {
          this.peakBytes = Math.max(this.peakBytes, message.peakBytes);
          end(() => resolve(message.output));
        }
      };
      this.#child.on('message', onMessage);
      void this.#gone.then(onClose);
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted) onAbort();
      else this.#child.send(task, () => undefined); // where it fails, `close` tells
    });
  }

  /** By a signal: whatever it does, it ends. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return;
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await exited;
  }

  #measure(): void {
    const resident = this.#child.pid === undefined ? undefined : residentOf(this.#child.pid);
    if (!resident) return; // then heartbeats tell
    this.#resident = resident.now;
    this.peakBytes = Math.max(this.peakBytes, resident.peak);
  }

  /** Why it has ended by itself. */
  #ended(): GranaryError {
    const { exitCode, signalCode } = this.#child;
    const said = this.#told.trim().split('\n');
    if (said.some((line) => /heap out of memory/.test(line)))
      return outOfMemory(undefined, this.#limits.maxResidentBytes);
    const how = signalCode ? `was killed by ${signalCode}` : `ended with code ${exitCode}`;
    const last = said.findLast((line) => line.trim() !== '' && !/^(Node\.js v|\s+at )/.test(line));
    return new GranaryError('worker.crashed', `A worker process ${how}${last ? `: ${last}` : ''}.`, {
      transient: true,
      hint: 'If it repeats for one file, the file needs more memory than the machine has left.',
    });
  }
}

function timedOut(stage: string, seconds: number): GranaryError {
  return new GranaryError('worker.timeout', `${stage} took longer than ${formatSeconds(seconds)} and was stopped.`, {
    transient: true,
    hint: 'Raise `workers.timeout`, or `workers.long.timeout`, in granary.yaml if this file needs longer.',
  });
}

function outOfMemory(resident: number | undefined, limit: number): GranaryError {
  const had = resident === undefined ? 'ran out of its heap' : `had ${formatBytes(resident)} of memory`;
  return new GranaryError('worker.out_of_memory', `A worker process ${had}; its limit is ${formatBytes(limit)}.`, {
    transient: true,
    hint: 'Raise `workers.max_resident` in granary.yaml, or `workers.long.max_resident` for large files, if the machine has more.',
  });
}
