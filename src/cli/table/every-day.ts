/** Commands of the section “Every day”. */
import type { CommandSpec } from '../command.ts';
import { failOn } from './options.ts';

export const EVERY_DAY: readonly CommandSpec[] = [
  {
    name: 'run',
    section: 'Every day',
    summary: 'Collect what is new, verify it, load it, and balance the books',
    options: {
      source: { value: 'name', doc: 'Only this source', many: true },
      'skip-collect': { doc: 'Look for no new files: go on with what has landed' },
      pipeline: { value: 'name', doc: 'Another pipeline than `daily`' },
      parameter: {
        short: 'p',
        value: 'name=value',
        doc: 'Only files with this value in a {part} of their names: store=HH, date=2026-11',
        many: true,
      },
      detach: { doc: 'With `granary up`: start the run and leave it to it' },
      'fail-on': failOn,
    },
    examples: [
      { line: 'granary run', meaning: 'everything that is new' },
      { line: 'granary run --source pos --wait "10 min"', meaning: 'one source; wait while another run is going on' },
      {
        line: 'granary run --quiet --fail-on rejects',
        meaning: 'for a scheduler: silent, and 4 when rows were refused',
      },
    ],
    load: () => import('../commands/run.ts'),
  },
  {
    name: 'query',
    section: 'Every day',
    summary: 'Run SQL over the tables and the books',
    description: [
      'One statement that reads. Results stream: they may be of any size. `SHOW ALL TABLES` lists what there is.',
    ],
    arguments: [{ name: 'sql', doc: 'the statement; not with -f', optional: true }],
    options: {
      file: { short: 'f', value: 'file', doc: 'Read the statement from a file; - for standard input' },
      format: { value: 'format', doc: 'Default: table', choices: ['table', 'csv', 'json', 'ndjson'] },
      to: { value: 'file', doc: 'Write the result to a file' },
      limit: { value: 'rows', doc: 'Stop after so many rows; default for tables: 1000' },
    },
    examples: [
      { line: 'granary query "SELECT count(*) FROM sales"', meaning: 'a table on the screen' },
      { line: 'granary query -f top_products.sql --format csv --to top.csv', meaning: 'a file' },
      {
        line: 'granary query "SELECT rule, count(*) FROM granary.rejects GROUP BY rule"',
        meaning: 'the books are tables, too',
      },
    ],
    load: () => import('../commands/query.ts'),
  },
];
