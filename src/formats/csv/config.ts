/** What a user may say about a CSV file, and the bytes that follow from it. */

import { type ScanDialect, TAIL_RECORDS } from '../../lib/scan/record-scanner.ts';
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';

/** A file with more is refused: it is not a table, or the delimiter is wrong. */
export const MAX_COLUMNS = 16_384;

const DELIMITERS: Record<string, string> = {
  comma: ',',
  semicolon: ';',
  tab: '\t',
  '\\t': '\t',
  pipe: '|',
  space: ' ',
};

const delimiter = s.refine(
  s.text({
    doc: 'What separates fields: one to four bytes, or one of the names comma, semicolon, tab, pipe, space.',
    default: ',',
    example: 'tab',
  }),
  (text, fail) => {
    const bytes = DELIMITERS[text] ?? text;
    const length = Buffer.byteLength(bytes);
    if (length < 1 || length > 4) return fail(`expected one to four bytes, found "${text}"`);
    return /[\r\n"\0]/.test(bytes) ? fail('a delimiter cannot contain a quote, a line end or a NUL') : bytes;
  },
);

const character = (doc: string, example: string) =>
  s.refine(s.text({ doc, optional: true, example }), (text, fail) => {
    if (text === undefined || text === 'none') return text;
    return /^[!-~]$/.test(text) ? text : fail(`expected one printable ASCII character or none, found "${text}"`);
  });

const pattern = s.refine(
  s.text({
    doc: 'A regular expression. Records at the end of the file whose text matches it are a trailer, not data.',
    optional: true,
    example: '^TRAILER',
  }),
  (text, fail) => {
    if (text === undefined) return undefined;
    try {
      new RegExp(text, 'u');
      return text;
    } catch {
      return fail(`"${text}" is not a regular expression`);
    }
  },
);

export const csvSpec = s.object(
  {
    delimiter,
    quote: character('The character around values that contain delimiters or line ends; none when there is none.', "'"),
    escape: character('The character before a quote inside quotes. Left out: a quote is doubled.', '\\'),
    header: s.boolean({
      doc: 'The first record has the column names. Columns are then matched by name, in any order; otherwise by position.',
      default: true,
    }),
    skip_lines: s.integer({ doc: 'Physical lines before the header that are not data.', default: 0, min: 0 }),
    footer_lines: s.integer({
      doc: 'Records at the end of the file that are not data.',
      default: 0,
      min: 0,
      max: TAIL_RECORDS,
    }),
    footer_pattern: pattern,
    comment: character('Lines that begin with this character are not data.', '#'),
    null_values: s.list(s.text({ doc: 'A text.' }), {
      doc: 'Values that mean: nothing is known. They are compared after quotes are removed.',
      default: [''],
      example: ['', 'NULL', '\\N'],
    }),
    quoted_nulls: s.boolean({
      doc: 'A value in quotes can be one of null_values, too. When false, it is a text: so "" is empty and nothing between delimiters is NULL. It tells nothing where trim is set.',
      default: true,
    }),
    encoding: s.choice(['utf-8', 'utf-16', 'latin-1', 'windows-1252'], {
      doc: 'How characters are written. A byte order mark wins over it.',
      default: 'utf-8',
    }),
    decimal: s.choice(['.', ','], { doc: 'What separates the fraction of a number.', default: '.' }),
    thousands: s.choice(['.', ',', ' ', "'", '_'], {
      doc: 'What separates groups of three digits in numbers.',
      optional: true,
      example: ',',
    }),
    trim: s.boolean({ doc: 'Remove spaces and tabs around every value, quoted or not.', default: false }),
    ragged: s.choice(['reject', 'pad', 'truncate', 'pad_or_truncate'], {
      doc: 'What to do with a record that has fewer or more fields than the header: reject it, pad missing fields with NULL, or truncate surplus ones. Surplus fields that are empty or NULL are always ignored.',
      default: 'reject',
    }),
    multiline: s.boolean({ doc: 'A quoted value may contain line ends.', default: true }),
    max_line_bytes: s.size({ doc: 'A record longer than this is rejected.', default: 16_000_000, example: '16 MB' }),
  },
  { doc: 'Delimited text: CSV, TSV and their relatives.' },
);

export type CsvConfig = Infer<typeof csvSpec>;

/** A complete config, where only some settings are known. */
export function completeConfig(config: Partial<CsvConfig>): CsvConfig {
  const known = Object.entries(config).filter(([, v]) => v !== undefined);
  return { ...csvSpec.parse({}, [], { issues: [] })!, ...Object.fromEntries(known) };
}

/** The dialect as bytes; 0 for what there is none of. */
export function scanDialect(config: CsvConfig): ScanDialect {
  const byte = (c: string | undefined, otherwise: number) =>
    c === undefined ? otherwise : c === 'none' ? 0 : c.charCodeAt(0);
  const quote = byte(config.quote, 34);
  return {
    delimiter: Buffer.from(config.delimiter),
    quote,
    escape: config.escape === 'none' ? quote : byte(config.escape, quote),
    comment: byte(config.comment, 0),
    decimal: config.decimal.charCodeAt(0),
    header: config.header,
  };
}
