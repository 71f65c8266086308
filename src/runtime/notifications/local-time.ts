/** Times of day in a time zone. Pure. */
import type { QuietHours } from '../../project/specs/notifications.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;

const formats = new Map<string, Intl.DateTimeFormat>();

/** `day` is `2026-11-25`, `minute` counts from midnight on the clock on the wall. */
export function wallClock(ms: number, timeZone: string): { day: string; minute: number } {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  const part = Object.fromEntries(format.formatToParts(ms).map((p) => [p.type, p.value]));
  return { day: `${part.year}-${part.month}-${part.day}`, minute: Number(part.hour) * 60 + Number(part.minute) };
}

/** `07:30` to 450. */
export function minuteOf(timeOfDay: string): number {
  const [hours, minutes] = timeOfDay.split(':');
  return Number(hours) * 60 + Number(minutes);
}

/** When the quiet hours that `ms` lies in end; undefined when it lies in none. Also right when the clocks change in them. */
export function quietUntil(ms: number, quiet: QuietHours | undefined): number | undefined {
  if (!quiet) return undefined;
  const [from, to] = [minuteOf(quiet.from), minuteOf(quiet.to)];
  const { minute } = wallClock(ms, quiet.time_zone);
  const inside = from < to ? minute >= from && minute < to : minute >= from || minute < to;
  if (!inside) return undefined;
  const start = ms - (ms % MINUTE_MS);
  const guess = start + ((to - minute + DAY_MINUTES) % DAY_MINUTES) * MINUTE_MS;
  // Off by as much as the clocks were changed in between; a time that does not exist that day is the next that does.
  const off = wallClock(guess, quiet.time_zone).minute - to;
  const shift = off > DAY_MINUTES / 2 ? off - DAY_MINUTES : off < -DAY_MINUTES / 2 ? off + DAY_MINUTES : off;
  return Math.max(start + MINUTE_MS, guess - shift * MINUTE_MS);
}

/** `25 Nov 2026, 08:15`, in the given zone. */
export function formatTime(iso: string, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(Date.parse(iso));
}

/** `25 Nov, 08:15`, for tables of what happened lately. */
export const shortTime = (iso: string, timeZone: string): string => formatTime(iso, timeZone).replace(/ \d{4},/, ',');

/** 7500000 to `2 h 5 min`. */
export function formatSpan(ms: number): string {
  const minutes = Math.round(ms / MINUTE_MS);
  if (minutes < 1) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
