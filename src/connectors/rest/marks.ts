/**
 * Watermarks. A mark is text: milliseconds since 1970 for the formats that are times, a decimal number, or any text, compared letter
 * by letter. Fractions of a millisecond are cut off, so that reading begins at or before the record that the mark is of. Pure.
 */
import type { MarkFormat } from './read-incremental.ts';

export type Mark = string;

const DAY_MS = 86_400_000;
/** Seconds since 1970 reach this in the year 5138; milliseconds did in 1973. */
const SECONDS_BELOW = 1e11;
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

export const isTime = (format: MarkFormat): boolean => format !== 'number' && format !== 'text';

/** Undefined for what is no value of that kind. */
export function parseMark(value: unknown, format: MarkFormat): Mark | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value).trim();
  if (text === '') return undefined;
  if (format === 'text') return text;
  const isNumber = /^-?\d+(\.\d+)?$/.test(text);
  if (format === 'number') return isNumber ? text : undefined;
  const ms = isNumber ? fromNumber(Number(text)) : fromText(text);
  return ms === undefined ? undefined : String(ms);
}

const fromNumber = (n: number): number => Math.floor(Math.abs(n) < SECONDS_BELOW ? n * 1000 : n);

/** A time without a zone is UTC. */
function fromText(text: string): number | undefined {
  const m = TIME.exec(text);
  if (!m) return undefined;
  const [, day, time = '00:00', zone = 'Z'] = m;
  const offset = /^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2').toUpperCase();
  const short = time.replace(',', '.').replace(/(\.\d{3})\d+$/, '$1');
  const ms = Date.parse(`${day}T${short}${offset}`);
  return Number.isNaN(ms) ? undefined : ms;
}

/** Negative when `a` is before `b`. */
export function compareMarks(a: Mark, b: Mark, format: MarkFormat): number {
  if (format === 'text') return a < b ? -1 : a > b ? 1 : 0;
  if (/^-?\d+$/.test(a) && /^-?\d+$/.test(b)) {
    const [x, y] = [BigInt(a), BigInt(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return Number(a) - Number(b);
}

export function higherMark(a: Mark | undefined, b: Mark | undefined, format: MarkFormat): Mark | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compareMarks(a, b, format) < 0 ? b : a;
}

/** So many seconds earlier; of what is no time, the mark itself. */
export function before(mark: Mark, seconds: number, format: MarkFormat): Mark {
  return isTime(format) && seconds > 0 ? String(Number(mark) - Math.round(seconds * 1000)) : mark;
}

/** As the parameter is written. Times are rounded down. */
export function formatMark(mark: Mark, format: MarkFormat): string {
  if (!isTime(format)) return mark;
  const ms = Number(mark);
  if (format === 'unix') return String(Math.floor(ms / 1000));
  if (format === 'unix_ms') return mark;
  const iso = new Date(ms).toISOString();
  if (format === 'date') return iso.slice(0, 10);
  return format === 'iso_seconds' ? `${iso.slice(0, 19)}Z` : iso;
}

export interface Stretch {
  from: Mark | undefined;
  /** Exclusive; of dates it is the last day itself. */
  until: Mark | undefined;
}

/**
 * What is read from `from` to `until` (milliseconds), in windows of `seconds` where that is given. Of dates, whole days of UTC: `until` is
 * the day that it is in.
 */
export function stretches(
  from: Mark | undefined,
  until: number,
  seconds: number | undefined,
  format: MarkFormat,
): Stretch[] {
  if (!isTime(format)) return [{ from, until: undefined }];
  const end = format === 'date' ? dayOf(until) : until;
  if (from === undefined || seconds === undefined) return [{ from, until: String(end) }];
  const out: Stretch[] = [];
  const step = seconds * 1000;
  if (format === 'date') {
    for (let at = dayOf(Number(from)); at <= end; at += step)
      out.push({ from: String(at), until: String(Math.min(at + step - DAY_MS, end)) });
  } else {
    for (let at = Number(from); at < end; at += step)
      out.push({ from: String(at), until: String(Math.min(at + step, end)) });
  }
  return out.length > 0 ? out : [{ from, until: String(end) }];
}

const dayOf = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS;
