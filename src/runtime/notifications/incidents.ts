/** What an event means for the problems that last: it opens one, goes on with it, or resolves it. Pure. */
import { idOf } from '../../lib/hash.ts';
import type { EventDoc, EventType } from '../../model/events.ts';
import {
  type Happening,
  type IncidentDoc,
  type IncidentKind,
  MAX_HAPPENINGS,
  severityOf,
  worst,
} from '../../model/notifications.ts';

export type Effect =
  | { effect: 'open'; kind: IncidentKind }
  | { effect: 'resolve'; kinds: readonly IncidentKind[] }
  | { effect: 'none' };

const EFFECTS: Partial<Record<EventType, Effect>> = {
  'run.failed': { effect: 'open', kind: 'run' },
  'run.succeeded': { effect: 'resolve', kinds: ['run', 'trigger'] },
  'run.started': { effect: 'resolve', kinds: ['trigger'] },
  'dead_letter.opened': { effect: 'open', kind: 'dead_letter' },
  'dead_letter.resolved': { effect: 'resolve', kinds: ['dead_letter'] },
  'object.quarantined': { effect: 'open', kind: 'quarantine' },
  'expectation.late': { effect: 'open', kind: 'expectation' },
  'expectation.missed': { effect: 'open', kind: 'expectation' },
  'expectation.unusual': { effect: 'open', kind: 'unusual' },
  'expectation.met': { effect: 'resolve', kinds: ['expectation', 'unusual'] },
  'trigger.missed': { effect: 'open', kind: 'trigger' },
  'error_budget.exceeded': { effect: 'open', kind: 'error_budget' },
  'error_budget.restored': { effect: 'resolve', kinds: ['error_budget'] },
  'feed.behind': { effect: 'open', kind: 'feed' },
  'feed.caught_up': { effect: 'resolve', kinds: ['feed'] },
};

export const effectOf = ({ type }: Pick<EventDoc, 'type'>): Effect => EFFECTS[type] ?? { effect: 'none' };

/** Types of events that begin an incident of this kind. */
export const openersOf = (kind: IncidentKind): EventType[] =>
  (Object.entries(EFFECTS) as [EventType, Effect][])
    .filter(([, e]) => e.effect === 'open' && e.kind === kind)
    .map(([type]) => type);

export const incidentKey = (kind: IncidentKind, subject: string): string => `${kind}|${subject}`;

/** Problems of several pieces of work: resolved when none of them is left, not with the first that is. */
export const COUNTED: ReadonlySet<IncidentKind> = new Set(['dead_letter', 'quarantine']);

/** The incident with one more event; a new one when there is none open. */
export function withEvent(kind: IncidentKind, event: EventDoc, known: IncidentDoc | undefined): IncidentDoc {
  const happening = happeningOf(event);
  if (!known)
    return {
      id: idOf('incident', kind, event.subject, event.id),
      key: incidentKey(kind, event.subject),
      kind,
      subject: event.subject,
      tenant: event.tenant,
      open: 1,
      severity: happening.severity,
      since: event.at,
      last: event.at,
      resolvedAt: null,
      count: 1,
      happenings: [happening],
      told: {},
    };
  return {
    ...known,
    severity: worst(known.severity, happening.severity),
    last: [event.at, known.last].sort().at(-1)!,
    count: known.count + 1,
    happenings: [...known.happenings, happening].slice(-MAX_HAPPENINGS),
  };
}

export function resolvedBy(known: IncidentDoc, at: string): IncidentDoc {
  return { ...known, open: 0, resolvedAt: at < known.since ? known.since : at };
}

export function happeningOf(event: EventDoc): Happening {
  return {
    event: event.id,
    type: event.type,
    subject: event.subject,
    tenant: event.tenant,
    severity: severityOf(event),
    at: event.at,
    data: shortened(event.data, 2) as Record<string, unknown>,
  };
}

const MAX_TEXT = 500;
const MAX_ENTRIES = 25;

/** Data of an event as far as a message needs it: texts and lists end early, what is deep is left out. */
function shortened(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT - 1)}…` : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth < 0) return undefined;
  if (Array.isArray(value)) return value.slice(0, 5).map((v) => shortened(v, depth - 1));
  const entries = Object.entries(value).slice(0, MAX_ENTRIES);
  return Object.fromEntries(entries.map(([k, v]) => [k, shortened(v, depth - 1)]));
}
