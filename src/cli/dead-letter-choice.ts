/** Which dead letters a command means. */
import type { DeadLetterFilter } from '../runtime/dead-letters.ts';
import type { Call } from './command.ts';
import { usage } from './parse.ts';

/** Errors: `cli.usage` when nothing is named: all are meant only when somebody says so. */
export function chosenLetters({ arguments: ids, options }: Call): DeadLetterFilter {
  const datasets = options.list('dataset');
  const error = options.text('error');
  if (ids.length === 0 && datasets.length === 0 && error === undefined && !options.on('all'))
    throw usage('Which dead letters?', 'Name them, or use --dataset, --error or --all.');
  return {
    ...(ids.length > 0 && { ids }),
    ...(datasets.length > 0 && { datasets }),
    ...(error !== undefined && { error }),
    statuses: ['open', 'replaying'],
  };
}
