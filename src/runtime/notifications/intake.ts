/** Takes an event up: changes the incident that it belongs to and puts notifications into the outbox, in one transaction. */
import { GranaryError } from '../../lib/errors.ts';
import { DEAD_LETTERS } from '../../model/dead-letters.ts';
import type { EventDoc } from '../../model/events.ts';
import {
  atLeast,
  INCIDENTS,
  type IncidentDoc,
  type IncidentKind,
  NOTED_EVENTS,
  NOTIFICATIONS,
  type NotificationDoc,
} from '../../model/notifications.ts';
import { OBJECTS } from '../../model/objects.ts';
import { putWrite, type StateStore, type Versioned, type Write } from '../../ports/state-store.ts';
import type { NotificationsConfig } from '../../project/specs/notifications.ts';
import { COUNTED, effectOf, happeningOf, incidentKey, resolvedBy, withEvent } from './incidents.ts';
import { incidentEntry, iso, joined, newEntry, turnedResolved } from './outbox.ts';
import { channelsFor } from './routing.ts';

export interface Intake {
  state: StateStore;
  settings: NotificationsConfig;
  /** Milliseconds since 1970. */
  now: number;
}

/** The writes that take the event up; none when it was taken up before or concerns nobody. */
export async function intakeOf(event: EventDoc, intake: Intake): Promise<Write[]> {
  if (await intake.state.get(NOTED_EVENTS, event.id)) return [];
  const meaning = await meaningOf(event, intake.state);
  const writes =
    meaning.effect === 'open'
      ? await openingWrites(meaning.kind, event, intake)
      : [
          ...(meaning.effect === 'resolve' ? await resolvingWrites(meaning.kinds, event, intake) : []),
          ...(await plainWrites(meaning.event, intake)),
        ];
  if (writes.length === 0) return [];
  return [...writes, putWrite(NOTED_EVENTS, { id: event.id, at: iso(intake.now) }, { absent: true })];
}

/** A run that failed only because of dead letters is no news beside them. */
async function meaningOf(event: EventDoc, state: StateStore) {
  const plain = { ...effectOf(event), event };
  const { errors, run } = event.data;
  if (event.type !== 'run.failed' || typeof errors !== 'number' || errors === 0 || typeof run !== 'string')
    return plain;
  let letters = 0;
  for await (const _ of state.query(DEAD_LETTERS, { index: 'run', equals: [run] })) letters++;
  if (letters < errors) return plain;
  return { effect: 'none' as const, event: { ...event, data: { ...event.data, severity: 'info' } } };
}

async function openingWrites(kind: IncidentKind, event: EventDoc, intake: Intake): Promise<Write[]> {
  const { state, settings, now } = intake;
  const known = await openIncident(state, incidentKey(kind, event.subject));
  const incident = withEvent(kind, event, known);
  const happening = happeningOf(event);
  const dueAt = now + settings.group_for * 1000;
  const writes: Write[] = [];
  for (const channel of channelsFor(event, happening.severity, settings)) {
    const told = incident.told[channel];
    const waiting = await waitingEntry(state, incident.id, channel);
    if (waiting)
      writes.push(putWrite(NOTIFICATIONS, joined(waiting, happening, incident, dueAt), { rev: waiting.rev }));
    else if (told && !isWorse(happening.severity, told.severity)) continue;
    else {
      const made = { now, dueAt, because: event.id, fresh: [happening] };
      writes.push(putWrite(NOTIFICATIONS, incidentEntry(incident, channel, 'problem', made), { absent: true }));
    }
    incident.told = {
      ...incident.told,
      [channel]: { at: iso(now), severity: incident.severity, count: incident.count },
    };
  }
  return [...writes, putWrite(INCIDENTS, incident, known ? { rev: known.rev } : { absent: true })];
}

const isWorse = (a: NotificationDoc['severity'], b: NotificationDoc['severity']) => atLeast(a, b) && a !== b;

