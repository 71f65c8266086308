/** What the owner and its worker processes say to each other. In: `Hello` once, then `Task`s, one at a time. Out: `FromWorker`. */
import type { SerializedError } from '../../lib/errors.ts';
import type { LogFields, LogLevel } from '../../lib/log.ts';
import type { Progress } from '../../stages/context.ts';

export interface Hello {
  dir: string;
  environment: string | undefined;
  engine: EngineLimits;
  /** Lines below it are not sent. */
  logLevel: LogLevel;
}

export interface EngineLimits {
  /** Bytes. */
  memory: number;
  threads: number;
}

export interface Task {
  id: number;
  stage: string;
  input: unknown;
  /** What the owner's clock shows when it is given out, in milliseconds since 1970: from there on the worker's clock goes on. */
  now: number;
}

export type FromWorker =
  | { ready: true }
  | { id: number; progress: Progress }
  /** Every second while a task runs, as long as the worker's event loop turns. */
  | { id: number; heartbeat: true; residentBytes: number }
  | { id: number; log: { level: LogLevel; message: string; fields: LogFields } }
  | { id: number; output: unknown; peakBytes: number }
  | { id: number; error: SerializedError };

/** Limits of the processes of one class. */
export interface ClassLimits {
  /** Processes at once. */
  count: number;
  engine: EngineLimits;
  /** A task that takes longer is stopped with its process. */
  timeoutSeconds: number;
  /** A process that has more resident memory, in bytes, is stopped. */
  maxResidentBytes: number;
}

/** `short` for most objects; `long` for large ones, which may take hours and must not hold up the others. */
export type WorkerClass = 'short' | 'long';

/** What a task belongs to: its log lines carry it. */
export type TaskContext = Pick<LogFields, 'run' | 'step' | 'attempt' | 'source' | 'dataset' | 'object'>;

export interface RunOptions {
  class?: WorkerClass;
  /** Stops the task with its process. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** At least every second, from the moment a task waits for a process until it ends or its process hangs. */
  onHeartbeat?: () => void;
  context?: TaskContext;
}
