/** The ways in which answers come in pages. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import { parseKeyPath } from './paths.ts';

const path = (doc: string, example: string) =>
  s.refine<string | undefined, string | undefined>(s.text({ doc, example, optional: true }), (text, fail) =>
    text === undefined || parseKeyPath(text) ? text : fail(`expected a path such as "meta.next", found "${text}"`),
  );

const size = s.integer({ doc: 'How many records a page is asked for.', default: 100, min: 1 });
const sizeParameter = (example: string) =>
  s.text({ doc: 'Parameter for that; when not given it is not sent.', example, optional: true });
const endStatuses = s.list(s.integer({ doc: 'A status.', min: 400, max: 499 }), {
  doc: 'Statuses of a page behind the last one.',
  example: [404],
  default: [],
});
const stop = s.choice(['empty', 'short'], {
  doc: 'What ends the reading where the server tells no total: a page without records, or one with fewer than were asked for. `short` loses rows where the server gives fewer than it could.',
  default: 'empty',
});

const page = s.object(
  {
    parameter: s.text({ doc: 'Parameter for the number of the page.', default: 'page' }),
    first: s.integer({ doc: 'Number of the first page.', default: 1, min: 0 }),
    size_parameter: sizeParameter('per_page'),
    size,
    pages: path('Where an answer says how many pages there are.', 'meta.pages'),
    stop,
    end_statuses: endStatuses,
  },
  { doc: 'Numbered pages.' },
);
const offset = s.object(
  {
    parameter: s.text({ doc: 'Parameter for the number of records before the page.', default: 'offset' }),
    size_parameter: sizeParameter('limit'),
    size,
    overlap: s.integer({
      doc: 'So many records of a page are read again with the next one: where none of them is there, rows have moved, and it is gone back. Needs a key.',
      default: 0,
      min: 0,
      max: 1000,
    }),
    stop,
    end_statuses: endStatuses,
  },
  { doc: 'Pages by the number of records before them.' },
);
const cursor = s.object(
  {
    parameter: s.text({ doc: 'Parameter for the cursor.', default: 'cursor' }),
    next: path('Where an answer has the next cursor; missing, null or empty at the end.', 'paging.next.after'),
    next_header: s.text({ doc: 'Header that has it instead.', example: 'X-Next-Cursor', optional: true }),
    last: path('The cursor is this of the last record of a page.', 'id'),
    more: path('Where an answer says whether there are more.', 'has_more'),
    size_parameter: sizeParameter('limit'),
    size,
  },
  { doc: 'Each answer leads to the next one by a cursor.' },
);
const link = s.object(
  { size_parameter: sizeParameter('per_page'), size },
  { doc: 'The header `Link` with `rel="next"` (RFC 8288).' },
);
const nextUrl = s.object(
  {
    next: s.text({
      doc: 'Where an answer has the URL of the next page; missing, null or empty at the end.',
      example: 'links.next',
      default: 'next',
    }),
    size_parameter: sizeParameter('per_page'),
    size,
  },
  { doc: 'A URL in the answer.' },
);
const none = s.object({}, { doc: 'One answer has everything.' });

export const pagination = s.variants(
  [
    { type: 'page', title: 'Numbered pages', spec: page },
    { type: 'offset', title: 'Offsets', spec: offset },
    { type: 'cursor', title: 'Cursors', spec: cursor },
    { type: 'link', title: 'Link header', spec: link },
    { type: 'next_url', title: 'URL in the answer', spec: nextUrl },
    { type: 'none', title: 'No pages', spec: none },
  ],
  {
    doc: 'How the answers come in pages; when not given, there is one.',
    example: { type: 'cursor', next: 'paging.next' },
    optional: true,
  },
);

export type Pagination =
  | ({ type: 'page' } & Infer<typeof page>)
  | ({ type: 'offset' } & Infer<typeof offset>)
  | ({ type: 'cursor' } & Infer<typeof cursor>)
  | ({ type: 'link' } & Infer<typeof link>)
  | ({ type: 'next_url' } & Infer<typeof nextUrl>)
  | { type: 'none' };
