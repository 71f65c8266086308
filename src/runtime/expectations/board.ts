/** The board of a day: every delivery that is due and how it stands. And forgiving: nothing need come after all. */
import { GranaryError } from '../../lib/errors.ts';
import { deliveryOf, judge, lateBy, stateOf, usualFiles, usualOf } from '../../model/expectation-state.ts';
import { EXPECTATIONS, type ExpectationRule, type Slot } from '../../model/expectations.ts';
import { wallTime } from '../../model/time-zone.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { expectationRules } from '../../project/expectations.ts';
import type { StageContext } from '../../stages/context.ts';
import { shortName } from '../names.ts';
import type { ExpectationRow } from '../operations.ts';
import { type Deliveries, readDeliveries, readHistory, withRows } from './deliveries.ts';
import { forgive as forgiveDay } from './forgive.ts';
import { overdueText, spanText } from './sentences.ts';

type Context = Pick<StageContext, 'state' | 'clock' | 'project'>;

/** `date`: the day on which they are due, in each dataset’s zone; today if not given. By time, then in the order of the project. */
export async function boardOf({ state, clock, project }: Context, date?: string): Promise<ExpectationRow[]> {
  const rows: ExpectationRow[] = [];
  for (const rule of expectationRules(project)) {
    const day = date ?? wallTime(clock.now(), rule.timeZone).date;
    const deliveries = await readDeliveries(state, rule, day, day);
    for (const slot of deliveries.slots) rows.push(await rowOf(state, rule, slot, deliveries, clock.now()));
  }
  return rows.sort((a, b) => Date.parse(a.due) - Date.parse(b.due));
}

async function rowOf(
  state: StateStore,
  rule: ExpectationRule,
  slot: Slot,
  deliveries: Deliveries,
  now: number,
): Promise<ExpectationRow> {
  const doc = await state.get(EXPECTATIONS, slot.id);
  const landed = await withRows(state, rule.dataset, deliveries.objects.get(slot.id) ?? []);
  const delivery = deliveryOf(rule, landed);
  const status = stateOf(rule, slot, delivery, now, Boolean(doc?.forgiven));
  const notes: string[] = [];
  if (status === 'late' || status === 'missed') notes.push(overdueText(rule, slot, status, delivery.files));
  if (status === 'forgiven') notes.push(`forgiven${doc?.forgiven ? `: ${doc.forgiven.reason}` : ''}`);
  if (status === 'arrived') {
    const late = lateBy(slot, delivery);
    if (late > 0) notes.push(`came ${spanText(late + rule.toleranceMs)} after it was due`);
    const past = await readHistory(state, rule, slot.date);
    const whole = now >= slot.lateAt || delivery.files >= usualFiles(rule, past);
    notes.push(...judge(rule, slot, delivery, usualOf(rule, slot, past), whole).findings.map((f) => f.message));
  }
  const last = landed.map((o) => o.landedAt).sort();
  return {
    dataset: rule.dataset,
    date: slot.date,
    state: status,
    due: new Date(slot.due).toISOString(),
    arrivedAt: last.at(-1) ?? null,
    objects: delivery.files,
    bytes: delivery.bytes,
    rows: landed.length === 0 ? null : delivery.rows,
    note: notes.length === 0 ? null : notes.join('; '),
  };
}

/**
 * Nothing of a dataset (`source.dataset`, or its key) need come on a day after all; or what came is right. Returns its first row of the day.
 * Errors: `stage.bad_input` when nothing is expected then, or all has come as usual.
 */
export async function forgive(
  context: Context,
  { dataset, date, reason }: { dataset: string; date: string; reason: string },
  by: string,
): Promise<ExpectationRow> {
  const rules = expectationRules(context.project);
  const rule = rules.find((r) => r.dataset === dataset || shortName(r.dataset) === dataset);
  if (!rule)
    throw new GranaryError('stage.bad_input', `Nothing is expected of "${dataset}".`, {
      hint: `Something is expected of: ${rules.map((r) => shortName(r.dataset)).join(', ') || 'no dataset'}.`,
    });
  await forgiveDay(context.state, rule, { date, reason, by }, context.clock.now());
  return (await boardOf(context, date)).find((row) => row.dataset === rule.dataset)!;
}
