/** Has a schedule fired? Told when a due time has passed by more than a grace and nothing was done about it. */
import { type EventDoc, toEmit } from '../../model/events.ts';
import { MISSED_TRIGGERS } from '../../model/expectations.ts';
import { nextFire } from '../../model/schedule.ts';
import { SCHEDULES } from '../../model/schedules.ts';
import { putWrite, type StateStore } from '../../ports/state-store.ts';
import type { Pipeline } from '../../project/pipelines.ts';
import { spanText } from './sentences.ts';

export interface ScheduledPipeline {
  pipeline: string;
  tenant: string;
  /** The oldest due time that nothing was done about, or the next one: ISO 8601, UTC; null when there is none. */
  nextDue: string | null;
  /** When it last started; null: never. */
  lastStarted: string | null;
}

/** From the schedule's own records; without them from its times since `since` (milliseconds): a scheduler that never ran is noticed, too. */
export async function scheduledPipelines(
  state: StateStore,
  pipelines: readonly Pipeline[],
  since: number,
): Promise<ScheduledPipeline[]> {
  const out: ScheduledPipeline[] = [];
  for (const { name, tenant, schedule } of pipelines) {
    const { kind } = schedule.trigger;
    if (!schedule.enabled || (kind !== 'cron' && kind !== 'every')) continue;
    const doc = await state.get(SCHEDULES, name);
    const next = nextFire(schedule, since);
    const nextDue = doc ? doc.nextDue : next === undefined ? null : new Date(next).toISOString();
    out.push({ pipeline: name, tenant, nextDue, lastStarted: doc?.lastStarted?.at ?? null });
  }
  return out;
}

/** Tells of each due time once. `since`: when watching began; a scheduler that starts with it has the grace to catch up. Returns when to look again. */
export async function checkTriggers(
  state: StateStore,
  scheduled: readonly ScheduledPipeline[],
  { now, since, graceMs }: { now: number; since: number; graceMs: number },
): Promise<{ next: number; events: number }> {
  let next = Number.POSITIVE_INFINITY;
  let events = 0;
  for (const entry of scheduled) {
    if (entry.nextDue === null) continue;
    const missedAt = Math.max(Date.parse(entry.nextDue), since) + graceMs;
    if (now < missedAt) {
      next = Math.min(next, missedAt);
      continue;
    }
    const known = await state.get(MISSED_TRIGGERS, entry.pipeline);
    if (known?.due === entry.nextDue) continue;
    await state.transact([
      putWrite(
        MISSED_TRIGGERS,
        { id: entry.pipeline, due: entry.nextDue },
        known ? { rev: known.rev } : { absent: true },
      ),
      toEmit(missedEvent(entry, entry.nextDue, now)),
    ]);
    events++;
  }
  return { next, events };
}

function missedEvent({ pipeline, tenant, lastStarted }: ScheduledPipeline, due: string, now: number): EventDoc {
  const late = spanText(now - Date.parse(due));
  const last = lastStarted === null ? 'it has never started' : `it last started at ${lastStarted}`;
  return {
    id: `trigger.missed|${pipeline}|${due}`,
    type: 'trigger.missed',
    subject: pipeline,
    tenant,
    at: new Date(now).toISOString(),
    data: { pipeline, due, lastStarted, message: `it was due at ${due}, ${late} ago; ${last}` },
  };
}
