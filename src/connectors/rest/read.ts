/** What a dataset of a REST source reads. */
import { s } from '../../lib/spec/fields.ts';
import type { FieldInfo, Infer, Spec } from '../../lib/spec/spec.ts';
import { parseKeyPath } from './paths.ts';
import { incremental } from './read-incremental.ts';
import { pagination } from './read-pagination.ts';

/** A path into an answer or a record. */
const keyPath = (info: FieldInfo<string>) =>
  s.refine<string, string>(s.text(info) as Spec<string>, (text, fail) =>
    parseKeyPath(text) ? text : fail(`expected a path such as "data.items", found "${text}"`),
  );
const optionalPath = (doc: string, example: string) =>
  keyPath({ doc, example, optional: true }) as Spec<string | undefined>;

/** Any value of YAML, as it is. */
const anything = (info: FieldInfo): Spec<unknown> => ({
  label: 'any value',
  info,
  parse: (value) => value ?? undefined,
  jsonSchema: () => ({ description: info.doc }),
});

const request = {
  endpoint: s.text({
    doc: 'An endpoint of the preset; what is given besides wins.',
    example: 'invoices',
    optional: true,
  }),
  path: s.text({
    doc: 'Path below the base. `{name}` is a parameter of for_each, or one of {watermark}, {from}, {until}.',
    example: '/customers/{customer_id}/orders',
    optional: true,
  }),
  method: s.choice(['GET', 'POST'], { doc: 'How is asked.', optional: true }),
  query: s.map(s.text({ doc: 'Value; it may hold the placeholders of path.' }), {
    doc: 'Parameters of the query. One whose placeholder has no value yet is left out.',
    example: { status: 'all', sort: 'updated_at' },
    optional: true,
  }),
  headers: s.map(s.text({ doc: 'Value of the header.' }), { doc: 'Further headers.', optional: true }),
  body: anything({
    doc: 'Body of a POST, sent as JSON. Texts in it may hold the placeholders of path; an entry whose placeholder has no value yet is left out.',
    example: { filter: { updated_after: '{from}' } },
    optional: true,
  }),
  records: optionalPath(
    'Where the records are in an answer; `$` is the answer itself. Columns name their path within a record, and `$.meta.day` one outside of it.',
    'data.items',
  ),
  records_missing: s.choice(['error', 'empty'], {
    doc: 'What an answer without that path is: some services leave it out when there is nothing.',
    optional: true,
  }),
  pagination,
  total: optionalPath('Where an answer says how many records there are in all; the books compare.', 'meta.total'),
  max_pages: s.integer({ doc: 'More pages of one list than this are an error, not an end.', default: 100_000, min: 1 }),
};

const forEach = s.object(
  {
    ...request,
    take: s.map(keyPath({ doc: 'Path within a record.' }), {
      doc: 'Parameters and where their values are in a record of that endpoint. Each is a column too, with `_` before its name.',
      example: { customer_id: 'id' },
    }),
  },
  {
    doc: 'An endpoint that is read first, all of it: the dataset is then read once for each of its records.',
    example: { path: '/customers', take: { customer_id: 'id' } },
    optional: true,
  },
);

export const restReadSpec = s.object(
  {
    ...request,
    format: s.choice(['json', 'ndjson', 'csv'], { doc: 'What the answers are.', optional: true }),
    outside: s.list(s.text({ doc: 'A path from the root of an answer.' }), {
      doc: 'Values outside of the records that columns take, by `from: $.meta.day`.',
      example: ['meta.day'],
      optional: true,
    }),
    key: s.list(keyPath({ doc: 'Path within a record, or `_` and the name of a parameter.' }), {
      doc: 'What identifies a record. With it the table is loaded by merge, and pages that shift while they are read lose nothing.',
      example: ['id'],
      optional: true,
    }),
    incremental,
    for_each: forEach,
  },
  {
    doc: 'What is read from an API.',
    shorthand: {
      label: 'a path, or an endpoint of the preset',
      schema: { type: 'string' },
      expand: (value) => {
        if (typeof value !== 'string') return value;
        return value.startsWith('/') ? { path: value } : { endpoint: value };
      },
    },
  },
);

export type RestRead = Infer<typeof restReadSpec>;
export type ForEach = NonNullable<RestRead['for_each']>;
