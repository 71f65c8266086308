/** Documents of the state store about what starts pipelines: where each schedule stands, each time one fired, how each source is doing. */
import type { Collection } from '../ports/state-store.ts';

/** What made a pipeline due; `manual`: a person, by command line or API. */
export type FireTrigger = 'schedule' | 'arrival' | 'event' | 'manual' | 'backfill' | 'retry';

/** A moment at which something fired or was skipped. Times ISO 8601, UTC. */
export interface FireMark {
  at: string;
  /** When it was due; null for what has no due time. */
  dueAt: string | null;
  trigger: FireTrigger;
  reason: string;
  run: string | null;
}

/** Id: the pipeline. */
export interface ScheduleDoc {
  id: string;
  /** Of the schedule the times are of: another one starts anew. */
  definition: string;
  /** The next time that has not been dealt with; null when there is none. */
  nextDue: string | null;
  lastDue: string | null;
  lastStarted: FireMark | null;
  lastSkipped: FireMark | null;
}
export const SCHEDULES: Collection<ScheduleDoc> = { name: 'schedules', indexes: {} };

/**
 * `starting`: decided, and the orchestrator not yet asked for sure; asked again after a crash, under the same run id. `queued`: waits for
 * the run before it. `failed`: the orchestrator refused it.
 */
export type FireStatus = 'starting' | 'started' | 'queued' | 'skipped' | 'failed';

/** One time that a pipeline was due. Id: the run's, derived from what made it due. */
export interface FireDoc {
  id: string;
  pipeline: string;
  status: FireStatus;
  trigger: FireTrigger;
  dueAt: string | null;
  at: string;
  /** Why it fired; of a skipped one why not; of a failed one the error. */
  reason: string;
  /** The run’s input. */
  input: Record<string, unknown>;
}
export const FIRES: Collection<FireDoc> = {
  name: 'fires',
  indexes: { pipeline: ['pipeline', 'at'], status: ['status', 'at'] },
};

/** How a source that is looked at for arrivals is doing. Id: the source. Times ISO 8601, UTC. */
export interface SourceHealthDoc {
  id: string;
  lastLookAt: string | null;
  lastArrivalAt: string | null;
  /** Looks that failed in a row. */
  errors: number;
  errorsSince: string | null;
  error: { code: string; message: string } | null;
  /** How usual arrivals are in each quarter of an hour of the day, UTC: 96 numbers, 0 to 1000. */
  usual: number[];
  nextLookAt: string | null;
}
export const SOURCE_HEALTH: Collection<SourceHealthDoc> = { name: 'source_health', indexes: {} };
