/**
 * Schedules: when a pipeline is due. Pure; instants are in milliseconds since 1970, UTC.
 *
 * Days when clocks change: a fixed time that is skipped comes at the end of the gap, one that clocks show twice comes once, at the
 * first. Periods of up to an hour go on in real time.
 */
import { Cron } from 'croner';
import { addDays, type Calendar, isBusinessDay, nextBusinessDay } from './calendar.ts';
import { instantOf, startOfDay, wallTime } from './time-zone.ts';

export type Trigger =
  /** Five fields (minute, hour, day, month, weekday), or six with seconds first. */
  | { kind: 'cron'; cron: string }
  | { kind: 'every'; seconds: number }
  /** When files have arrived at a source. */
  | { kind: 'arrival' }
  /** By hand, and by events where there are any. */
  | { kind: 'manual' };

export const MISSED = ['latest', 'all', 'skip'] as const;
/** What becomes of times that passed while nothing ran: one run for the latest, a run for each, or none. */
export type Missed = (typeof MISSED)[number];

export const OVERLAPS = ['skip', 'queue', 'replace'] as const;
/** What happens when a pipeline is due and still running. */
export type Overlap = (typeof OVERLAPS)[number];

export interface Schedule {
  trigger: Trigger;
  /** IANA name; the zone of cron fields and of the days that `every` is aligned to. */
  timeZone: string;
  /** For `days: business`. */
  calendar: Calendar | undefined;
  days: 'all' | 'business';
  missed: Missed;
  enabled: boolean;
}

const DAY_SECONDS = 86_400;

/** The first time after `after`. Undefined when there is none: it is not timed, not enabled, or never comes again. */
export function nextFire(schedule: Schedule, after: number): number | undefined {
  const { trigger, timeZone, enabled } = schedule;
  if (!enabled || (trigger.kind !== 'cron' && trigger.kind !== 'every')) return undefined;
  const calendar = schedule.days === 'business' ? schedule.calendar : undefined;
  const next = trigger.kind === 'cron' ? cronTimes(trigger.cron, timeZone) : everyTimes(trigger.seconds, timeZone);
  // Each round skips the days up to the next business day, so it ends with the calendar's horizon.
  for (let from = after; ; ) {
    const fire = next(from);
    if (fire === undefined || !calendar) return fire;
    const { date } = wallTime(fire, calendar.timeZone);
    if (isBusinessDay(calendar, date)) return fire;
    const open = nextBusinessDay(calendar, date);
    if (open === undefined || fire - after > 10 * 366 * DAY_SECONDS * 1000) return undefined;
    from = Math.max(fire, startOfDay(open, calendar.timeZone) - 1);
  }
}

/** Times after `from` up to and with `to`, oldest first, at most `limit` of them. */
export function firesBetween(schedule: Schedule, from: number, to: number, limit = 1000): number[] {
  const fires: number[] = [];
  for (let fire = nextFire(schedule, from); fire !== undefined && fire <= to && fires.length < limit; ) {
    fires.push(fire);
    fire = nextFire(schedule, fire);
  }
  return fires;
}

/** The last time at or before `at`, at most about 16 years back. */
export function previousFire(schedule: Schedule, at: number): number | undefined {
  let window = 60_000;
  let found: number | undefined;
  for (; found === undefined && window < 6e11; window *= 4) {
    const first = nextFire(schedule, at - window);
    if (first === undefined && window >= 6e11 / 4) return undefined;
    if (first !== undefined && first <= at) found = first;
  }
  // `found` comes at or before `at`: halve what lies between until nothing comes after it.
  while (found !== undefined) {
    const following = nextFire(schedule, found);
    if (following === undefined || following > at) return found;
    const later = nextFire(schedule, Math.floor((following + at) / 2) - 1);
    found = later !== undefined && later <= at ? later : following;
  }
  return found;
}

/** What is wrong with a cron expression; undefined when nothing is. */
export function cronProblem(text: string): string | undefined {
  const expected = 'expected a cron expression (minute hour day month weekday, such as "0 5 * * mon-fri")';
  const fields = text.trim().split(/\s+/);
  if (!text.startsWith('@') && fields.length !== 5 && fields.length !== 6)
    return `${expected}, found ${fields.length} ${fields.length === 1 ? 'field' : 'fields'} in "${text}"`;
  try {
    const cron = new Cron(text, { paused: true, timezone: 'UTC' });
    return cron.nextRun(new Date(0)) ? undefined : `${expected}; "${text}" never comes`;
  } catch (error) {
    const reason = (error as Error).message.replace(/^CronPattern: /, '').replace(/\.$/, '');
    return `${expected}, found "${text}": ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
  }
}

type Next = (after: number) => number | undefined;
const crons = new Map<string, Cron>();

function cronTimes(text: string, timeZone: string): Next {
  const key = `${timeZone} ${text}`;
  const cron = crons.get(key) ?? new Cron(text, { timezone: timeZone, paused: true });
  crons.set(key, cron);
  return (after) => {
    // Croner works in whole seconds and takes its start as excluded.
    const start = Math.floor(after / 1000) * 1000;
    return cron.nextRun(new Date(start))?.getTime();
  };
}

/**
 * A period that divides a day starts anew at every midnight of the zone: up to an hour it goes on in real time from there, longer ones
 * are times on the clock (`every 6 h` is 0:00, 6:00, 12:00, 18:00). Whole days count from 1970-01-01 in the zone, at midnight. Any other
 * period counts in real time from 1970-01-01 UTC.
 */
function everyTimes(seconds: number, timeZone: string): Next {
  if (seconds % DAY_SECONDS === 0) return everyDays(seconds / DAY_SECONDS, timeZone);
  const period = seconds * 1000;
  if (DAY_SECONDS % seconds !== 0) return (after) => (Math.floor(after / period) + 1) * period;
  return (after) => {
    const { date } = wallTime(after, timeZone);
    const tomorrow = startOfDay(addDays(date, 1), timeZone);
    const midnight = startOfDay(date, timeZone);
    if (seconds <= 3600) return Math.min(tomorrow, midnight + (Math.floor((after - midnight) / period) + 1) * period);
    for (let at = 0; at < DAY_SECONDS; at += seconds) {
      const fire = instantOf(date, clockTime(at), timeZone);
      if (fire > after) return fire;
    }
    return tomorrow;
  };
}

function everyDays(days: number, timeZone: string): Next {
  return (after) => {
    const { date } = wallTime(after, timeZone);
    const number = Date.parse(`${date}T00:00:00Z`) / (DAY_SECONDS * 1000);
    let next = Math.floor(number / days) * days;
    for (;;) {
      const fire = startOfDay(addDays('1970-01-01', next), timeZone);
      if (fire > after) return fire;
      next += days;
    }
  };
}

function clockTime(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor((seconds % 3600) / 60))}:${two(seconds % 60)}`;
}
