/** What is done by the clock rather than for an event: reminders, problems that ended without an event, the digest, tidying up. */
import {
  INCIDENTS,
  type IncidentDoc,
  NOTED_EVENTS,
  NOTIFICATIONS,
  NOTIFIER_MARKS,
  type NotificationDoc,
} from '../../model/notifications.ts';
import { putWrite, type StateStore, type Versioned, type Write } from '../../ports/state-store.ts';
import type { NotificationsConfig } from '../../project/specs/notifications.ts';
import { gatherDigest } from './digest.ts';
import type { ExpectationLine } from './digest-page.ts';
import { COUNTED } from './incidents.ts';
import { closingWrites, somethingLeft, waitingEntry } from './intake.ts';
import { minuteOf, wallClock } from './local-time.ts';
import { incidentEntry, iso, newEntry } from './outbox.ts';

const DAY_MS = 86_400_000;
/** Of problems that gather more and more pieces of work: how soon new ones are told of. */
const NEWS_AFTER_MS = 3_600_000;
const KEEP_DAYS = { noted: 14, notifications: 30, incidents: 90 };

export interface PeriodicContext {
  state: StateStore;
  settings: NotificationsConfig;
  expectations: (() => Promise<ExpectationLine[]>) | undefined;
}

/** Tells again of problems that are still open, at most as often as `remind_every` says. */
export async function remind({ state, settings }: PeriodicContext, now: number): Promise<void> {
  if (settings.remind_every === 0) return;
  for (const incident of await openIncidents(state)) {
    const writes: Write[] = [];
    const told = { ...incident.told };
    for (const [channel, last] of Object.entries(incident.told)) {
      const age = now - Date.parse(last.at);
      const hasNews = COUNTED.has(incident.kind) && incident.count > last.count && age >= NEWS_AFTER_MS;
      if (!hasNews && age < settings.remind_every * 1000) continue;
      if (settings.channels[channel] === undefined || (await waitingEntry(state, incident.id, channel))) continue;
      const made = { now, dueAt: now, because: iso(now), fresh: incident.happenings };
      writes.push(putWrite(NOTIFICATIONS, incidentEntry(incident, channel, 'reminder', made), { absent: true }));
      told[channel] = { at: iso(now), severity: incident.severity, count: incident.count };
    }
    if (writes.length > 0)
      await state.transact([...writes, putWrite(INCIDENTS, { ...incident, told }, { rev: incident.rev })]);
  }
}

/** Ends problems of which nothing is left, whether or not an event said so. */
export async function reconcile({ state }: PeriodicContext, now: number): Promise<void> {
  for (const incident of await openIncidents(state))
    if (COUNTED.has(incident.kind) && !(await somethingLeft(incident, state)))
      await state.transact(await closingWrites(incident, iso(now), { state, now }));
}

/** Puts the digest of the day into the outbox once its time has come. A digest that was missed while down is sent the same day, or not. */
export async function digest({ state, settings, expectations }: PeriodicContext, now: number): Promise<void> {
  const { digest: config } = settings;
  if (!config) return;
  const { day, minute } = wallClock(now, config.time_zone);
  const isTime = minute >= minuteOf(config.at);
  const mark = await state.get(NOTIFIER_MARKS, 'digest');
  if (!mark) {
    // The first day begins with the first start: its digest is tomorrow's when the time has passed.
    await state.put(NOTIFIER_MARKS, { id: 'digest', value: isTime ? day : '' }, { absent: true });
    return;
  }
  if (!isTime || mark.value >= day) return;
  const facts = await gatherDigest(state, {
    fromMs: now - DAY_MS,
    toMs: now,
    expectations: expectations ? await expectations() : null,
  });
  const entries = [...new Set(config.channels)].map((channel) =>
    newEntry({
      because: day,
      channel,
      kind: 'digest',
      severity: 'info',
      tenant: '',
      group: 'digest',
      now,
      dueAt: now,
      report: facts as unknown as Record<string, unknown>,
    }),
  );
  await state.transact([
    putWrite(NOTIFIER_MARKS, { id: 'digest', value: day }, { rev: mark.rev }),
    ...entries.map((e) => putWrite(NOTIFICATIONS, e)),
  ]);
}

/** Removes what is over and old, and gives up what waits for a channel that is not there any more. */
export async function prune({ state, settings }: PeriodicContext, now: number): Promise<void> {
  for await (const entry of state.query(NOTIFICATIONS, { index: 'status', equals: ['pending'] })) {
    if (settings.channels[entry.channel] !== undefined) continue;
    const gone = { ...entry, status: 'failed' as const, dueAt: iso(now), error: 'the channel is not there any more' };
    await state.put(NOTIFICATIONS, gone, { rev: entry.rev });
  }
  const before = (days: number) => iso(now - days * DAY_MS);
  for await (const noted of state.query(NOTED_EVENTS, { index: 'at' })) {
    if (noted.at >= before(KEEP_DAYS.noted)) break;
    await state.remove(NOTED_EVENTS, noted.id);
  }
  for (const status of ['sent', 'suppressed', 'failed'] satisfies NotificationDoc['status'][])
    for await (const entry of state.query(NOTIFICATIONS, { index: 'status', equals: [status] })) {
      if (entry.dueAt >= before(KEEP_DAYS.notifications)) break;
      await state.remove(NOTIFICATIONS, entry.id);
    }
  for await (const incident of state.query(INCIDENTS, { index: 'open', equals: [0] }))
    if ((incident.resolvedAt ?? '') < before(KEEP_DAYS.incidents)) await state.remove(INCIDENTS, incident.id);
}

/** All at once: they are changed while they are gone through. */
async function openIncidents(state: StateStore): Promise<Versioned<IncidentDoc>[]> {
  const open: Versioned<IncidentDoc>[] = [];
  for await (const incident of state.query(INCIDENTS, { index: 'open', equals: [1] })) open.push(incident);
  return open;
}
