/** Which deliveries are due when, and which landed object belongs to which. Pure. */
import { addDays, daysBetween, isBusinessDay, nextBusinessDay, weekdayOf } from './calendar.ts';
import type { ExpectationRule, Slot } from './expectations.ts';
import { firesBetween, type Schedule } from './schedule.ts';
import { instantOf, startOfDay, wallTime } from './time-zone.ts';

/** Of a landed object what decides where it belongs. */
export interface Arrival {
  path: string;
  /** ISO 8601, UTC. */
  landedAt: string;
  /** `2026-11-19` or `2026-11-19T04:00:00`. */
  businessDate: string | null;
}

/** Deliveries due on the days from `from` to `to` in the rule's zone, both included; oldest first. */
export function slotsOf(rule: ExpectationRule, from: string, to: string): Slot[] {
  const expected = daysBetween(from, to).filter((date) => isExpected(rule, date));
  const slots = expected.flatMap((date) => dayOf(rule, date).dues.map((due) => ({ date, due })));
  // The last one's end needs the first of the next day that is expected: at most the end of the day after counts.
  const next = [addDays(to, 1), addDays(to, 2)].find((date) => isExpected(rule, date));
  const following = next === undefined ? undefined : dayOf(rule, next).dues[0];
  return slots.map(({ date, due }, i) => {
    const lateAt = due + rule.toleranceMs;
    const { end, times } = dayOf(rule, date);
    const until = Math.min(slots[i + 1]?.due ?? following ?? end, end);
    return {
      id: `${rule.dataset}|${new Date(due).toISOString()}`,
      dataset: rule.dataset,
      date,
      time: times.get(due)!,
      businessDate: businessDateOf(rule, date),
      due,
      lateAt,
      missedAt: Math.max(until, lateAt),
    };
  });
}

function isExpected({ days, calendar }: ExpectationRule, date: string): boolean {
  if (days === 'business') return calendar ? isBusinessDay(calendar, date) : ![0, 6].includes(weekdayOf(date));
  if (days === 'all') return true;
  return days.includes(weekdayOf(date)) && (!calendar?.holidays.length || !isHolidayOf(calendar.holidays, date));
}

const isHolidayOf = (holidays: readonly string[], date: string) =>
  holidays.includes(date) || holidays.includes(date.slice(5));

interface Day {
  dues: number[];
  /** Of each: the time of day. */
  times: Map<number, string>;
  /** When the day after is over. */
  end: number;
}

/** Clocks of time zones are slow to ask, and the watchdog asks for the same days again and again. */
const days = new WeakMap<ExpectationRule, Map<string, Day>>();
const DAYS_KEPT = 400;

function dayOf(rule: ExpectationRule, date: string): Day {
  const known = days.get(rule) ?? new Map<string, Day>();
  days.set(rule, known);
  const found = known.get(date);
  if (found) return found;
  const dues = duesOf(rule, date);
  const day = {
    dues,
    times: new Map(dues.map((due) => [due, wallTime(due, rule.timeZone).time.slice(0, 5)])),
    end: startOfDay(addDays(date, 2), rule.timeZone),
  };
  if (known.size >= DAYS_KEPT) known.clear();
  known.set(date, day);
  return day;
}

/** A wall time that clocks skip comes at the end of the gap; one that they show twice at the first. */
function duesOf({ when, timeZone }: ExpectationRule, date: string): number[] {
  if ('times' in when) return [...new Set(when.times.map((time) => instantOf(date, time, timeZone)))];
  const schedule: Schedule = {
    trigger: { kind: 'every', seconds: when.every },
    timeZone,
    calendar: undefined,
    days: 'all',
    missed: 'skip',
    enabled: true,
  };
  const start = startOfDay(date, timeZone);
  return firesBetween(schedule, start - 1, startOfDay(addDays(date, 1), timeZone) - 1, 90_000);
}

function businessDateOf({ carries, calendar, timeZone }: ExpectationRule, date: string): string {
  if (carries === 'same_day') return date;
  if (carries === 'previous_day') return addDays(date, -1);
  const weekdays = { name: 'weekdays', timeZone, weekend: [0, 6], holidays: [] };
  return nextBusinessDay(calendar ?? weekdays, date, -1) ?? addDays(date, -1);
}

/**
 * Objects by the id of their slot; those that belong to none are left out. An object whose name has a business date belongs to a delivery
 * of that date; of several a day, to the one nearest to the time in the name, else to its arrival, and to one that still lacks files
 * rather than to one that has them. An object without a date belongs to the delivery that is due nearest to its arrival; but one that
 * comes on the day of a delivery that still lacks files belongs to that. `slots`: oldest first.
 */
export function assign<T extends Arrival>(
  rule: ExpectationRule,
  slots: readonly Slot[],
  objects: readonly T[],
): Map<string, T[]> {
  const bySlot = new Map<string, T[]>();
  const paths = new Map<string, Set<string>>();
  const byDate = Map.groupBy(slots, (slot) => slot.businessDate);
  const lacks = (slot: Slot) => (paths.get(slot.id)?.size ?? 0) < rule.files;
  for (const object of [...objects].sort((a, b) => (a.landedAt < b.landedAt ? -1 : a.landedAt > b.landedAt ? 1 : 0))) {
    const slot =
      object.businessDate === null
        ? byArrival(rule, slots, Date.parse(object.landedAt), lacks)
        : byBusinessDate(rule, byDate.get(object.businessDate.slice(0, 10)) ?? [], object, lacks, paths);
    if (!slot) continue;
    bySlot.set(slot.id, [...(bySlot.get(slot.id) ?? []), object]);
    paths.set(slot.id, (paths.get(slot.id) ?? new Set()).add(object.path));
  }
  return bySlot;
}

function byBusinessDate(
  { timeZone }: ExpectationRule,
  slots: readonly Slot[],
  { businessDate, landedAt, path }: Arrival,
  lacks: (slot: Slot) => boolean,
  paths: ReadonlyMap<string, ReadonlySet<string>>,
): Slot | undefined {
  if (slots.length < 2) return slots[0];
  // The next version of a file goes where the first one went.
  const known = slots.find((slot) => paths.get(slot.id)?.has(path));
  if (known) return known;
  const time = businessDate!.slice(11, 19);
  if (time !== '') return nearest(slots, instantOf(slots[0]!.date, time, timeZone));
  const open = slots.filter(lacks);
  return nearest(open.length > 0 ? open : slots, Date.parse(landedAt));
}

function byArrival(
  { timeZone }: ExpectationRule,
  slots: readonly Slot[],
  at: number,
  lacks: (slot: Slot) => boolean,
): Slot | undefined {
  const after = firstDueAfter(slots, at);
  const previous = slots[after - 1];
  const next = slots[after];
  if (!previous || !next) return previous ?? next;
  const { date } = wallTime(at, timeZone);
  if (previous.date === date && next.date !== date && lacks(previous)) return previous;
  return nearest([previous, next], at);
}

/** Position of the first slot that is due later than `at`. */
function firstDueAfter(slots: readonly Slot[], at: number): number {
  let [low, high] = [0, slots.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (slots[middle]!.due <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Of two as near as each other the earlier one. */
function nearest(slots: readonly Slot[], at: number): Slot | undefined {
  let best: Slot | undefined;
  for (const slot of slots) if (!best || Math.abs(slot.due - at) < Math.abs(best.due - at)) best = slot;
  return best;
}
