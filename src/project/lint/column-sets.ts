/** The columns of a dataset at the stations of its way. */
import { nearest } from '../../lib/nearest.ts';
import type { Path } from '../../lib/spec/common.ts';
import type { ColumnType } from '../../model/schema.ts';
import type { Dataset } from '../project.ts';
import type { Report } from '../report.ts';

export interface ColumnSets {
  /** Contract, transformed, computed and looked-up columns: what rules and expressions may name. */
  all: Set<string>;
  /** Those that are not dropped: what the table has. */
  stored: Set<string>;
}

type Contract = Pick<Dataset, 'config' | 'transform'>;

export function columnSets({ config, transform }: Contract): ColumnSets {
  const taken = (config.lookups ?? []).flatMap((l) => Object.keys(l.take));
  const all = new Set(
    [config.columns, transform?.columns ?? {}, config.computed ?? {}].flatMap((c) => Object.keys(c)).concat(taken),
  );
  const dropped = new Set(config.drop ?? []);
  return { all, stored: new Set([...all].filter((c) => !dropped.has(c))) };
}

/** Types of stored columns by name; undefined for those that only the engine knows (computed, looked up). */
export function storedTypes(dataset: Contract): Map<string, ColumnType | undefined> {
  const typeOf = (name: string) => dataset.config.columns[name]?.type ?? dataset.transform?.columns[name];
  return new Map([...columnSets(dataset).stored].map((name) => [name, typeOf(name)]));
}

/** Reports a name that is none of the columns. `path` is that of the name. */
export function expectColumn(name: string, { all }: ColumnSets, report: Report, path: Path, atKey = false): boolean {
  if (all.has(name)) return true;
  report.error(path, {
    message: `there is no column "${name}" in this dataset`,
    suggestion: nearest(name, all),
    atKey,
  });
  return false;
}

export function expectStored(name: string, sets: ColumnSets, report: Report, path: Path): void {
  if (!expectColumn(name, sets, report, path) || sets.stored.has(name)) return;
  report.error(path, {
    message: `column "${name}" is dropped, so the table does not have it`,
    hint: 'Take it out of "drop"',
  });
}

/** Each name of a list with its path. */
export function withPaths(names: readonly string[] | undefined, path: Path): [name: string, path: Path][] {
  return (names ?? []).map((name, i) => [name, [...path, i]]);
}
