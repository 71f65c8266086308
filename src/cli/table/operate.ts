/** Commands of the section “Operate”: what runs by itself. */
import type { CommandSpec } from '../command.ts';
import { dataset } from './options.ts';

export const OPERATE: readonly CommandSpec[] = [
  {
    name: 'dlq list',
    section: 'Operate',
    summary: 'What gave up after its retries, and why',
    options: {
      dataset,
      status: {
        value: 'status',
        doc: 'Only these; default: open and replaying',
        many: true,
        choices: ['open', 'replaying', 'resolved', 'discarded'],
      },
      error: { value: 'code', doc: 'Only with this error: connector.auth_failed' },
      limit: { value: 'n', doc: 'At most so many' },
    },
    examples: [{ line: 'granary dlq list --dataset vendor', meaning: 'the dead letters of a source' }],
    load: () => import('../commands/dlq-list.ts'),
  },
  {
    name: 'dlq show',
    section: 'Operate',
    summary: 'One dead letter with its reason, payload and history',
    arguments: [{ name: 'letter', doc: 'its id, the beginning of it, or the name of the file' }],
    examples: [{ line: 'granary dlq show 4k2m8p1x', meaning: 'why it gave up, and what to do' }],
    load: () => import('../commands/dlq-show.ts'),
  },
  {
    name: 'dlq replay',
    section: 'Operate',
    summary: 'Try dead letters again',
    description: [
      'Marks them and runs the pipelines of their sources. What succeeds is resolved; what gives up again is open again. It can be called any number of times: nothing is loaded twice.',
    ],
    arguments: [{ name: 'letter', doc: 'ids, beginnings of ids, or names of files', optional: true, many: true }],
    options: {
      all: { doc: 'All that are open' },
      dataset,
      error: { value: 'code', doc: 'Only with this error' },
    },
    examples: [
      { line: 'granary dlq replay 4k2m8p1x', meaning: 'one' },
      { line: 'granary dlq replay --all --error connector.auth_failed', meaning: 'after the password was changed' },
    ],
    load: () => import('../commands/dlq-replay.ts'),
  },
  {
    name: 'dlq discard',
    section: 'Operate',
    summary: 'End dead letters without another try',
    arguments: [{ name: 'letter', doc: 'ids, beginnings of ids, or names of files', optional: true, many: true }],
    options: {
      all: { doc: 'All that are open' },
      dataset,
      error: { value: 'code', doc: 'Only with this error' },
      reason: { value: 'text', doc: 'Why; it stays in the history' },
    },
    examples: [{ line: 'granary dlq discard 4k2m8p1x --reason "test file of the vendor"', meaning: 'one' }],
    load: () => import('../commands/dlq-discard.ts'),
  },
  {
    name: 'torture',
    section: 'Operate',
    summary: 'Kill the project’s runs at random, and prove that nothing is lost',
    description: [
      'Runs a copy of the project once undisturbed and then, from an empty data directory each time, under kills of the owner and of workers at random moments, connections that are cut, and a disk that runs full. After each pass every table, the rejects, the objects and the books must be those of the undisturbed run. The project itself and its data are not touched.',
    ],
    options: {
      kills: { value: 'n', doc: 'How many kills must hit; default: 20' },
      seed: { value: 'n', doc: 'For the same sequence again; printed with the report' },
      'no-cuts': { doc: 'Leave connections alone' },
      'no-disk': { doc: 'Do not let the disk run full' },
      keep: { doc: 'Keep the copies to look at' },
    },
    examples: [{ line: 'granary torture --kills 100', meaning: 'before you trust it with the night' }],
    load: () => import('../commands/torture.ts'),
  },
];
