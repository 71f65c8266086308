/**
 * Events join the pipelines: facts that something happened, written to an outbox in the transaction of the fact itself, so that none is
 * lost. One dispatcher in the owner takes them in order and gives each to its subscribers (triggers, notifications, watchdog), at least
 * once; subscribers are idempotent by the event's id.
 */
import { type Collection, putWrite, type Write } from '../ports/state-store.ts';

export type EventType =
  /** An object is in the landing zone. Subject: dataset key. */
  | 'object.landed'
  /** An object failed verification or a quarantine rule. Subject: dataset key. */
  | 'object.quarantined'
  /** Rows of a table changed. Subject: `schema.table`. */
  | 'table.changed'
  /** Subjects of run events: the pipeline. */
  | 'run.started'
  | 'run.succeeded'
  | 'run.failed'
  | 'run.interrupted'
  /** Subject: dataset key or pipeline. */
  | 'dead_letter.opened'
  | 'dead_letter.resolved'
  /** Subject: dataset key. */
  | 'expectation.late'
  | 'expectation.missed'
  | 'expectation.unusual'
  | 'expectation.met'
  /** A schedule should have fired and has not. Subject: the pipeline. */
  | 'trigger.missed'
  /** More objects of a dataset failed than its error budget allows. Subject: dataset key. */
  | 'error_budget.exceeded'
  | 'error_budget.restored'
  /** A feed that is always open is further behind than it may be, or holds up its server; and no more. Subject: the source. */
  | 'feed.behind'
  | 'feed.caught_up';

export interface EventDoc {
  /** Sorts in the order of writing: time, then a random part; or derived from the fact, so that writing it twice is one event. */
  id: string;
  type: EventType;
  subject: string;
  tenant: string;
  /** ISO 8601, UTC. */
  at: string;
  /** Facts for rules, messages and machines. Never a secret, at most a few kilobytes. */
  data: Record<string, unknown>;
}
export const EVENTS: Collection<EventDoc> = { name: 'events', indexes: { at: ['at', 'id'] } };

/** Puts an event into the outbox. Goes into the transaction of the fact. */
export function toEmit(event: EventDoc): Write {
  return putWrite(EVENTS, event);
}
