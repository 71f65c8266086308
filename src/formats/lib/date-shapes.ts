/** Ways in which dates and times are written, guessed from one value; the engine then tells which ones fit all values. Pure. */

const TIME = /^(\d{1,2}):(\d{2})(:\d{2})?(\.\d{1,6})?( ?[AaPp][Mm])?$/;

/** strptime formats that a value may be in, without those that ISO readers understand. Empty when it is no date. */
export function dateFormats(value: string): string[] {
  const m = /^(\d{1,4}|[A-Za-z]{3,9})([./ -])(\d{1,2}|[A-Za-z]{3,9})\2(\d{4}|\d{1,2})(?:(,? |T)(.+))?$/.exec(value);
  if (!m) return compactFormats(value);
  const [, first, sep, second, third, gap, rest] = m;
  const time = rest === undefined ? '' : timeFormat(rest);
  if (time === undefined) return [];
  const tail = rest === undefined ? '' : `${gap}${time}`;
  return orders(first!, second!, third!).map((letters) => letters.map((l) => `%${l}`).join(sep) + tail);
}

/** Orders of day, month and year that the three parts allow by their form. */
function orders(first: string, second: string, third: string): string[][] {
  const month = (part: string) => (part.length === 3 ? 'b' : 'B');
  const year = third.length === 4 ? 'Y' : 'y';
  if (first.length === 4 && /^\d/.test(first)) return third.length <= 2 && /^\d/.test(second) ? [['Y', 'm', 'd']] : [];
  if (/^[A-Za-z]/.test(first)) return /^\d/.test(second) ? [[month(first), 'd', year]] : [];
  if (first.length > 2 || third.length === 1) return [];
  if (/^[A-Za-z]/.test(second)) return [['d', month(second), year]];
  return [
    ['d', 'm', year],
    ['m', 'd', year],
  ];
}

function compactFormats(value: string): string[] {
  if (/^(19|20)\d{6}$/.test(value)) return ['%Y%m%d'];
  return /^(19|20)\d{12}$/.test(value) ? ['%Y%m%d%H%M%S'] : [];
}

function timeFormat(text: string): string | undefined {
  const m = TIME.exec(text);
  if (!m) return undefined;
  const [, , , seconds, fraction, half] = m;
  const clock = `${half ? '%I' : '%H'}:%M${seconds ? ':%S' : ''}${fraction ? '.%f' : ''}`;
  return half ? `${clock}${half.startsWith(' ') ? ' ' : ''}%p` : clock;
}

/** A pattern that values of a format match as a whole: strptime alone takes a year of two digits for `%Y`. */
export function formatPattern(format: string): string {
  const parts: Record<string, string> = {
    d: '[0-9]{1,2}',
    m: '[0-9]{1,2}',
    y: '[0-9]{2}',
    Y: '[0-9]{4}',
    H: '[0-9]{1,2}',
    I: '[0-9]{1,2}',
    M: '[0-9]{2}',
    S: '[0-9]{2}',
    f: '[0-9]{1,6}',
    p: '[AaPp][Mm]',
    b: '[A-Za-z]{3}',
    B: '[A-Za-z]+',
  };
  const compact = format.startsWith('%Y%m%d');
  return format.replace(/%(\w)|[.]/g, (all, letter) => {
    if (all === '.') return '\\.';
    return compact && letter !== 'Y' ? '[0-9]{2}' : parts[letter]!;
  });
}

/** Day and month changed places: the other reading of the same values. */
export function swapDayMonth(format: string): string {
  return format.replace(/%[dm]/g, (l) => (l === '%d' ? '%m' : '%d'));
}

export function hasTime(format: string): boolean {
  return /%[HI]/.test(format);
}
