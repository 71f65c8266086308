/** What has landed of a dataset, with its rows as the books have them. */

import { BOOKS, type BooksDoc } from '../../model/books.ts';
import { addDays } from '../../model/calendar.ts';
import { assign, slotsOf } from '../../model/expectation-slots.ts';
import { deliveryOf, type Landed, sampleOf } from '../../model/expectation-state.ts';
import type { ExpectationRule, Slot } from '../../model/expectations.ts';
import { OBJECTS } from '../../model/objects.ts';
import type { Sample } from '../../model/volume.ts';
import type { StateStore } from '../../ports/state-store.ts';

/** Days before the first slot that assignment looks at: whether the one before it lacks files decides where an object belongs. */
const BEFORE_DAYS = 3;

export interface Deliveries {
  slots: Slot[];
  /** By slot id. Rows are not filled in. */
  objects: Map<string, Landed[]>;
}

/** Slots from `from` to `to` (days, both included) with what came of them. */
export async function readDeliveries(
  state: StateStore,
  rule: ExpectationRule,
  from: string,
  to: string,
): Promise<Deliveries> {
  const around = slotsOf(rule, addDays(from, -BEFORE_DAYS), addDays(to, 2));
  const dates = around.flatMap((s) => [s.date, s.businessDate]).sort();
  const objects = dates.length === 0 ? [] : await readObjects(state, rule.dataset, addDays(dates[0]!, -1));
  return { slots: around.filter((s) => s.date >= from && s.date <= to), objects: assign(rule, around, objects) };
}

/** Objects whose business date, or day of landing without one, is not before `from`. */
async function readObjects(state: StateStore, dataset: string, from: string): Promise<Landed[]> {
  const objects: Landed[] = [];
  for await (const doc of state.query(OBJECTS, { index: 'dataset', equals: [dataset], descending: true })) {
    if (doc.order.slice(0, 10) < from) break;
    const { id, path, file, version, bytes, landedAt, businessDate, status } = doc;
    objects.push({ id, path, file, version, bytes, landedAt, businessDate, status, rows: null });
  }
  return objects;
}

/** The same objects with the rows that were received of each. */
export function withRows(state: StateStore, dataset: string, objects: readonly Landed[]): Promise<Landed[]> {
  return Promise.all(objects.map(async (o) => ({ ...o, rows: await rowsOf(state, dataset, o.id) })));
}

async function rowsOf(state: StateStore, dataset: string, object: string): Promise<number | null> {
  let best: BooksDoc | undefined;
  for await (const doc of state.query(BOOKS, { index: 'object', equals: [object] })) {
    if (doc.dataset !== dataset) continue;
    if (!best || doc.active > best.active || (doc.active === best.active && doc.at > best.at)) best = doc;
  }
  return best?.received ?? null;
}

export type HistorySample = Sample & { files: number };

/** Deliveries of the days before `date` within the rule's window. Empty without a rule for volumes. */
export async function readHistory(state: StateStore, rule: ExpectationRule, date: string): Promise<HistorySample[]> {
  if (!rule.volume) return [];
  const { slots, objects } = await readDeliveries(
    state,
    rule,
    addDays(date, -rule.volume.windowDays),
    addDays(date, -1),
  );
  const samples: HistorySample[] = [];
  for (const slot of slots) {
    const landed = objects.get(slot.id);
    if (!landed) continue;
    const counted = rule.volume.metric === 'rows' ? await withRows(state, rule.dataset, landed) : landed;
    const sample = sampleOf(rule, slot, deliveryOf(rule, counted));
    if (sample) samples.push(sample);
  }
  return samples;
}
