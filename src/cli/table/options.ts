/** Options that several commands take. */
import type { OptionSpec } from '../command.ts';

export const dataset: OptionSpec = {
  value: 'source.dataset',
  doc: 'Only this dataset, or all of a source',
  many: true,
};
export const failOn: OptionSpec = {
  value: 'what',
  doc: 'Exit with 4 when there were any',
  many: true,
  choices: ['rejects', 'quarantine'],
};
