/** Looks at one dataset: what has changed of its deliveries is written with the events that tell of it, in one transaction. */
import { addDays } from '../../model/calendar.ts';
import { toEmit } from '../../model/events.ts';
import { deliveryOf } from '../../model/expectation-state.ts';
import {
  EXPECTATIONS,
  type ExpectationDoc,
  type ExpectationRule,
  type Slot,
  WATCHES,
  type WatchDoc,
} from '../../model/expectations.ts';
import { wallTime } from '../../model/time-zone.ts';
import { putWrite, type StateStore, type Versioned, type Write } from '../../ports/state-store.ts';
import { type Deliveries, readDeliveries } from './deliveries.ts';
import { endText } from './sentences.ts';
import { type Looking, type SlotChange, slotChange } from './slot-change.ts';
import { changed, metEvent, noChange, type TroubleChange } from './trouble.ts';

export interface Evaluated {
  /** Nothing changes by time alone before: milliseconds since 1970. */
  next: number;
  events: number;
}

/** Days for which a delivery that is missing is waited for. */
const HORIZON_DAYS = 30;
/** A transaction takes 100 writes: a slot may need 4. */
const SLOTS_AT_ONCE = 20;

/** Errors: `state.conflict` when somebody else changed the dataset's expectations meanwhile. */
export async function evaluate(looking: Looking): Promise<Evaluated> {
  const { state, rule, now } = looking;
  const found = await state.get(WATCHES, rule.dataset);
  const today = wallTime(now, rule.timeZone).date;
  const oldest = addDays(today, -HORIZON_DAYS);
  const watch = found ? withoutRev(found) : newWatch(rule.dataset, now, today);
  const docs = await docsOf(state, watch);
  const first = [today, watch.doneUntil, ...[...docs.values()].map((d) => d.date)].sort()[0]!;
  const from = [first, oldest].sort()[1]!;
  const deliveries = await readDeliveries(state, rule, from, addDays(today, 1));
  const slots = deliveries.slots.filter((s) => s.due >= Date.parse(watch.since));
  const lastArrived = slots.findLastIndex((s) => hasArrived(rule, s, deliveries));

  const trouble = noChange();
  const changes: SlotChange[] = [];
  let next = Number.POSITIVE_INFINITY;
  let doneUntil = addDays(today, -2);
  let isMore = false;
  for (const [i, slot] of slots.entries()) {
    isMore = changes.length >= SLOTS_AT_ONCE;
    if (isMore) break;
    const before = docs.get(slot.id) ?? (await state.get(EXPECTATIONS, slot.id));
    const landed = deliveries.objects.get(slot.id) ?? [];
    const result = await slotChange(
      { slot, before, landed, passed: !rule.dated && i < lastArrived },
      watch,
      trouble,
      looking,
    );
    next = Math.min(next, result.next);
    if (result.change) changes.push(result.change);
    else if (!before && slot.date < doneUntil) doneUntil = slot.date;
  }
  if (isMore) return { next: now, events: await write(looking, found, watch, trouble, changes) };
  changes.push(...withdrawn(docs, slots, trouble, watch).slice(0, SLOTS_AT_ONCE));
  if (doneUntil > watch.doneUntil) watch.doneUntil = doneUntil;
  return { next, events: await write(looking, found, watch, trouble, changes) };
}

export function newWatch(dataset: string, now: number, today: string): WatchDoc {
  return { id: dataset, since: new Date(now).toISOString(), doneUntil: today, overdue: [], unusual: [] };
}

export function withoutRev<T>({ rev: _, ...doc }: Versioned<T>): T {
  return doc as T;
}

function hasArrived(rule: ExpectationRule, slot: Slot, { objects }: Deliveries): boolean {
  const landed = objects.get(slot.id);
  return landed !== undefined && deliveryOf(rule, landed).completeAt !== undefined;
}

/** Documents that are still open, or were told as unusual. */
async function docsOf(state: StateStore, watch: WatchDoc): Promise<Map<string, Versioned<ExpectationDoc>>> {
  const docs = new Map<string, Versioned<ExpectationDoc>>();
  for await (const doc of state.query(EXPECTATIONS, { index: 'open', equals: [watch.id, 1] })) docs.set(doc.id, doc);
  for (const id of watch.unusual) {
    const doc = docs.get(id) ?? (await state.get(EXPECTATIONS, id));
    if (doc) docs.set(id, doc);
  }
  return docs;
}

/** Documents that nobody waits for: no longer expected, or for too long. */
function withdrawn(
  docs: ReadonlyMap<string, Versioned<ExpectationDoc>>,
  slots: readonly Slot[],
  trouble: TroubleChange,
  watch: WatchDoc,
): SlotChange[] {
  const expected = new Set(slots.map((s) => s.id));
  const over = [...docs.values()].filter((doc) => !expected.has(doc.id));
  for (const { id } of over)
    for (const kind of ['overdue', 'unusual'] as const) if (watch[kind].includes(id)) trouble[kind].remove.push(id);
  return over
    .filter((doc) => doc.open === 1)
    .map((doc) => ({ doc: { ...withoutRev(doc), open: 0 }, rev: doc.rev, events: [] }));
}

/** Returns how many events it wrote. */
export async function write(
  { state, rule, now }: Pick<Looking, 'state' | 'rule' | 'now'>,
  found: Versioned<WatchDoc> | undefined,
  watch: WatchDoc,
  trouble: TroubleChange,
  changes: readonly SlotChange[],
): Promise<number> {
  const { watch: after, ended } = changed(watch, trouble);
  const events = changes.flatMap((c) => c.events);
  if (ended) {
    const last = changes.findLast((c) => c.doc.state === 'arrived' || c.doc.id === ended.slot)?.doc;
    const about = last ?? { dataset: rule.dataset, tenant: rule.tenant };
    events.push(metEvent(about, ended, new Date(now).toISOString(), endText(rule, last, ended.kind)));
  }
  if (found && changes.length === 0 && JSON.stringify(withoutRev(found)) === JSON.stringify(after)) return 0;
  const writes: Write[] = [
    ...changes.map(({ doc, rev }) => putWrite(EXPECTATIONS, doc, rev === undefined ? { absent: true } : { rev })),
    ...events.map(toEmit),
    putWrite(WATCHES, after, found ? { rev: found.rev } : { absent: true }),
  ];
  await state.transact(writes);
  return events.length;
}
