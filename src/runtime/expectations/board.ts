/** The board of a day: every delivery that is due and how it stands. And forgiving: nothing need come after all. */
import { GranaryError } from '../../lib/errors.ts';
import { deliveryOf, judge, lateBy, stateOf, usualFiles, usualOf, usualRange } from '../../model/expectation-state.ts';
import { EXPECTATIONS, type ExpectationRule, type Slot } from '../../model/expectations.ts';
import { wallTime } from '../../model/time-zone.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { expectationRules } from '../../project/expectations.ts';
import type { StageContext } from '../../stages/context.ts';
import { isInDatasets, shortName } from '../names.ts';
import type { ExpectationRow } from '../operations.ts';
import { type Deliveries, readDeliveries, readHistory, withRows } from './deliveries.ts';
import { forgive as forgiveDay } from './forgive.ts';
import { spanText } from './sentences.ts';

/** With what a screen shows besides. */
export interface BoardRow extends ExpectationRow {
  businessDate: string;
  /** Local time at which it is due: `06:00`. */
  time: string;
  timeZone: string;
  /** It came after its tolerance: milliseconds after it was due; else 0. */
  lateBy: number;
  /** What is usual: `1,180–1,420 rows`; null when there is too little history, or nothing is compared. */
  usual: string | null;
  /** Something is wrong with what came, and nobody has forgiven it. */
  wrong: boolean;
}

type Context = Pick<StageContext, 'state' | 'clock' | 'project'>;

/**
 * `date`: the day on which they are due, in each dataset’s zone; today if not given. `datasets`: `source` or `source.dataset`; all if empty.
 * By time, then in the order of the project.
 */
export async function boardOf(
  { state, clock, project }: Context,
  date?: string,
  datasets: readonly string[] = [],
): Promise<BoardRow[]> {
  const rows: BoardRow[] = [];
  for (const rule of expectationRules(project)) {
    if (!isInDatasets(rule.dataset, datasets)) continue;
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
): Promise<BoardRow> {
  const doc = await state.get(EXPECTATIONS, slot.id);
  const landed = await withRows(state, rule.dataset, deliveries.objects.get(slot.id) ?? []);
  const delivery = deliveryOf(rule, landed);
  const status = stateOf(rule, slot, delivery, now, Boolean(doc?.forgiven));
  const notes: string[] = [];
  if (status === 'late' || status === 'missed') notes.push(`${spanText(now - slot.due)} overdue`);
  if (status !== 'arrived' && delivery.files > 0) notes.push(`${delivery.files} of ${rule.files} files are there`);
  if (status === 'forgiven')
    notes.push(doc?.forgiven ? `forgiven: ${doc.forgiven.reason}` : 'nothing need come on this day');
  const late = status === 'arrived' ? lateBy(slot, delivery) : 0;
  const past = await readHistory(state, rule, slot.date);
  const usual = usualOf(rule, slot, past);
  const whole = now >= slot.lateAt || delivery.files >= usualFiles(rule, past);
  const findings = status === 'arrived' ? judge(rule, slot, delivery, usual, whole).findings : [];
  if (late > 0) notes.push(`came ${spanText(late + rule.toleranceMs)} after it was due`);
  notes.push(...findings.map((f) => f.message));
  if (status === 'arrived' && doc?.forgiven) notes.push(`forgiven: ${doc.forgiven.reason}`);
  const last = landed.map((o) => o.landedAt).sort();
  return {
    dataset: rule.dataset,
    date: slot.date,
    businessDate: slot.businessDate,
    time: slot.time,
    timeZone: rule.timeZone,
    lateBy: late > 0 ? late + rule.toleranceMs : 0,
    usual: usual ? `${usualRange(rule, usual)}${rule.volume?.metric === 'rows' ? ' rows' : ''}` : null,
    wrong: findings.length > 0 && !doc?.forgiven,
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
