/** What has become of one delivery since it was last looked at, and what is to be told of it. */
import type { EventDoc } from '../../model/events.ts';
import { deliveryOf, judge, type Landed, stateOf, usualFiles, usualOf } from '../../model/expectation-state.ts';
import type { ExpectationDoc, ExpectationRule, Slot, WatchDoc } from '../../model/expectations.ts';
import type { StateStore, Versioned } from '../../ports/state-store.ts';
import { type HistorySample, withRows } from './deliveries.ts';
import { overdueText } from './sentences.ts';
import { slotEvent, type TroubleChange } from './trouble.ts';

export interface Looking {
  state: StateStore;
  rule: ExpectationRule;
  /** Milliseconds since 1970. */
  now: number;
  /** Nothing is told as late or missed before: a process that has just started has yet to look for files. */
  quietUntil: number;
  /** Deliveries of the days before `date`. */
  history(date: string): Promise<HistorySample[]>;
}

export interface SlotView {
  slot: Slot;
  before: Versioned<ExpectationDoc> | undefined;
  landed: readonly Landed[];
  /** A later delivery has come, and nothing that still comes could belong to this one. */
  passed: boolean;
}

export interface SlotChange {
  doc: ExpectationDoc;
  rev: number | undefined;
  events: EventDoc[];
}

/** Adds to `trouble`. `next`: nothing changes by time alone before. */
export async function slotChange(
  view: SlotView,
  watch: WatchDoc,
  trouble: TroubleChange,
  looking: Looking,
): Promise<{ change?: SlotChange; next: number }> {
  const { slot, before, landed } = view;
  const { rule, now } = looking;
  const delivery = deliveryOf(rule, landed);
  const status = stateOf(rule, slot, delivery, now, Boolean(before?.forgiven));
  const isOverdue = status === 'late' || status === 'missed';
  if (status === 'due' && landed.length === 0) return { next: slot.lateAt };
  if (isOverdue && now < looking.quietUntil) return { next: looking.quietUntil };
  const isSettled = before?.open === 0 && !watch.unusual.includes(slot.id);
  const isAsBefore = before?.files === delivery.files && before.bytes === delivery.bytes;
  if (isSettled && isAsBefore && (before.state === status || view.passed)) return { next: Number.POSITIVE_INFINITY };

  const doc: ExpectationDoc = {
    ...newDoc(rule, slot),
    ...(before && { told: { ...before.told }, forgiven: before.forgiven }),
    state: status,
    files: delivery.files,
    bytes: delivery.bytes,
    arrivedAt: delivery.completeAt === undefined ? null : new Date(delivery.completeAt).toISOString(),
  };
  const events: EventDoc[] = [];
  let next = Number.POSITIVE_INFINITY;
  if (isOverdue) next = tellOverdue(doc, status, view, watch, trouble, looking, events);
  else if (watch.overdue.includes(slot.id)) trouble.overdue.remove.push(slot.id);
  if (status === 'due') next = slot.lateAt;
  if (status === 'forgiven') doc.open = 0;
  if (status === 'arrived') next = await judgeArrived(doc, view, watch, trouble, looking, events);
  if (before && events.length === 0 && isSame(before, doc)) return { next };
  return { change: { doc, rev: before?.rev, events }, next };
}

function tellOverdue(
  doc: ExpectationDoc,
  status: 'late' | 'missed',
  { slot, passed }: SlotView,
  watch: WatchDoc,
  trouble: TroubleChange,
  { rule, now }: Looking,
  events: EventDoc[],
): number {
  if (passed && (doc.told.late ?? doc.told.missed)) {
    Object.assign(doc, { state: 'missed', open: 0 });
    if (watch.overdue.includes(slot.id)) trouble.overdue.remove.push(slot.id);
    return Number.POSITIVE_INFINITY;
  }
  if (!doc.told.missed && !doc.told[status]) {
    const at = new Date(now).toISOString();
    doc.told[status] = at;
    events.push(slotEvent(doc, status, at, overdueText(rule, slot, status, doc.files)));
    trouble.overdue.add.push(slot.id);
    if (passed) return now;
  }
  return status === 'late' ? slot.missedAt : Number.POSITIVE_INFINITY;
}

async function judgeArrived(
  doc: ExpectationDoc,
  { slot, before, landed }: SlotView,
  watch: WatchDoc,
  trouble: TroubleChange,
  { state, rule, now, history }: Looking,
  events: EventDoc[],
): Promise<number> {
  const delivery = deliveryOf(rule, await withRows(state, rule.dataset, landed));
  doc.rows = delivery.rows;
  const past = await history(slot.date);
  const isWhole = now >= slot.lateAt || delivery.files >= usualFiles(rule, past);
  const { findings, final } = judge(rule, slot, delivery, usualOf(rule, slot, past), isWhole);
  // Of files in quarantine another event tells.
  const wrong = findings.filter((f) => f.code !== 'quarantined');
  const isGood = final && findings.length === 0;
  if (wrong.length > 0 && !doc.told.unusual && !doc.forgiven) {
    const at = new Date(now).toISOString();
    doc.told.unusual = at;
    events.push(slotEvent(doc, 'unusual', at, wrong.map((f) => f.message).join('; '), { findings }));
    trouble.unusual.add.push(slot.id);
  }
  if (isGood && before?.findings?.length !== 0)
    // A delivery as usual, or a right version of this one, ends what was unusual. Ids of a dataset's slots sort by time.
    trouble.unusual.remove.push(...watch.unusual.filter((id) => id <= slot.id));
  doc.findings = final || findings.length > 0 ? findings : null;
  doc.open = final ? 0 : 1;
  return isWhole ? Number.POSITIVE_INFINITY : slot.lateAt;
}

export function newDoc({ dataset, tenant }: ExpectationRule, slot: Slot): ExpectationDoc {
  const { id, date, time, businessDate } = slot;
  return {
    id,
    dataset,
    tenant,
    date,
    time,
    businessDate,
    due: new Date(slot.due).toISOString(),
    state: 'due',
    open: 1,
    arrivedAt: null,
    files: 0,
    bytes: 0,
    rows: null,
    findings: null,
    told: {},
    forgiven: null,
  };
}

function isSame({ rev: _, ...before }: Versioned<ExpectationDoc>, doc: ExpectationDoc): boolean {
  const text = (d: ExpectationDoc) => JSON.stringify(Object.entries(d).sort(([a], [b]) => (a < b ? -1 : 1)));
  return text(before) === text(doc);
}
