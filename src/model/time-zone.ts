/**
 * Wall clocks of time zones, by `Intl`. Pure. An instant is in milliseconds since 1970, UTC. A zone's clock jumps twice a year:
 * a wall time inside a gap stands for the end of the gap, one that comes twice for the first of the two.
 */

export interface WallTime {
  /** `2026-11-25`. */
  date: string;
  /** `05:00:00`. */
  time: string;
}

const DAY = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** Throws RangeError for an unknown zone. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    });
    formats.set(timeZone, format);
  }
  return format;
}

export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What clocks in the zone show at an instant. */
export function wallTime(instant: number, timeZone: string): WallTime {
  if (timeZone === 'UTC') {
    const iso = new Date(instant).toISOString();
    return { date: iso.slice(0, 10), time: iso.slice(11, 19) };
  }
  const parts: Record<string, string> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(instant)) parts[type] = value;
  const { year, month, day, hour, minute, second } = parts as Record<string, string>;
  return { date: `${year!.padStart(4, '0')}-${month}-${day}`, time: `${hour}:${minute}:${second}` };
}

/** The instant of a wall time; `time` may leave out seconds. See above for times that do not exist or come twice. */
export function instantOf(date: string, time: string, timeZone: string): number {
  const wall = Date.parse(`${date}T${time.length === 5 ? `${time}:00` : time}Z`);
  if (timeZone === 'UTC') return wall;
  const before = wall - offsetAt(wall - DAY, timeZone);
  const after = wall - offsetAt(wall + DAY, timeZone);
  const shows = (instant: number) => instant + offsetAt(instant, timeZone) === wall;
  const valid = [before, after].filter(shows);
  return valid.length > 0 ? Math.min(...valid) : jumpBetween(wall - DAY, wall + DAY, timeZone);
}

/** The first instant of a day in the zone. */
export function startOfDay(date: string, timeZone: string): number {
  return instantOf(date, '00:00:00', timeZone);
}

/** Wall clock minus UTC in milliseconds. */
function offsetAt(instant: number, timeZone: string): number {
  const { date, time } = wallTime(instant, timeZone);
  return Date.parse(`${date}T${time}Z`) - Math.floor(instant / 1000) * 1000;
}

/** The instant of the change of offset between two instants. */
function jumpBetween(from: number, to: number, timeZone: string): number {
  const offset = offsetAt(from, timeZone);
  let [low, high] = [from, to];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle, timeZone) === offset) low = middle;
    else high = middle;
  }
  return high;
}
