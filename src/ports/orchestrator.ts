/**
 * Orchestrator: runs state machines durably. The embedded interpreter, or AWS Step Functions, with the same documents.
 * A run that was started goes on until it ends, whatever is killed when; a finished step is never repeated.
 */
import type { Execution, HistoryEvent, ListRequest, StartRequest } from '../asl/api.ts';
import type { Machine } from '../asl/types.ts';

export type { Execution, ExecutionStatus, HistoryEvent, StartRequest } from '../asl/api.ts';

/** Where a running execution is now. Times in milliseconds since 1970. */
export interface CurrentStep {
  path: string;
  state: string;
  status: string;
  since: number;
  /** While it waits: until when. */
  wakeAt?: number;
  attempt: number;
}

export interface Orchestrator {
  /** Starting an id again with equal input returns the execution that is there. Errors: `run.conflict` for another input. */
  start(request: StartRequest): Promise<Execution>;
  get(id: string): Promise<Execution | undefined>;
  definition(execution: string): Promise<Machine | undefined>;
  list(request?: ListRequest): Promise<Execution[]>;
  history(id: string, options?: { after?: number; limit?: number }): Promise<HistoryEvent[]>;
  current(id: string): Promise<CurrentStep[]>;
  /** Resolves when it has ended. Errors: `cancelled` when `signal` aborts; the execution goes on. */
  wait(id: string, signal?: AbortSignal): Promise<Execution>;
  cancel(id: string, cause: string): Promise<void>;
  /** Errors: `run.not_redrivable`. */
  redrive(id: string): Promise<Execution>;
  pause(pipeline: string): Promise<void>;
  resume(pipeline: string): Promise<void>;
  paused(): Promise<string[]>;
  stats(): Promise<{ running: number; readyFrames: number; sleepingFrames: number; inFlight: number; events: number }>;
  /** Forgets ended executions, with their history and outputs, that ended before `endedBefore` (ms). Returns how many. */
  prune(endedBefore: number): Promise<number>;
  /** Waits up to `graceMs` for attempts in flight; what has not ended is handed back. */
  close(graceMs?: number): Promise<void>;
}
