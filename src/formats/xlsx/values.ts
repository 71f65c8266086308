/** Values of cells as text. Pure. */

/** What a number format says about the numbers it shows. */
export type NumberKind = 'number' | 'date' | 'time' | 'timestamp';

/** The kinds of the number formats that every workbook has, by id. */
const BUILT_IN: Record<number, NumberKind> = {
  14: 'date',
  15: 'date',
  16: 'date',
  17: 'date',
  18: 'time',
  19: 'time',
  20: 'time',
  21: 'time',
  22: 'timestamp',
  45: 'time',
  46: 'time',
  47: 'time',
  ...Object.fromEntries([27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 55, 56, 57, 58].map((id) => [id, 'date'])),
};

/** `code`: the format's text, for formats that the workbook defines. */
export function numberKind(id: number, code: string | undefined): NumberKind {
  if (code === undefined) return BUILT_IN[id] ?? 'number';
  // Only the first section counts; quoted and escaped text, colours, conditions and fill characters say nothing.
  const letters = code
    .replace(/"[^"]*"|\\.|[_*]./g, '')
    .replace(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '')
    .split(';')[0]!
    .toLowerCase();
  if (/general|[0#?]/.test(letters.replace(/s\.0+/g, 's'))) return 'number';
  const date = /[yd]/.test(letters) || (/m/.test(letters) && !/[hs]/.test(letters));
  const time = /[hs]/.test(letters);
  if (date) return time ? 'timestamp' : 'date';
  return time ? 'time' : 'number';
}

/**
 * A stored number as its shortest text with the 15 digits that spreadsheets have: 19.99 is often stored as 19.989999999999998, and is
 * 19.99 to whoever looks at it.
 */
export function numberText(stored: string): string {
  const plain = /^-?\d+(\.\d+)?$/.test(stored);
  if (plain && stored.replace(/[-.]/g, '').length <= 15) return stored;
  const n = Number(stored);
  return stored.trim() === '' || !Number.isFinite(n) ? stored : String(Number(n.toPrecision(15)));
}

const DAY_MS = 86_400_000;

/**
 * A serial day number as ISO text. Dates that carry a time of day show it, whatever their format. In the calendar of 1900 day 60 is 29
 * February 1900, which never was.
 */
export function dateText(stored: string, kind: NumberKind, from1904: boolean): string {
  const serial = Number(stored);
  if (stored.trim() === '' || !Number.isFinite(serial) || serial < 0) return stored;
  let day = Math.floor(serial);
  let ms = Math.round((serial - day) * DAY_MS);
  if (ms === DAY_MS) {
    day++;
    ms = 0;
  }
  if (kind === 'time') return clock(ms + day * DAY_MS);
  const date = !from1904 && day === 60 ? '1900-02-29' : isoDay(day, from1904);
  return kind === 'date' && ms === 0 ? date : `${date} ${clock(ms)}`;
}

function isoDay(day: number, from1904: boolean): string {
  const epoch = from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, day > 60 ? 30 : 31);
  return new Date(epoch + day * DAY_MS).toISOString().slice(0, 10);
}

/** Durations of more than a day count hours on. */
function clock(ms: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  const s = Math.floor(ms / 1000);
  const fraction = ms % 1000 === 0 ? '' : `.${String(ms % 1000).padStart(3, '0')}`;
  return `${two(Math.floor(s / 3600))}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}${fraction}`;
}

/** Control characters are written as `_x000D_` in the XML of spreadsheets. */
export function unescaped(text: string): string {
  return text.includes('_x')
    ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text;
}

/** 0-based column of a cell reference such as `AB12`; undefined for what is none. */
export function columnOf(reference: string): number | undefined {
  const letters = /^\$?([A-Z]{1,3})\$?\d/.exec(reference)?.[1];
  if (!letters) return undefined;
  let n = 0;
  for (const c of letters) n = n * 26 + c.charCodeAt(0) - 64;
  return n - 1;
}
