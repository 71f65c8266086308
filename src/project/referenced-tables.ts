/** Which tables of the warehouse a dataset looks things up in, and the order that follows. Pure. */
import { GranaryError } from '../lib/errors.ts';
import type { Dataset, Project } from './project.ts';

/** Columns that are needed, by table: those of lookups and of `exists` rules. */
export function referencedTables(dataset: Dataset): Map<string, string[]> {
  const tables = new Map<string, Set<string>>();
  const add = (table: string, columns: string[]) => {
    const set = tables.get(table) ?? new Set<string>();
    for (const c of columns) set.add(c);
    tables.set(table, set);
  };
  for (const l of dataset.config.lookups ?? []) add(l.table, [...Object.values(l.on), ...Object.values(l.take)]);
  for (const r of dataset.config.rules ?? []) if (r.exists) add(r.exists.table, r.exists.key ?? r.exists.columns);
  return new Map([...tables].map(([t, c]) => [t, [...c]]));
}

/**
 * Datasets in waves: each looks things up only in tables that datasets of earlier waves fill. By key within a wave. A part is read with the
 * objects of its whole, so it is one with it. Throws `config.invalid` on a circle of references.
 */
export function wavesOf(project: Project): Dataset[][] {
  const datasets = [...project.sources.values()]
    .flatMap((s) => [...s.datasets.values()])
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const byTable = Map.groupBy(datasets, (d) => `${d.table.schema}.${d.table.name}`);
  const waveOf = new Map<Dataset, number>();
  const visit = (dataset: Dataset, path: Dataset[]): number => {
    const known = waveOf.get(dataset);
    if (known !== undefined) return known;
    if (path.includes(dataset)) throw circle([...path, dataset]);
    const here = [...path, dataset];
    let wave = 0;
    for (const table of referencedTables(dataset).keys())
      for (const other of byTable.get(`${dataset.table.schema}.${table}`) ?? [])
        if (other !== dataset) wave = Math.max(wave, visit(other, here) + 1);
    for (const part of dataset.parts)
      wave = Math.max(wave, visit(project.sources.get(dataset.source)!.datasets.get(part)!, here));
    waveOf.set(dataset, wave);
    return wave;
  };
  const waves: Dataset[][] = [];
  for (const dataset of datasets) {
    const wave = visit(dataset, []);
    waves[wave] = [...(waves[wave] ?? []), dataset];
  }
  return waves;
}

function circle(path: Dataset[]): GranaryError {
  return new GranaryError(
    'config.invalid',
    `Datasets look each other up in a circle: ${path.map((d) => d.key).join(' → ')}.`,
    { hint: 'Remove one of the lookups or `exists` rules; a model can join both tables afterwards.' },
  );
}
