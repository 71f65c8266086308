/** What a dataset's rows must satisfy, and what is done to them: rules, lookups, deduplication, masking. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer, Spec } from '../../lib/spec/spec.ts';

const columnName = s.text({ doc: 'A column of the dataset.', example: 'customer_id' }) as Spec<string>;
/** An optional list of columns; one may stand alone. */
export const columnList = (doc: string) => s.list(columnName, { doc, example: ['sale_id'], optional: true });
const requiredColumnList = (doc: string) => s.list(columnName, { doc, example: ['sale_id'] });

/** `5 %`, `0.5%` or a plain number of per cent. */
const percent = s.refine(
  s.text({
    doc: 'With `severity: quarantine`: per cent of the rows that may break the rule.',
    example: '5 %',
    optional: true,
  }),
  (text, fail) => {
    if (text === undefined) return undefined;
    const m = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text.trim());
    return m && Number(m[1]) <= 100 ? Number(m[1]) : fail(`expected a percentage such as "5 %", found "${text}"`);
  },
);

const KINDS = ['required', 'unique', 'range', 'pattern', 'allowed', 'exists', 'expression'] as const;
export type RuleKind = (typeof KINDS)[number];

export const rule = s.refine(
  s.object(
    {
      required: columnList('Columns that must have a value.'),
      unique: columnList('Columns whose values together occur once per object; later ones break the rule.'),
      range: s.object(
        {
          column: columnName,
          min: s.text({ doc: 'Smallest allowed value.', example: 0, optional: true }),
          max: s.text({ doc: 'Largest allowed value.', example: 100, optional: true }),
        },
        { doc: 'A column must be within bounds.', example: { column: 'qty', min: 1, max: 500 }, optional: true },
      ),
      pattern: s.object(
        {
          column: columnName,
          regex: s.text({ doc: 'RE2 expression that the whole value must match.', example: 'P[0-9]{6}' }),
        },
        { doc: 'A column must match a pattern.', example: { column: 'product', regex: 'P[0-9]{6}' }, optional: true },
      ),
      allowed: s.object(
        {
          column: columnName,
          values: s.list(s.text({ doc: 'An allowed value.' }) as Spec<string>, {
            doc: 'The allowed values.',
            example: ['EUR', 'USD'],
          }),
        },
        {
          doc: 'A column must have one of the listed values.',
          example: { column: 'currency', values: ['EUR', 'USD'] },
          optional: true,
        },
      ),
      exists: s.object(
        {
          columns: requiredColumnList('Columns of this dataset.'),
          table: s.text({ doc: 'A table of the warehouse.', example: 'products' }),
          key: columnList('Columns of that table; the same names if not given.'),
        },
        {
          doc: 'Values must exist in a reference table.',
          example: { columns: ['product'], table: 'products', key: ['sku'] },
          optional: true,
        },
      ),
      expression: s.text({ doc: 'SQL condition that must not be false.', example: 'amount >= 0', optional: true }),
      name: s.text({
        doc: 'Name in the books; made from the rule if not given.',
        example: 'amount_not_negative',
        optional: true,
      }),
      severity: s.choice(['reject', 'warn', 'quarantine'], {
        doc: 'What happens to a row that breaks it; `quarantine` sets the whole object aside above a percentage.',
        default: 'reject',
      }),
      above: percent,
    },
    {
      doc: 'A rule: exactly one kind, and what happens to rows that break it.',
      example: { range: { column: 'qty', min: 1 }, severity: 'reject' },
    },
  ),
  (value, fail) => {
    const kinds = KINDS.filter((k) => value[k] !== undefined);
    if (kinds.length !== 1)
      return fail(
        `a rule has exactly one of ${KINDS.join(', ')}; this one has ${kinds.length === 0 ? 'none' : kinds.join(' and ')}`,
      );
    if (value.above !== undefined && value.severity !== 'quarantine')
      return fail('`above` goes with `severity: quarantine`');
    return { ...value, kind: kinds[0]! };
  },
);
export type Rule = Infer<typeof rule>;

export const lookup = s.object(
  {
    table: s.text({ doc: 'A reference table of the warehouse.', example: 'products' }),
    on: s.map(s.text({ doc: 'Column of the reference table.' }) as Spec<string>, {
      doc: 'Column of this dataset to column of the table.',
      example: { product: 'sku' },
    }),
    take: s.map(s.text({ doc: 'Column of the reference table.' }) as Spec<string>, {
      doc: 'New column to column of the table.',
      example: { category: 'category' },
    }),
    missing: s.choice(['null', 'reject', 'warn'], { doc: 'What happens to rows without a match.', default: 'null' }),
  },
  { doc: 'Columns taken from a reference table.' },
);
export type Lookup = Infer<typeof lookup>;

export const deduplicate = s.object(
  {
    key: requiredColumnList('Columns that identify a row.'),
    latest_by: columnList('Of several rows with one key the highest of these is kept, then the last in the file.'),
  },
  {
    doc: 'Keep one row per key within an object; the others are counted as deduplicated.',
    example: { key: ['sale_id'], latest_by: ['updated_at'] },
    optional: true,
  },
);

export const mask = s.object(
  {
    type: s.choice(['hash', 'tokenise', 'redact', 'truncate'], {
      doc: '`hash`: keyed SHA-256 in hex; `tokenise`: a short keyed token, equal for equal values; `redact`: a fixed text; `truncate`: the first letters.',
    }),
    text: s.text({ doc: 'With `redact`: what to show.', default: '***' }),
    length: s.integer({ doc: 'With `truncate`: letters to keep.', default: 4, min: 0 }),
  },
  {
    doc: 'How the values of a column are hidden before they are stored.',
    example: 'hash',
    shorthand: {
      label: 'hash | tokenise | redact | truncate',
      schema: { enum: ['hash', 'tokenise', 'redact', 'truncate'] },
      expand: (value: unknown) => ({ type: value }),
    },
  },
);
export type Mask = Infer<typeof mask>;
