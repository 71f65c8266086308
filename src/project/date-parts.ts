/**
 * Dates in file names. Tokens: `yyyy`, `yy` (69–99 are 1969–1999), `MM`, `dd`, `DDD` (day of the year), `HH`, `mm`, `ss`, all with leading
 * zeros. Between them any separators; letters in single quotes: `yyyyMMdd'T'HHmm`. A date may be spread over several parts of a path.
 */
export type DateField = 'yyyy' | 'yy' | 'MM' | 'dd' | 'DDD' | 'HH' | 'mm' | 'ss';

/** The ranges are in the expressions so that a wrong number moves a match along instead of spoiling it. */
export const DATE_TOKENS: Record<DateField, { regex: string; example: string }> = {
  yyyy: { regex: '\\d{4}', example: '2026' },
  yy: { regex: '\\d{2}', example: '26' },
  MM: { regex: '0[1-9]|1[0-2]', example: '11' },
  dd: { regex: '0[1-9]|[12]\\d|3[01]', example: '19' },
  DDD: { regex: '00[1-9]|0[1-9]\\d|[12]\\d\\d|3[0-5]\\d|36[0-6]', example: '323' },
  HH: { regex: '[01]\\d|2[0-3]', example: '04' },
  mm: { regex: '[0-5]\\d', example: '30' },
  ss: { regex: '[0-5]\\d', example: '00' },
};

/** The fields and separators of `yyyy-MM-dd`, or what is wrong with it. */
export function parseDateTokens(text: string): ({ field: DateField } | { text: string })[] | string {
  const pieces: ({ field: DateField } | { text: string })[] = [];
  for (const m of text.matchAll(/yyyy|yy|MM|dd|DDD|HH|mm|ss|'([^']*)'|[^A-Za-z']|(.)/gsu)) {
    if (m[2] !== undefined)
      return `"${m[2]}" in the date form "${text}" is not known: use ${Object.keys(DATE_TOKENS).join(', ')}; other letters in single quotes`;
    if (m[0] in DATE_TOKENS) pieces.push({ field: m[0] as DateField });
    else pieces.push({ text: m[1] ?? m[0] });
  }
  return pieces.some((p) => 'field' in p) ? pieces : `the date form "${text}" has no date in it`;
}

/** What keeps the fields of a pattern from making a date, if anything. */
export function checkDateFields(fields: DateField[]): string | undefined {
  if (fields.length === 0) return undefined;
  const has = (...names: DateField[]) => names.some((n) => fields.includes(n));
  if (!has('yyyy', 'yy')) return 'a date needs a year: yyyy or yy';
  if (has('mm') && !has('HH')) return 'a minute (mm; a month is MM) needs an hour (HH)';
  if (has('dd') && !has('MM')) return 'a day (dd) needs a month (MM)';
  if (has('DDD') && has('MM')) return 'a day of the year (DDD) excludes a month (MM)';
  if (has('HH') && !has('dd', 'DDD')) return 'an hour (HH) needs a day (dd or DDD)';
  if (has('ss') && !has('mm')) return 'a second (ss) needs a minute (mm)';
  return undefined;
}

/** ISO date, or date and time when there is an hour. Undefined when the values contradict each other or there is no such day. */
export function dateOf(values: [DateField, string][]): string | undefined {
  const numbers = new Map<string, number>();
  for (const [field, digits] of values) {
    const name = field === 'yy' ? 'yyyy' : field;
    const number = field === 'yy' ? century(Number(digits)) : Number(digits);
    if (numbers.has(name) && numbers.get(name) !== number) return undefined;
    numbers.set(name, number);
  }
  const year = numbers.get('yyyy')!;
  const month = numbers.get('MM') ?? 1;
  const day = numbers.get('DDD') ?? numbers.get('dd') ?? 1;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = numbers.has('DDD') ? date.getUTCFullYear() === year : date.getUTCMonth() === month - 1;
  if (!exists) return undefined;
  const iso = `${pad(year, 4)}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`;
  if (!numbers.has('HH')) return iso;
  return `${iso}T${pad(numbers.get('HH')!)}:${pad(numbers.get('mm') ?? 0)}:${pad(numbers.get('ss') ?? 0)}`;
}

const century = (yy: number) => (yy >= 69 ? 1900 + yy : 2000 + yy);
const pad = (n: number, width = 2) => String(n).padStart(width, '0');
