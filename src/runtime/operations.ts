/**
 * What an owner of a data directory can be asked and told while it runs: the HTTP API, the command line and the console stand on it.
 * Everything that is returned is JSON. Times are ISO 8601 in UTC where they are text. `by` is who asks, for records: a token's name, or
 * `owner` for the command line of the machine.
 */
import type { MetricFamily } from '../lib/openmetrics.ts';
import type { BooksDoc } from '../model/books.ts';
import type { DeadLetterDoc } from '../model/dead-letters.ts';
import type { ObjectDoc } from '../model/objects.ts';
import type { RunDoc } from '../model/runs.ts';
import type { CurrentStep, Execution, HistoryEvent } from '../ports/orchestrator.ts';
import type { QueryOptions, QueryResult } from '../ports/warehouse.ts';
import type { BooksFilter } from './books.ts';
import type { DeadLetterFilter } from './dead-letters.ts';
import type { Holder } from './lock.ts';
import type { RunEvent } from './pipelines/run-events.ts';
import type { ReplaySelection } from './replay.ts';
import type { Traced } from './trace.ts';

export interface Operations {
  readiness(): Promise<Readiness>;
  status(): Promise<Status>;
  metrics(): Promise<MetricFamily[]>;

  pipelines(): Promise<PipelineStatus[]>;
  /** Errors: `run.not_found` for an unknown pipeline. Both are idempotent. */
  pausePipeline(pipeline: string, by: string): Promise<PipelineStatus>;
  resumePipeline(pipeline: string, by: string): Promise<PipelineStatus>;

  /** Errors: `run.not_found` (pipeline), `stage.bad_input` (sources), `run.conflict`. */
  startRun(request: StartRun, by: string): Promise<{ run: string }>;
  /** Newest first. */
  runs(filter: RunFilter): Promise<RunDoc[]>;
  /** Errors of all that take a run: `run.not_found`. */
  run(id: string): Promise<RunDetail>;
  history(id: string, options: { after?: number; limit?: number }): Promise<HistoryEvent[]>;
  /** What the run has told and tells, after `after`, until it has `ended`. Stops when `signal` aborts. `RunEventLog` does it. */
  followRun(id: string, options: { after?: number; signal: AbortSignal }): AsyncIterable<FollowedEvent>;
  /** Returns when it has ended. A run that is over stays as it is. */
  cancelRun(id: string, by: string): Promise<RunDoc>;
  /** Errors: `run.not_redrivable`. */
  redriveRun(id: string, by: string): Promise<{ run: string }>;

  deadLetters(filter: DeadLetterFilter): Promise<DeadLetterDoc[]>;
  /** Starts the runs that take them; none when nothing was chosen. */
  replayDeadLetters(selection: DeadLetterFilter, by: string): Promise<{ letters: DeadLetterDoc[]; runs: string[] }>;
  discardDeadLetters(selection: DeadLetterFilter, reason: string, by: string): Promise<DeadLetterDoc[]>;

  /** The board of a day `yyyy-mm-dd`, today if not given. */
  expectations(date?: string): Promise<ExpectationRow[]>;
  /** Errors: `stage.bad_input` when nothing is expected then. */
  forgive(request: { dataset: string; date: string; reason: string }, by: string): Promise<ExpectationRow>;

  /** Marks objects and starts a run that takes them; `run` is null when nothing was chosen. Errors: `stage.bad_input`. */
  replay(selection: ReplaySelection, by: string): Promise<{ objects: ObjectDoc[]; run: string | null }>;
  /** Lets objects in quarantine pass. Errors: `stage.bad_input`. */
  release(objects: readonly string[], by: string): Promise<{ objects: ObjectDoc[]; run: string | null }>;
  planBackfill(request: BackfillRequest): Promise<BackfillPlan>;
  startBackfill(request: BackfillRequest, by: string): Promise<{ plan: BackfillPlan; runs: string[] }>;

  /** Errors: `query.failed`, `query.incomplete`, `cancelled`. */
  query(sql: string, options: QueryOptions): Promise<QueryResult>;
  books(filter: BooksFilter): Promise<BooksDoc[]>;
  trace(table: string, words: readonly string[]): Promise<Traced[]>;
  /** Lines of the log that match, oldest first; with `follow` also those to come, until `signal` aborts. */
  logs(filter: LogFilter, signal: AbortSignal): AsyncIterable<LogLine>;
}

