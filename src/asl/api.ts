/** What the interpreter needs from its host, and what it tells. */
import type { Json, Machine } from './types.ts';

/** The time, so that tests can set it. Whole milliseconds since 1970, UTC. */
export interface EngineClock {
  now(): number;
  /** Rejects when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface TaskCall {
  /** As in the document: `arn:aws:states:::lambda:invoke`. */
  resource: string;
  /** `Parameters`, evaluated; the state's input where there are none. */
  parameters: Json;
  /**
   * The same for every attempt of one visit of a state, whatever is killed when: `run-1/Objects#0/3/Load#0`. A second visit (a loop, or the
   * retry of an enclosing Map) has another.
   */
  key: string;
  execution: string;
  pipeline: string;
  /** Where in the execution: '' for the root, `/Objects#0/3` for the fourth item of the first visit of `Objects`. */
  path: string;
  state: string;
  /** From 1; one that runs again because the engine ended meanwhile keeps its number. */
  attempt: number;
  /**
   * Limits are points in time set when the attempt first starts: over a restart of the engine TimeoutSeconds goes on, HeartbeatSeconds begins
   * anew with the second start. Aborts when the attempt has timed out, its execution was stopped, or the engine closes.
   */
  signal: AbortSignal;
  /** Durable: pushes the heartbeat deadline on. */
  heartbeat(): void;
}

export interface EngineHost {
  clock: EngineClock;
  /** Runs one attempt. Throws `StatesError` to name an error; any other error is named after its class. */
  runTask(call: TaskCall): Promise<Json>;
  /** Bytes of an ItemReader's object; parameters as `Parameters` of the reader, evaluated. */
  readItems?(resource: string, parameters: Json): Promise<AsyncIterable<Uint8Array>>;
  /** Stores results of a distributed Map. Returns nothing; `parameters` evaluated. */
  writeResults?(resource: string, parameters: Json, name: string, body: Uint8Array): Promise<void>;
  /** Random number from 0 to 1, for jitter. */
  random?(): number;
  /** Called after each committed transition, in order. Must not throw. */
  onEvent?(execution: string, event: HistoryEvent): void;
  /** The database refused (a full disk, say); what was to be stored is kept and tried again each second. */
  onTrouble?(error: Error): void;
}

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT';

export interface Execution {
  id: string;
  pipeline: string;
  /** Hash of the document it runs. */
  definition: string;
  status: ExecutionStatus;
  input: Json;
  output?: Json;
  error?: string;
  cause?: string;
  /** Milliseconds. */
  startedAt: number;
  endedAt?: number;
  redrives: number;
}

export interface HistoryEvent {
  /** From 1, without gaps. */
  seq: number;
  /** Milliseconds. */
  at: number;
  /** Names of Step Functions: `ExecutionStarted`, `TaskStateEntered`, `TaskStarted`, `TaskSucceeded`, `TaskFailed`, `TaskRetryScheduled`, `MapIterationStarted`… */
  type: string;
  path: string;
  state?: string;
  details?: Json;
}

export interface StartRequest {
  /** Unique; starting it again with equal input returns the one that is there. */
  id: string;
  pipeline: string;
  machine: Machine;
  input: Json;
}

export interface ListRequest {
  pipeline?: string;
  status?: ExecutionStatus;
  /** Newest first. Default 50. */
  limit?: number;
  /** Only those that began before that execution (its id). */
  before?: string;
}

/** The interpreter. One engine per database file: opening a second one throws `EngineBusy`. */
export interface Engine {
  start(request: StartRequest): Execution;
  get(id: string): Execution | undefined;
  definition(hash: string): Machine | undefined;
  list(request?: ListRequest): Execution[];
  history(id: string, options?: { after?: number; limit?: number }): HistoryEvent[];
  /** Names of the states that a running execution is in now, with since when (ms) and, while it waits to retry, until when. */
  current(
    id: string,
  ): { path: string; state: string; status: string; since: number; wakeAt?: number; attempt: number }[];
  /** Resolves when it has ended. */
  wait(id: string, signal?: AbortSignal): Promise<Execution>;
  /** Ends it as ABORTED. Attempts in flight are told by their signal and their results ignored. */
  stop(id: string, error?: string, cause?: string): void;
  /** Continues from the failed states; finished siblings are kept, retry counters start anew. Throws `NotRedrivable`. */
  redrive(id: string): Execution;
  /** No new steps of its executions begin; attempts in flight end. Durable. */
  pause(pipeline: string): void;
  resume(pipeline: string): void;
  paused(): string[];
  /** Counts for metrics. */
  stats(): { running: number; readyFrames: number; sleepingFrames: number; inFlight: number; events: number };
  /** Removes ended executions with their history that ended before `endedBefore` (ms). Returns how many. */
  prune(endedBefore: number): number;
  /** Starts no more attempts; waits up to `graceMs` for those in flight, then hands them back (they run again under the same key). */
  close(graceMs?: number): Promise<void>;
}

export interface EngineOptions extends EngineHost {
  /** SQLite file; made if not there. */
  file: string;
  /** Attempts in flight at once over all executions. */
  maxInFlight?: number;
}
