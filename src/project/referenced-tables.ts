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
 * objects of its whole, so it is in the same wave. Its own table everyone finds as it is. Throws `config.invalid` on a circle of references,
 * which a project that has been loaded does not have.
 */
export function wavesOf(project: Project): Dataset[][] {
  const known = WAVES.get(project);
  if (known) return known;
  const found = inWaves([...project.sources.values()].flatMap((s) => [...s.datasets.values()]));
  if (found.circle) throw new GranaryError('config.invalid', circleText(found.circle), { hint: CIRCLE_HINT });
  WAVES.set(project, found.waves);
  return found.waves;
}

/** Every pipeline of a project asks for them. */
const WAVES = new WeakMap<Project, Dataset[][]>();

export const CIRCLE_HINT = 'Remove one of the lookups or `exists` rules; a model can join both tables afterwards';

/** `circle`: each looks things up in the next; the last is the first again. */
export function circleText(circle: readonly Dataset[]): string {
  return `datasets look each other up in a circle: ${circle.map((d) => d.key).join(' → ')}`;
}

/** Datasets with their parts and wholes, as `wavesOf` puts them in order, or the first circle. */
export function inWaves(
  datasets: readonly Dataset[],
): { waves: Dataset[][]; circle?: undefined } | { circle: Dataset[] } {
  const sorted = datasets.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const byTable = Map.groupBy(sorted, tableOf);
  const byUnit = Map.groupBy(sorted, unitOf);
  const waveOf = new Map<string, number>();
  /** The datasets on the way from the first to `unit`, each looking up the next, or the wave. */
  const visit = (unit: string, path: Dataset[]): number | Dataset[] => {
    const known = waveOf.get(unit);
    if (known !== undefined) return known;
    let wave = 0;
    for (const dataset of byUnit.get(unit)!)
      for (const other of lookedUp(dataset, byTable)) {
        const here = [...path, dataset];
        const start = here.findIndex((d) => unitOf(d) === unitOf(other));
        const found = start < 0 ? visit(unitOf(other), here) : [...here.slice(start), other];
        if (typeof found !== 'number') return found;
        wave = Math.max(wave, found + 1);
      }
    waveOf.set(unit, wave);
    return wave;
  };
  for (const dataset of sorted) {
    const wave = visit(unitOf(dataset), []);
    if (typeof wave !== 'number') return { circle: wave };
  }
  oneAtATime([...byTable.values()], waveOf);
  const waves: Dataset[][] = [];
  for (const dataset of sorted) {
    const wave = waveOf.get(unitOf(dataset))!;
    waves[wave] = [...(waves[wave] ?? []), dataset];
  }
  // A wave that moved away leaves none behind.
  return { waves: waves.filter((w) => w !== undefined) };
}

/**
 * Datasets of different units that fill one table follow each other, so that what counts as loaded does not depend on who is faster. Whole waves
 * are moved apart: what was in a later wave stays in a later one.
 */
function oneAtATime(tables: readonly Dataset[][], waveOf: Map<string, number>): void {
  for (let wave = 0; wave <= Math.max(...waveOf.values(), 0); wave++) {
    const later = new Set<string>();
    for (const datasets of tables) {
      const here = [...new Set(datasets.map(unitOf))].filter((u) => waveOf.get(u) === wave && !later.has(u));
      for (const unit of here.slice(1)) later.add(unit);
    }
    if (later.size === 0) continue;
    for (const [unit, n] of waveOf) if (n > wave || later.has(unit)) waveOf.set(unit, n + 1);
  }
}

function lookedUp(dataset: Dataset, byTable: ReadonlyMap<string, Dataset[]>): Dataset[] {
  const own = tableOf(dataset);
  return [...referencedTables(dataset).keys()]
    .map((table) => `${dataset.table.schema}.${table}`)
    .flatMap((table) => (table === own ? [] : (byTable.get(table) ?? [])));
}

function tableOf({ table }: Dataset): string {
  return `${table.schema}.${table.name}`;
}

/** What is read together: a dataset with its parts. */
function unitOf({ source, name, config }: Dataset): string {
  return `${source}/${config.part_of ?? name}`;
}