export interface Readiness {
  ready: boolean;
  /** What it still waits for, or what is broken; empty when ready. */
  reasons: string[];
}

export interface Status {
  project: string;
  environment: string | null;
  version: string;
  at: string;
  /** The process that owns the data directory; null when nothing runs. */
  owner: Holder | null;
  readiness: Readiness;
  running: RunningRun[];
  pipelines: PipelineStatus[];
  deadLetters: { open: number; replaying: number; newest: DeadLetterDoc[] };
  /** What is late, missed or unusual today. */
  late: ExpectationRow[];
  /** Feeds that are always open and further behind than they may be. */
  behind: { source: string; feed: string; since: string; problem: string }[];
  quarantined: number;
  disk: { free: number; total: number };
}

export interface RunningRun {
  run: string;
  pipeline: string;
  trigger: string;
  startedAt: string;
  /** Empty when nobody can say: no owner runs. */
  steps: CurrentStep[];
}

export interface PipelineStatus {
  name: string;
  sources: string[];
  /** As people read it: `every 15 min`, `0 5 * * * Europe/Berlin`, `arrival`, `manual`. */
  schedule: string;
  paused: boolean;
  /** When it fires next; null when that depends on arrivals, events or people, or when no owner runs. */
  next: string | null;
  /** Ids of runs that go on. */
  running: string[];
  /** Firings that wait for a run to end. */
  queued: number;
  last: LastRun | null;
  lastSuccess: string | null;
}

export interface LastRun {
  run: string;
  status: RunDoc['status'];
  startedAt: string;
  endedAt: string | null;
  landed: number;
  loaded: number;
  rejected: number;
  quarantined: number;
  error: string | null;
}

export interface StartRun {
  /** As typed, for the record. */
  command: string;
  /** Default: `daily`. */
  pipeline?: string;
  /** All of the pipeline if not given. */
  sources?: string[];
  /** Look for no new files. */
  skipCollect?: boolean;
  /** Only files whose names have these parts. */
  parameters?: Record<string, string>;
}

export interface RunFilter {
  pipeline?: string;
  status?: RunDoc['status'];
  /** Default: 20. */
  limit?: number;
}

export interface RunDetail {
  run: RunDoc;
  /** Null when the orchestrator has forgotten it. */
  execution: Execution | null;
  /** Empty when it is over. */
  steps: CurrentStep[];
}

export interface FollowedEvent {
  /** From 1, without gaps unless the oldest were dropped. */
  seq: number;
  event: RunEvent | { type: 'ended'; run: RunDoc };
}

export interface ExpectationRow {
  /** `tenant/source/dataset`. */
  dataset: string;
  /** Business day, `yyyy-mm-dd`. */
  date: string;
  state: 'due' | 'arrived' | 'late' | 'missed' | 'forgiven';
  due: string;
  /** When the last of it arrived. */
  arrivedAt: string | null;
  objects: number;
  bytes: number;
  rows: number | null;
  /** What is wrong with it, for people; null when nothing is. */
  note: string | null;
}

export interface BackfillRequest {
  /** `source.dataset`, or `source` for all of it. */
  dataset: string;
  /** Business days, both included. */
  from: string;
  to: string;
  /** Also what is loaded already, not only the gaps. */
  again?: boolean;
  command?: string;
}

export interface BackfillPlan {
  items: {
    dataset: string;
    date: string;
    /** Path at the source or id of the object that will be taken; null where there is nothing to take. */
    ref: string | null;
    action: 'collect' | 'replay' | 'nothing';
    reason: string;
  }[];
}

export interface LogFilter {
  run?: string;
  pipeline?: string;
  level?: 'debug' | 'info' | 'warn' | 'error';
  /** ISO 8601. */
  since?: string;
  /** The last so many of those that are there. */
  tail?: number;
  follow?: boolean;
}

export interface LogEntry {
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  run?: string;
  pipeline?: string;
  step?: string;
  /** Further facts, never a secret. */
  [fact: string]: unknown;
}

export interface LogLine extends LogEntry {
  at: string;
}
