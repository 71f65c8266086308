/** `read` of a dataset that comes from a database: what is read, and how it is read again. The same for every database. */
import { s } from '../../../lib/spec/fields.ts';
import type { Infer } from '../../../lib/spec/spec.ts';
import { parseDuration } from '../../../lib/units.ts';
import { parseTableName } from './table-name.ts';

const tableName = s.refine(
  s.text({
    doc: 'Table or view: `orders`, or `shop.orders`. With `*` in it, all that match are read together; they have the same columns, and a column `_table` tells them apart.',
    optional: true,
    example: 'shop_*.orders',
  }),
  (text, fail) => {
    if (text === undefined) return undefined;
    return parseTableName(text) ? text : fail(`"${text}" is no name of a table`);
  },
);

/** How much is read again: seconds of a time, or so many numbers of a sequence. */
export type Lookback = { seconds: number } | { count: number };

const lookback = s.refine(
  s.text({
    doc: 'How far before the watermark reading begins again, for rows whose transactions were committed late: a duration for times, a number for sequences. What is read twice is recognised by its key.',
    optional: true,
    example: '10 min',
  }),
  (text, fail): Lookback | undefined => {
    if (text === undefined) return undefined;
    if (/^\d{1,15}$/.test(text)) return { count: Number(text) };
    const seconds = parseDuration(text);
    return seconds === undefined
      ? fail(`expected a duration with its unit, such as "10 min", or a number, found "${text}"`)
      : { seconds };
  },
);

/** `every 1 d` to seconds. */
const every = (doc: string, example: string) =>
  s.refine(s.text({ doc, optional: true, example }), (text, fail) => {
    if (text === undefined) return undefined;
    const seconds = parseDuration(text.replace(/^\s*every\s+/, ''));
    return seconds === undefined || seconds === 0 ? fail(`expected "every" and a duration, found "${text}"`) : seconds;
  });

export const sqlReadSpec = s.object(
  {
    table: tableName,
    changes: s.refine(
      s.text({
        doc: 'Table whose changes are captured from the log of the database: first all its rows, then every insert, update and delete.',
        optional: true,
        example: 'shop.orders',
      }),
      (text, fail) => (text === undefined || parseTableName(text) ? text : fail(`"${text}" is no name of a table`)),
    ),
    history: s.boolean({
      doc: 'With `changes`: keep every state that a row had, with the times for which it was valid, instead of the current one.',
      default: false,
    }),
    query: s.text({
      doc: 'A SELECT whose result is read instead of a table. `:watermark` stands for the value from which is read.',
      optional: true,
      example: 'SELECT o.*, c.country FROM orders o JOIN customers c USING (customer_id)',
    }),
    where: s.text({
      doc: 'SQL condition of the rows that are wanted, in the words of the database.',
      optional: true,
      example: "store <> 'TEST'",
    }),
    key: s.list(s.text({ doc: 'A column of the source.' }), {
      doc: 'Columns that identify a row; the primary key when not given. With a watermark it has to be given.',
      optional: true,
      example: ['order_id'],
    }),
    watermark: s.list(s.text({ doc: 'A column of the source.' }), {
      doc: 'Column, or columns, that only grow: the time of the last change, or a sequence. Only rows from the last value on are read. Without one, all rows are read each time.',
      optional: true,
      example: ['updated_at'],
    }),
    lookback,
    deleted: s.text({
      doc: 'SQL condition that holds for rows that are marked as deleted.',
      optional: true,
      example: 'deleted_at IS NOT NULL',
    }),
    reconcile: every(
      'How often all keys are read and compared, to find rows that were deleted at the source. Needs a key.',
      'every 1 d',
    ),
    full: every('How often all rows are read although there is a watermark.', 'every 7 d'),
    chunks: s.object(
      {
        rows: s.integer({
          doc: 'About how many rows of a large table are read at once, by ranges of its key. Each such chunk can be resumed after.',
          default: 1_000_000,
          min: 1,
        }),
        parallel: s.integer({ doc: 'How many chunks are read at the same time.', default: 2, min: 1, max: 16 }),
      },
      { doc: 'How large tables are read.' },
    ),
    throttle: s.object(
      {
        rows_per_second: s.integer({
          doc: 'At most so many rows are read in a second, all chunks together.',
          optional: true,
          example: 50_000,
          min: 1,
        }),
      },
      { doc: 'How the server is spared.' },
    ),
    sums: s.list(s.text({ doc: 'A column of the source.' }), {
      doc: 'Columns of numbers whose sums the server computes in the same snapshot, for the books to compare.',
      optional: true,
      example: ['amount'],
    }),
  },
  {
    doc: 'What is read from a database.',
    shorthand: {
      label: 'name of a table',
      schema: { type: 'string' },
      expand: (value) => (typeof value === 'string' ? { table: value } : value),
    },
  },
);

export type SqlRead = Infer<typeof sqlReadSpec>;