async function resolvingWrites(kinds: readonly IncidentKind[], event: EventDoc, intake: Intake): Promise<Write[]> {
  const writes: Write[] = [];
  for (const kind of kinds) {
    const known = await openIncident(intake.state, incidentKey(kind, event.subject));
    if (!known || (COUNTED.has(kind) && (await somethingLeft(known, intake.state)))) continue;
    writes.push(...(await closingWrites(known, event.at, intake)));
  }
  return writes;
}

/** Ends an incident: whoever was told of it is told so. */
export async function closingWrites(
  known: Versioned<IncidentDoc>,
  at: string,
  { state, now }: Pick<Intake, 'state' | 'now'>,
): Promise<Write[]> {
  const incident = resolvedBy(known, at);
  const writes: Write[] = [putWrite(INCIDENTS, incident, { rev: known.rev })];
  for (const channel of Object.keys(incident.told)) {
    const waiting = await waitingEntry(state, incident.id, channel);
    if (waiting) {
      writes.push(putWrite(NOTIFICATIONS, turnedResolved(waiting, incident), { rev: waiting.rev }));
    } else {
      const made = { now, dueAt: now, because: at, fresh: incident.happenings };
      writes.push(putWrite(NOTIFICATIONS, incidentEntry(incident, channel, 'resolved', made), { absent: true }));
    }
  }
  return writes;
}

/** An event that is told for itself, because a route asks for it. */
async function plainWrites(event: EventDoc, { state, settings, now }: Intake): Promise<Write[]> {
  const happening = happeningOf(event);
  const group = `${event.type}|${event.subject}`;
  const writes: Write[] = [];
  for (const channel of channelsFor(event, happening.severity, settings)) {
    const waiting = await waitingEntry(state, group, channel);
    const dueAt = now + settings.group_for * 1000;
    if (waiting) {
      const entry = joined(waiting, happening, undefined, dueAt);
      writes.push(putWrite(NOTIFICATIONS, entry, { rev: waiting.rev }));
      continue;
    }
    const { severity, tenant } = happening;
    const made = { because: event.id, channel, kind: 'event' as const, severity, tenant, group, now };
    const entry = newEntry({ ...made, dueAt, since: event.at, happenings: [happening] });
    writes.push(putWrite(NOTIFICATIONS, entry, { absent: true }));
  }
  return writes;
}

export async function openIncident(state: StateStore, key: string): Promise<Versioned<IncidentDoc> | undefined> {
  for await (const incident of state.query(INCIDENTS, { index: 'key', equals: [key, 1], limit: 1 })) return incident;
  return undefined;
}

/** The entry that more events may join: it waits and was never tried. */
export async function waitingEntry(
  state: StateStore,
  group: string,
  channel: string,
): Promise<Versioned<NotificationDoc> | undefined> {
  for await (const entry of state.query(NOTIFICATIONS, { index: 'group', equals: [group, channel, 'pending'] }))
    if (entry.attempts === 0 && entry.recipients === null && entry.kind !== 'resolved') return entry;
  return undefined;
}

/** Of a problem of several pieces of work: is one of them still unsolved? */
export async function somethingLeft({ kind, subject }: IncidentDoc, state: StateStore): Promise<boolean> {
  if (kind === 'quarantine')
    return isAny(state.query(OBJECTS, { index: 'status', equals: ['quarantined', subject], limit: 1 }));
  if (kind !== 'dead_letter') throw new GranaryError('internal', `incidents of kind ${kind} are not counted`);
  for (const status of ['open', 'replaying']) {
    if (await isAny(state.query(DEAD_LETTERS, { index: 'dataset', equals: [subject, status], limit: 1 }))) return true;
    // Those of sources and pipelines have no dataset.
    for await (const d of state.query(DEAD_LETTERS, { index: 'dataset', equals: ['', status] }))
      if ((d.source || d.pipeline) === subject) return true;
  }
  return false;
}

async function isAny(docs: AsyncIterable<unknown>): Promise<boolean> {
  for await (const _ of docs) return true;
  return false;
}
