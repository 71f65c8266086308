/**
 * What people are told. An incident is a problem that lasts: opened by an event, updated by more of them, resolved by another. A
 * notification is one message to one channel, written to an outbox in the transaction of the incident it tells of, so that none is lost.
 */
import type { Collection } from '../ports/state-store.ts';
import type { EventDoc, EventType } from './events.ts';

/** From least to worst. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const atLeast = (severity: Severity, least: Severity): boolean =>
  SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least);

export const worst = (a: Severity, b: Severity): Severity => (atLeast(a, b) ? a : b);

export const EVENT_SEVERITY: Record<EventType, Severity> = {
  'object.landed': 'info',
  'object.quarantined': 'warning',
  'table.changed': 'info',
  'run.started': 'info',
  'run.succeeded': 'info',
  'run.failed': 'critical',
  // Somebody stopped it.
  'run.interrupted': 'info',
  'dead_letter.opened': 'warning',
  'dead_letter.resolved': 'info',
  'expectation.late': 'warning',
  'expectation.missed': 'critical',
  'expectation.unusual': 'warning',
  'expectation.met': 'info',
  'trigger.missed': 'critical',
  'error_budget.exceeded': 'critical',
  'error_budget.restored': 'info',
  'feed.behind': 'critical',
  'feed.caught_up': 'info',
};

/** An event says so in `data.severity`, or is as bad as its type; a pipeline that became a dead letter is critical. */
export function severityOf({ type, data }: Pick<EventDoc, 'type' | 'data'>): Severity {
  const said = SEVERITIES.find((s) => s === data.severity);
  if (said) return said;
  return type === 'dead_letter.opened' && data.kind === 'pipeline' ? 'critical' : EVENT_SEVERITY[type];
}

export type IncidentKind =
  | 'run'
  | 'dead_letter'
  | 'quarantine'
  | 'expectation'
  | 'unusual'
  | 'trigger'
  | 'error_budget'
  | 'feed';

/** What a message says of one event. */
export interface Happening {
  /** The event's id. */
  event: string;
  type: EventType;
  subject: string;
  tenant: string;
  severity: Severity;
  at: string;
  /** The event's, without what is too long for a message. */
  data: Record<string, unknown>;
}

export interface IncidentDoc {
  /** Derived from its key and the event that opened it. */
  id: string;
  /** `kind|tenant|subject`: at most one of a key is open. */
  key: string;
  kind: IncidentKind;
  subject: string;
  tenant: string;
  /** 1 while it is open, else 0. */
  open: number;
  /** The worst so far. */
  severity: Severity;
  /** ISO 8601, UTC. */
  since: string;
  /** When its last event happened. */
  last: string;
  resolvedAt: string | null;
  /** Events so far. */
  count: number;
  /** The newest, oldest first, at most `MAX_HAPPENINGS`. */
  happenings: Happening[];
  /** By channel: when it was last told there, as how bad, and how many events it had. */
  told: Record<string, { at: string; severity: Severity; count: number }>;
}
export const MAX_HAPPENINGS = 20;
export const INCIDENTS: Collection<IncidentDoc> = {
  name: 'incidents',
  indexes: { key: ['key', 'open'], open: ['open', 'since'] },
};

/**
 * `pending` → `sending` → `sent`; back to `pending` after a transient failure; `failed`: refused, or tried in vain for too long;
 * `suppressed`: another notification, `within`, tells of it.
 */
export type NotificationStatus = 'pending' | 'sending' | 'sent' | 'failed' | 'suppressed';
export type NotificationKind = 'problem' | 'reminder' | 'resolved' | 'event' | 'summary' | 'digest';

export interface NotificationDoc {
  /** The mark that receivers know a repetition by. */
  id: string;
  channel: string;
  kind: NotificationKind;
  status: NotificationStatus;
  severity: Severity;
  tenant: string;
  incident: string | null;
  /** What joins while it waits: the incident, or a type of event and its subject. */
  group: string;
  /** Since when the incident has been open, and how many events it had: as of the last that joined. */
  since: string;
  total: number;
  /** Events that it tells of: the newest, oldest first, at most `MAX_HAPPENINGS` (a summary: one of each incident, the worst, at most 50). */
  happenings: Happening[];
  /** All events that it tells of. */
  count: number;
  /** Of a summary: the problems in it. Of a digest: the figures. */
  report: Record<string, unknown> | null;
  createdAt: string;
  /** ISO 8601, UTC: not before this time. Of `sending`: when the claim runs out; of others: when the last thing happened. */
  dueAt: string;
  attempts: number;
  firstAttemptAt: string | null;
  /** Why the last attempt failed, redacted. */
  error: string | null;
  sentAt: string | null;
  /** Only for these recipients of the channel; null for all. */
  recipients: string[] | null;
  /** Waits for the end of quiet hours. */
  held: boolean;
  /** Of `suppressed`: the notification that tells of it. */
  within: string | null;
  /** As it was first sent; a repetition is the same to the letter. */
  message: Record<string, unknown> | null;
}
export const NOTIFICATIONS: Collection<NotificationDoc> = {
  name: 'notifications',
  indexes: {
    status: ['status', 'dueAt'],
    channel: ['channel', 'status', 'dueAt'],
    group: ['group', 'channel', 'status'],
  },
};

/** Events that were taken up: the same event again changes nothing. Id: the event's. */
export interface NotedEventDoc {
  id: string;
  at: string;
}
export const NOTED_EVENTS: Collection<NotedEventDoc> = { name: 'noted_events', indexes: { at: ['at'] } };

/** How far periodic work has come. Id: `digest`, `prune`, `reconcile`. */
export interface NotifierMarkDoc {
  id: string;
  /** A day of the digest, or ISO 8601 UTC. */
  value: string;
}
export const NOTIFIER_MARKS: Collection<NotifierMarkDoc> = { name: 'notifier_marks', indexes: {} };
