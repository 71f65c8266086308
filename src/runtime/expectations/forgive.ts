/** A person says that a delivery need not come, or is right as it came. */
import { GranaryError } from '../../lib/errors.ts';
import { deliveryOf, stateOf } from '../../model/expectation-state.ts';
import { EXPECTATIONS, type ExpectationRule, WATCHES } from '../../model/expectations.ts';
import { wallTime } from '../../model/time-zone.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { readDeliveries } from './deliveries.ts';
import { newWatch, withoutRev, write } from './evaluate.ts';
import { newDoc, type SlotChange } from './slot-change.ts';
import { noChange } from './trouble.ts';
import { persistently } from './watchdog.ts';

export interface Forgiving {
  /** Day on which it is due; today in the rule's zone if not given. */
  date?: string;
  reason: string;
  by: string;
}

/**
 * Forgives the deliveries of a day that have not come, and those that were unusual. Returns the day. Errors: `stage.bad_input` when nothing
 * is expected on that day, or all of it has come as usual.
 */
export function forgive(state: StateStore, rule: ExpectationRule, forgiving: Forgiving, now: number): Promise<string> {
  return persistently(() => forgiveOnce(state, rule, forgiving, now));
}

async function forgiveOnce(
  state: StateStore,
  rule: ExpectationRule,
  { date: given, reason, by }: Forgiving,
  now: number,
): Promise<string> {
  const today = wallTime(now, rule.timeZone).date;
  const date = given ?? today;
  const found = await state.get(WATCHES, rule.dataset);
  const watch = found ? withoutRev(found) : newWatch(rule.dataset, now, today);
  const { slots, objects } = await readDeliveries(state, rule, date, date);
  const trouble = noChange();
  const changes: SlotChange[] = [];
  for (const slot of slots) {
    const before = await state.get(EXPECTATIONS, slot.id);
    const delivery = deliveryOf(rule, objects.get(slot.id) ?? []);
    const status = stateOf(rule, slot, delivery, now, true);
    if (status === 'arrived' && !before?.told.unusual) continue;
    const doc = before ? withoutRev(before) : newDoc(rule, slot);
    const forgiven = { at: new Date(now).toISOString(), by, reason };
    changes.push({ doc: { ...doc, state: status, open: 0, forgiven }, rev: before?.rev, events: [] });
    trouble.overdue.remove.push(slot.id);
    trouble.unusual.remove.push(slot.id);
  }
  if (changes.length === 0) {
    const name = rule.dataset.split('/').slice(1).join('.');
    throw new GranaryError(
      'stage.bad_input',
      slots.length === 0 ? `Nothing is expected of ${name} on ${date}.` : `${name} has come on ${date} as expected.`,
      { hint: '`granary expectations --date <day>` shows what is expected on a day.' },
    );
  }
  await write({ state, rule, now }, found, watch, trouble, changes);
  return date;
}
