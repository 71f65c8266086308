/** What a user says about a fixed-width file, and the layout of the records that a dataset reads. */
import { GranaryError } from '../../lib/errors.ts';
import { s } from '../../lib/spec/fields.ts';
import type { Infer, Spec } from '../../lib/spec/spec.ts';

const position = {
  start: s.integer({ doc: 'Where it begins; the first position of a line is 1.', example: 1, min: 1 }),
  length: s.integer({ doc: 'How long it is.', example: 10, min: 1 }),
};

const fields = s.list(
  s.object(
    { name: s.text({ doc: 'Name by which columns refer to it.', example: 'article_no' }) as Spec<string>, ...position },
    { doc: 'A field of the line.' },
  ),
  {
    doc: 'Fields of a record, in any order; they may overlap, and what no field covers is ignored.',
    example: [{ name: 'article_no', start: 1, length: 13 }],
    optional: true,
  },
);

export const fixedWidthSpec = s.object(
  {
    fields,
    record_type: s.object(position, {
      doc: 'Where lines say which type of record they are, for files with several.',
      optional: true,
    }),
    records: s.map(s.object({ fields }, { doc: 'A type of record.' }), {
      doc: 'Types of record by the text that stands at `record_type`, each with its fields.',
      example: { H: { fields: [{ name: 'store', start: 2, length: 4 }] } },
      optional: true,
    }),
    record: s.text({
      doc: 'The type of record that this dataset reads, one of `records`. Lines of other types are for other datasets.',
      example: 'D',
      optional: true,
    }),
    ignore: s.list(s.text({ doc: 'A type of record.' }) as Spec<string>, {
      doc: 'Types of record that no dataset reads: headers, trailers. Any other that no dataset reads sets the file aside.',
      example: ['T'],
      optional: true,
    }),
    unit: s.choice(['characters', 'bytes'], {
      doc: 'What positions count; `bytes` are those of the text in UTF-8.',
      default: 'characters',
    }),
    trim: s.boolean({
      doc: 'Remove blanks and control characters around values; a value of nothing else is missing.',
      default: true,
    }),
    short_lines: s.choice(['reject', 'pad'], {
      doc: 'What becomes of a line that ends before its last field does: it is rejected, or what it lacks is missing.',
      default: 'reject',
    }),
    skip_lines: s.integer({ doc: 'Lines at the top that are not data.', default: 0, min: 0 }),
    footer_lines: s.integer({
      doc: 'Lines at the end, blank ones aside, that are not data.',
      default: 0,
      min: 0,
      max: 1000,
    }),
    encoding: s.choice(['utf-8', 'utf-16', 'latin-1', 'windows-1252'], {
      doc: 'How characters are written. A byte order mark wins over it.',
      default: 'utf-8',
    }),
  },
  { doc: 'Lines with fields at fixed positions.' },
);
export type FixedWidthConfig = Infer<typeof fixedWidthSpec>;

export interface Field {
  name: string;
  /** 0-based. */
  start: number;
  /** Exclusive. */
  end: number;
}

export interface Layout {
  fields: Field[];
  /** Where the end of the last field is: a shorter line lacks something. */
  width: number;
  /** Set when lines of one type only are wanted. */
  type: { start: number; end: number; wanted: string } | undefined;
  unit: 'characters' | 'bytes';
}

/** The layout of the wanted records. Throws `config.invalid` when the settings do not go together. */
export function layoutOf(config: FixedWidthConfig): Layout {
  const { record, records, record_type: at, unit } = config;
  if (record !== undefined && at === undefined) {
    throw invalid(
      '`record` needs `record_type`',
      'Say where lines tell their type: `record_type: { start: 1, length: 1 }`.',
    );
  }
  if (record === undefined && (at !== undefined || records !== undefined)) {
    throw invalid(
      'the file has several types of record and none is chosen',
      'Set `record` to the type that this dataset reads.',
    );
  }
  const chosen = record === undefined ? undefined : records?.[record];
  if (record !== undefined && records !== undefined && chosen === undefined) {
    throw invalid(
      `\`record\` is "${record}", which is not one of \`records\``,
      `Known are ${Object.keys(records).join(', ')}.`,
    );
  }
  const fields = (chosen?.fields ?? config.fields ?? []).map((f) => ({
    name: f.name,
    start: f.start - 1,
    end: f.start - 1 + f.length,
  }));
  if (fields.length === 0) throw invalid('there are no fields', 'Give `fields` with name, start and length.');
  return {
    fields,
    width: Math.max(...fields.map((f) => f.end)),
    type:
      at && record !== undefined
        ? { start: at.start - 1, end: at.start - 1 + at.length, wanted: record.trim() }
        : undefined,
    unit,
  };
}

function invalid(problem: string, hint: string): GranaryError {
  return new GranaryError('config.invalid', `The fixed-width format cannot be used: ${problem}.`, { hint });
}
