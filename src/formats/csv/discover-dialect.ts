/** Guesses the dialect of delimited text from its beginning: delimiter, quote, lines before the records. Pure. */

export interface SampleRecord {
  /** 1-based physical line on which it begins. */
  line: number;
  fields: string[];
}

export interface Dialect {
  delimiter: string;
  quote: '"' | "'";
  /** Physical lines before the first record. */
  preamble: number;
  /** Those lines are comments that begin with this character. */
  comment: string | undefined;
  /** Fields that most records have. */
  width: number;
  /** From the first record on; lines without content are none. */
  records: SampleRecord[];
}

const DELIMITERS = [',', ';', '\t', '|'];
const MOST_RECORDS = 2000;

/** What the user has fixed is not guessed. */
export interface FixedDialect {
  delimiter?: string | undefined;
  quote?: string | undefined;
}

/** `text`: the first lines of a file, the last one whole. Ties go to the more usual delimiter. */
export function guessDialect(text: string, fixed: FixedDialect = {}): Dialect {
  const delimiters = fixed.delimiter === undefined ? DELIMITERS : [fixed.delimiter];
  const candidates = delimiters.map((delimiter) => {
    const quote = fixed.quote === "'" || (fixed.quote === undefined && usesApostrophes(text, delimiter)) ? "'" : '"';
    const records = splitRecords(text, delimiter, quote, MOST_RECORDS);
    return { delimiter, quote, records, width: usualWidth(records) } as const;
  });
  const best = candidates.reduce((a, b) => (score(b) > score(a) ? b : a));
  const { preamble, comment } = linesBefore(best.records, best.width);
  return {
    ...best,
    preamble,
    comment,
    records: best.records.filter((r) => r.line > preamble && !isComment(r, comment)),
  };
}

/** Records of a text; only quotes at the start of a field count. */
export function splitRecords(text: string, delimiter: string, quote: string, most: number): SampleRecord[] {
  const records: SampleRecord[] = [];
  let fields: string[] = [];
  let line = 1;
  let firstLine = 1;
  let at = 0;
  while (at < text.length && records.length < most) {
    const { value, end, lines } = readField(text, at, delimiter, quote);
    fields.push(value);
    line += lines;
    at = end;
    if (text.startsWith(delimiter, at) && at < text.length) {
      at += delimiter.length;
      if (at < text.length) continue;
      fields.push('');
    }
    if (text[at] === '\r') at++;
    if (text[at] === '\n') at++;
    if (fields.length > 1 || fields[0]!.trim() !== '') records.push({ line: firstLine, fields });
    fields = [];
    firstLine = ++line;
  }
  return records;
}

function readField(
  text: string,
  at: number,
  delimiter: string,
  quote: string,
): { value: string; end: number; lines: number } {
  if (text[at] === quote) {
    for (let close = text.indexOf(quote, at + 1); close >= 0; close = text.indexOf(quote, close + 2)) {
      if (text[close + 1] === quote) continue;
      const value = text.slice(at + 1, close).replaceAll(quote + quote, quote);
      const rest = readPlain(text, close + 1, delimiter);
      return { value: value + rest.value, end: rest.end, lines: value.split(/\r\n|\n|\r/).length - 1 };
    }
  }
  return { ...readPlain(text, at, delimiter), lines: 0 };
}

function readPlain(text: string, at: number, delimiter: string): { value: string; end: number } {
  let end = at;
  while (end < text.length && text[end] !== '\n' && text[end] !== '\r' && !text.startsWith(delimiter, end)) end++;
  return { value: text.slice(at, end), end };
}

/** Apostrophes are quotes when several whole fields stand in them and none stands in quotation marks. */
function usesApostrophes(text: string, delimiter: string): boolean {
  const edge = delimiter.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const quoted = (q: string) =>
    text.match(new RegExp(`(?<=^|${edge})${q}[^${q}\\n]*${q}(?=\\r?$|${edge})`, 'gm'))?.length ?? 0;
  return quoted("'") > 1 && quoted('"') === 0;
}

/** The number of fields that most records have; of several the largest. */
function usualWidth(records: SampleRecord[]): number {
  const counts = new Map<number, number>();
  for (const { fields } of records) counts.set(fields.length, (counts.get(fields.length) ?? 0) + 1);
  return [...counts].reduce((a, b) => (b[1] > a[1] || (b[1] === a[1] && b[0] > a[0]) ? b : a), [1, 0])[0];
}

/**
 * How well a delimiter explains the text: most records have the same width, and fields are whole values: `1,5;2` is two values by `;`
 * and none by `,`.
 */
function score({ records, width }: { records: SampleRecord[]; width: number }): number {
  if (width < 2) return 0;
  const regular = records.filter((r) => r.fields.length === width);
  const fields = regular.flatMap((r) => r.fields);
  const whole = fields.filter((f) => !/[^\s"'][;\t|][^\s]/.test(f)).length / fields.length;
  const typed = fields.filter((f) => isTyped(f.trim()) || f.trim() === '').length / fields.length;
  return (regular.length / records.length) * whole * (1 + typed);
}

/** A number, a date or time, or a truth value. */
export function isTyped(value: string): boolean {
  return (
    /^[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?%?$/.test(value) ||
    /^\d{1,4}([./-])\d{1,2}\1\d{1,4}([ T]\d.*)?$/.test(value) ||
    /^\d{1,2}:\d{2}(:\d{2})?$/.test(value) ||
    /^(true|false)$/i.test(value)
  );
}

/** Titles, dates of export and so on: what comes before the first record of the usual width. */
function linesBefore(records: SampleRecord[], width: number): { preamble: number; comment: string | undefined } {
  const first = records.findIndex((r) => r.fields.length === width);
  if (first <= 0) return { preamble: 0, comment: undefined };
  const comment = records.slice(0, first).every((r) => r.fields[0]!.startsWith('#')) ? '#' : undefined;
  return { preamble: records[first]!.line - 1, comment };
}

const isComment = (record: SampleRecord, comment: string | undefined) =>
  comment !== undefined && record.fields[0]!.startsWith(comment);
