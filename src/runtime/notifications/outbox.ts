/** Entries of the outbox: how they are made, joined and merged. Pure. */
import { idOf } from '../../lib/hash.ts';
import {
  atLeast,
  type Happening,
  type IncidentDoc,
  MAX_HAPPENINGS,
  type NotificationDoc,
  type NotificationKind,
  type Severity,
  worst,
} from '../../model/notifications.ts';
import { type SummaryReport, summaryLine } from './compose.ts';

const MAX_LINES = 50;

export const iso = (ms: number): string => new Date(ms).toISOString();

interface Made {
  /** What makes it this one and no other. */
  because: string;
  channel: string;
  kind: NotificationKind;
  severity: Severity;
  tenant: string;
  group: string;
  now: number;
  dueAt: number;
}

type New = Made & Partial<Omit<NotificationDoc, keyof Made>>;

export function newEntry({ because, now, dueAt, ...made }: New): NotificationDoc {
  return {
    id: idOf('notification', made.channel, made.kind, made.group, because),
    status: 'pending',
    incident: null,
    since: iso(now),
    total: 1,
    happenings: [],
    count: 1,
    report: null,
    createdAt: iso(now),
    attempts: 0,
    firstAttemptAt: null,
    error: null,
    sentAt: null,
    recipients: null,
    held: false,
    within: null,
    message: null,
    ...made,
    dueAt: iso(dueAt),
  };
}

/** A message about an incident. `fresh`: the events that it tells of. */
export function incidentEntry(
  incident: IncidentDoc,
  channel: string,
  kind: 'problem' | 'reminder' | 'resolved',
  { now, dueAt, because, fresh }: { now: number; dueAt: number; because: string; fresh: readonly Happening[] },
): NotificationDoc {
  const { id, severity, tenant, since, count, resolvedAt } = incident;
  return newEntry({
    because,
    channel,
    kind,
    severity,
    tenant,
    group: id,
    incident: id,
    now,
    dueAt,
    since,
    total: count,
    happenings: fresh.slice(-MAX_HAPPENINGS),
    count: kind === 'problem' ? fresh.length : count,
    report: kind === 'resolved' ? { resolved_at: resolvedAt } : null,
  });
}

/** An entry that still waits, with one more event. What has become critical waits no longer than `dueAt`. */
export function joined(
  entry: NotificationDoc,
  happening: Happening,
  incident: IncidentDoc | undefined,
  dueAt: number,
): NotificationDoc {
  const severity = worst(entry.severity, happening.severity);
  const urgent = entry.held && atLeast(severity, 'critical') && !atLeast(entry.severity, 'critical');
  return {
    ...entry,
    severity,
    total: incident?.count ?? entry.total + 1,
    count: entry.count + 1,
    happenings: [...entry.happenings, happening].slice(-MAX_HAPPENINGS),
    ...(urgent && { held: false, dueAt: iso(dueAt) }),
  };
}

/** An entry that still waits, of an incident that is over: one message tells of both. */
export function turnedResolved(entry: NotificationDoc, incident: IncidentDoc): NotificationDoc {
  return { ...entry, kind: 'resolved', total: incident.count, report: { resolved_at: incident.resolvedAt } };
}

/** The summary with more entries in it; a new one without `summary`. `entries`: not empty, of one channel. */
export function summaryOf(
  entries: readonly NotificationDoc[],
  summary: NotificationDoc | undefined,
  now: number,
): NotificationDoc {
  const first = entries[0]!;
  const before = summary?.report as SummaryReport | null | undefined;
  const lines = [...(before?.lines ?? []), ...entries.filter((e) => e.kind !== 'summary').map(summaryLine)];
  // Summaries that still waited are taken in with all they have.
  const inner = entries.filter((e) => e.kind === 'summary').map((e) => e.report as unknown as SummaryReport);
  const plain = entries.filter((e) => e.kind !== 'summary');
  const sum = (of: (r: SummaryReport) => number) => inner.reduce((n, r) => n + of(r), 0);
  const report: SummaryReport = {
    lines: [...lines, ...inner.flatMap((r) => r.lines)].sort(byImportance).slice(0, MAX_LINES),
    total: (before?.total ?? 0) + plain.length + sum((r) => r.total),
    critical: (before?.critical ?? 0) + plain.filter(isCriticalProblem).length + sum((r) => r.critical),
    resolved: (before?.resolved ?? 0) + plain.filter((e) => e.kind === 'resolved').length + sum((r) => r.resolved),
    waited: (before?.waited ?? true) && entries.every((e) => e.held),
  };
  const severity = entries.map((e) => e.severity).reduce(worst, summary?.severity ?? 'info');
  const tenants = new Set([...(summary ? [summary.tenant] : []), ...entries.map((e) => e.tenant)]);
  const base =
    summary ??
    newEntry({
      because: first.id,
      channel: first.channel,
      kind: 'summary',
      severity,
      tenant: first.tenant,
      group: `summary|${first.channel}`,
      now,
      dueAt: now,
    });
  return {
    ...base,
    severity,
    tenant: tenants.size === 1 ? first.tenant : '',
    count: base.count + entries.reduce((n, e) => n + e.count, summary ? 0 : -1),
    total: report.total,
    report: report as unknown as Record<string, unknown>,
  };
}

const isCriticalProblem = (e: NotificationDoc) => e.severity === 'critical' && e.kind !== 'resolved';

const ORDER: Record<Severity, number> = { critical: 0, warning: 1, info: 2 };
const rankOf = (l: SummaryReport['lines'][number]) => (l.kind === 'resolved' ? 3 : ORDER[l.severity]);
const byImportance = (a: SummaryReport['lines'][number], b: SummaryReport['lines'][number]) =>
  rankOf(a) - rankOf(b) || (a.since < b.since ? -1 : 1);
