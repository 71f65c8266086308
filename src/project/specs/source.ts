/** `sources/*.yaml`: one system data comes from, and its datasets. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import { type ComponentSpecs, datasetSpec, NAME } from './dataset.ts';
import { overlapSpec, pollSpec, scheduleSpec } from './schedule.ts';

export function sourceSpec(components: ComponentSpecs) {
  return s.object(
    {
      description: s.text({ doc: 'What it is, for the catalog.', optional: true }),
      tenant: s.text({ doc: 'Whose data it is.', default: 'main', pattern: NAME }),
      connector: s.variants(components.connectors, {
        doc: 'How it is reached.',
        example: { type: 'folder', path: 'inbox' },
      }),
      transfers: s.integer({ doc: 'Files transferred at once.', default: 4, min: 1, max: 64 }),
      schedule: scheduleSpec,
      overlap: overlapSpec,
      poll: pollSpec,
      max_lag: s.duration({
        doc: 'How far the changes of a database may be behind before it is told of, in seconds or with a unit.',
        default: 300,
        example: '5 min',
      }),
      datasets: s.map(datasetSpec(components), { doc: 'Its datasets, by name.', names: NAME }),
    },
    { doc: 'One system data comes from: a connector and its datasets.' },
  );
}
export type SourceConfig = Infer<ReturnType<typeof sourceSpec>>;
