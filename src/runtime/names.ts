/** Names that people use for datasets: `source.dataset`, or `source` for all of its datasets. Pure. */
import { GranaryError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import type { Project } from '../project/project.ts';

/** `tenant/source/dataset` to `source.dataset`. */
export function shortName(key: string): string {
  return key.split('/').slice(1).join('.');
}

/** Is the dataset of a key among the named ones? No names: all are. */
export function isInDatasets(key: string, names: readonly string[]): boolean {
  const short = shortName(key);
  return names.length === 0 || names.some((n) => n === short || n === key || short.startsWith(`${n}.`));
}

/** Errors: `stage.bad_input` for a name that the project has no source or dataset of, with the nearest one. */
export function checkDatasets(names: readonly string[], project: Project): void {
  const known = [...project.sources.values()].flatMap((s) => [
    s.name,
    ...[...s.datasets.keys()].map((d) => `${s.name}.${d}`),
  ]);
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = nearest(name, known) ?? known.find((k) => k.endsWith(`.${name}`));
    throw new GranaryError('stage.bad_input', `The project has no source or dataset "${name}".`, {
      hint: near ? `Did you mean ${near}?` : `There are: ${known.filter((k) => k.includes('.')).join(', ')}.`,
    });
  }
}
