/** Commands of the section “Look closer”. */
import type { CommandSpec } from '../command.ts';
import { dataset } from './options.ts';

export const LOOK_CLOSER: readonly CommandSpec[] = [
  {
    name: 'books',
    section: 'Look closer',
    summary: 'The accounting: received = loaded + filtered + deduplicated + rejected',
    options: {
      run: { value: 'run', doc: 'Only this run; `last` for the latest' },
      dataset,
      object: { value: 'object', doc: 'Only this object: its id, the beginning of it, or its file name' },
      unbalanced: { doc: 'Only what does not balance, or differs from what the sender declared' },
      all: { doc: 'Also entries that replays and newer files have taken the place of' },
    },
    examples: [
      { line: 'granary books', meaning: 'per dataset, as the tables stand' },
      { line: 'granary books --run last', meaning: 'per object of the latest run' },
    ],
    load: () => import('../commands/books.ts'),
  },
  {
    name: 'objects',
    section: 'Look closer',
    summary: 'The landed originals and how far each has come',
    options: {
      dataset,
      status: {
        value: 'status',
        doc: 'Only objects of this status',
        many: true,
        choices: ['landed', 'verified', 'loaded', 'quarantined', 'duplicate', 'superseded'],
      },
      limit: { value: 'objects', doc: 'The newest so many; default: 50' },
    },
    examples: [{ line: 'granary objects --dataset pos.sales --status loaded', meaning: 'what the table is made of' }],
    load: () => import('../commands/objects.ts'),
  },
  {
    name: 'rejects',
    section: 'Look closer',
    summary: 'The rows that were refused: line, rule, reason and raw text',
    options: {
      dataset,
      object: { value: 'object', doc: 'Only of this object' },
      rule: { value: 'rule', doc: 'Only by this rule', many: true },
      limit: { value: 'rows', doc: 'So many; default: 50, with --to all' },
      to: { value: 'file', doc: 'Write them to a CSV file' },
    },
    examples: [
      { line: 'granary rejects --dataset pos.sales --rule type', meaning: 'values that are not of their type' },
      { line: 'granary rejects --to rejects.csv', meaning: 'all of them, for the sender' },
    ],
    load: () => import('../commands/rejects.ts'),
  },
  {
    name: 'trace',
    section: 'Look closer',
    summary: 'From a row of a table to the file and line it came from',
    arguments: [
      { name: 'table', doc: 'a table of the warehouse' },
      {
        name: 'key=value',
        doc: 'columns and values of the row; a bare value for a table with a key of one column',
        many: true,
      },
    ],
    examples: [
      { line: 'granary trace sales sale_id=4711', meaning: 'the file, its version and the line' },
      { line: 'granary trace sales 4711', meaning: 'the same, where the dataset has one key column' },
    ],
    load: () => import('../commands/trace.ts'),
  },
  {
    name: 'runs',
    section: 'Look closer',
    summary: 'What ran when, and how it ended',
    options: { limit: { value: 'runs', doc: 'The latest so many; default: 20' } },
    examples: [{ line: 'granary runs', meaning: 'the latest twenty; also while one is going on' }],
    load: () => import('../commands/runs.ts'),
  },
  {
    name: 'runs show',
    section: 'Look closer',
    summary: 'One run: its steps as a tree, how long they took, and what went wrong',
    arguments: [{ name: 'run', doc: 'its id; the latest if not given', optional: true }],
    examples: [{ line: 'granary runs show', meaning: 'the latest run; with `granary up` also while it goes' }],
    load: () => import('../commands/runs-show.ts'),
  },
];
