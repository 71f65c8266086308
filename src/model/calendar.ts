/** Calendars: which days are business days. Pure; a day is `2026-11-25` throughout. */

export interface Calendar {
  name: string;
  /** IANA name of the zone whose days these are. */
  timeZone: string;
  /** Days of the week without business, 0 = Sunday. */
  weekend: readonly number[];
  /** `2026-12-25` for one day, `12-25` for that day of every year. */
  holidays: readonly string[];
}

export const WEEKDAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** 0 = Sunday. */
export function weekdayOf(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay();
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

export function isHoliday({ holidays }: Calendar, date: string): boolean {
  return holidays.includes(date) || holidays.includes(date.slice(5));
}

export function isBusinessDay(calendar: Calendar, date: string): boolean {
  return !calendar.weekend.includes(weekdayOf(date)) && !isHoliday(calendar, date);
}

/** The first business day after `date`, or before it with `step` -1. Undefined when there is none within ten years. */
export function nextBusinessDay(calendar: Calendar, date: string, step: 1 | -1 = 1): string | undefined {
  let day = date;
  for (let i = 0; i < 3660; i++) {
    day = addDays(day, step);
    if (isBusinessDay(calendar, day)) return day;
  }
  return undefined;
}

/** Days from `from` to `to`, both included; with a calendar only its business days. */
export function daysBetween(from: string, to: string, calendar?: Calendar): string[] {
  const days: string[] = [];
  for (let day = from; day <= to; day = addDays(day, 1)) if (!calendar || isBusinessDay(calendar, day)) days.push(day);
  return days;
}
