/** The order in which datasets are processed: reference tables before the datasets that look things up in them. Pure. */
import { GranaryError } from '../lib/errors.ts';
import type { Dataset, Project } from '../project/project.ts';
import { referencedTables } from '../stages/curate/plan.ts';

/** Every dataset that takes files or is a part, references first, then by key. Throws `config.invalid` on a circle of references. */
export function processingOrder(project: Project): Dataset[] {
  const datasets = [...project.sources.values()]
    .flatMap((s) => [...s.datasets.values()])
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const byTable = Map.groupBy(datasets, (d) => `${d.table.schema}.${d.table.name}`);
  const out: Dataset[] = [];
  const state = new Map<Dataset, 'visiting' | 'done'>();
  const visit = (dataset: Dataset, path: string[]) => {
    if (state.get(dataset) === 'done') return;
    if (state.get(dataset) === 'visiting') {
      throw new GranaryError(
        'config.invalid',
        `Datasets look each other up in a circle: ${[...path, dataset.key].join(' → ')}.`,
        {
          hint: 'Remove one of the lookups or `exists` rules; a model can join both tables afterwards.',
        },
      );
    }
    state.set(dataset, 'visiting');
    for (const table of referencedTables(dataset).keys()) {
      for (const other of byTable.get(`${dataset.table.schema}.${table}`) ?? [])
        if (other !== dataset) visit(other, [...path, dataset.key]);
    }
    for (const part of dataset.parts)
      visit(project.sources.get(dataset.source)!.datasets.get(part)!, [...path, dataset.key]);
    state.set(dataset, 'done');
    out.push(dataset);
  };
  for (const dataset of datasets) visit(dataset, []);
  return out;
}
