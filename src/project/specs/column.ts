/** One column of a dataset's contract. */
import { nearest } from '../../lib/nearest.ts';
import { s } from '../../lib/spec/fields.ts';
import type { FieldInfo, Infer, Spec } from '../../lib/spec/spec.ts';
import { type ColumnType, PLAIN_TYPES, parseColumnType } from '../../model/schema.ts';

export function columnType(info: FieldInfo<string>): Spec<ColumnType> {
  return s.refine(s.text(info) as Spec<string>, (text, fail) => {
    const type = parseColumnType(text);
    return (
      type ??
      fail(
        `expected a column type (${PLAIN_TYPES.join(', ')}, decimal(p,s)), found "${text}"`,
        nearest(text, PLAIN_TYPES),
      )
    );
  });
}

export const column = s.object(
  {
    type: columnType({ doc: 'Type of the values.', example: 'decimal(12,2)', default: 'text' }),
    from: s.text({
      doc: 'Name in the file, where it differs: a header, a JSON path, a field.',
      example: 'Total amount',
      optional: true,
    }),
    from_name: s.text({
      doc: 'Take the value from this part of the file name instead: a `{part}` of `files`, or `date`.',
      example: 'store',
      optional: true,
    }),
    required: s.boolean({ doc: 'Reject rows in which it is missing.', default: false }),
    format: s.text({
      doc: 'How dates and times are written, in strptime letters.',
      example: '%d/%m/%Y',
      optional: true,
    }),
    decimal: s.choice(['.', ','], { doc: 'Decimal sign of numbers in this column.', optional: true }),
    thousands: s.text({ doc: 'Sign between groups of three digits.', example: '.', optional: true }),
    true_values: s.list(s.text({ doc: 'A spelling of true.' }) as Spec<string>, {
      doc: 'Spellings of true, where they are not the usual ones.',
      example: ['Y'],
      optional: true,
    }),
    false_values: s.list(s.text({ doc: 'A spelling of false.' }) as Spec<string>, {
      doc: 'Spellings of false.',
      example: ['N'],
      optional: true,
    }),
    null_values: s.list(s.text({ doc: 'A spelling of a missing value.' }) as Spec<string>, {
      doc: 'Spellings of a missing value in this column, besides those of the format.',
      example: ['n/a'],
      optional: true,
    }),
    default: s.text({ doc: 'Value for rows in which it is missing.', example: 'EUR', optional: true }),
    description: s.text({ doc: 'What it means, for the catalog.', optional: true }),
  },
  {
    doc: 'A column: its type, or a mapping.',
    example: 'decimal(12,2)',
    shorthand: { label: 'column type', schema: { type: 'string' }, expand: (value: unknown) => ({ type: value }) },
  },
);
export type Column = Infer<typeof column>;
