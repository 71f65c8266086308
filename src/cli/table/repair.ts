/** Commands of the section “Repair”. */
import type { CommandSpec } from '../command.ts';
import { dataset, failOn } from './options.ts';

export const REPAIR: readonly CommandSpec[] = [
  {
    name: 'quarantine list',
    section: 'Repair',
    summary: 'Objects that failed verification, with every reason',
    options: { dataset },
    examples: [{ line: 'granary quarantine list', meaning: 'what is held, and why' }],
    load: () => import('../commands/quarantine-list.ts'),
  },
  {
    name: 'quarantine show',
    section: 'Repair',
    summary: 'One object in quarantine: its record and every reason',
    arguments: [{ name: 'object', doc: 'its id, the beginning of it, or its file name' }],
    options: { to: { value: 'file', doc: 'Also write the received bytes to a file, as they came' } },
    examples: [{ line: 'granary quarantine show sales_20261119.csv --to bad.csv', meaning: 'look at the file itself' }],
    load: () => import('../commands/quarantine-show.ts'),
  },
  {
    name: 'quarantine release',
    section: 'Repair',
    summary: 'Let an object pass its verification as it is, and load it',
    description: [
      'Damage that leaves nothing to read cannot be released: fix the settings and replay, or have the file sent again.',
    ],
    arguments: [{ name: 'object', doc: 'its id, the beginning of it, or its file name', many: true }],
    examples: [{ line: 'granary quarantine release 7dk2m9', meaning: 'load it in spite of its reasons' }],
    load: () => import('../commands/quarantine-release.ts'),
  },
  {
    name: 'replay',
    section: 'Repair',
    summary: 'Process objects again after a fix, without loading anything twice',
    description: [
      'What an object has loaded stays until its new rows take its place, in one transaction. With an unchanged project a replay changes nothing.',
    ],
    arguments: [{ name: 'object', doc: 'ids, beginnings of ids, or file names', optional: true, many: true }],
    options: {
      dataset,
      quarantined: { doc: 'Objects in quarantine' },
      rejects: { doc: 'Loaded objects that have rejects' },
      'fail-on': failOn,
    },
    examples: [
      { line: 'granary replay --rejects --dataset pos.sales', meaning: 'after a rule or a type was corrected' },
      { line: 'granary replay --quarantined', meaning: 'after a key or a setting was corrected' },
    ],
    load: () => import('../commands/replay.ts'),
  },
  {
    name: 'gc',
    section: 'Repair',
    summary: 'What the data directory holds that nothing needs',
    options: { remove: { doc: 'Remove it; without this it is only listed' } },
    examples: [{ line: 'granary gc --remove', meaning: 'after crashes, replays and newer files' }],
    load: () => import('../commands/gc.ts'),
  },
];
