/** The settings that both JSON formats share. */
import { s } from '../../lib/spec/fields.ts';
import type { ReadInput } from '../../ports/format.ts';
import { resolvedSources } from '../lib/sources.ts';
import type { LeafPath } from './leaf-paths.ts';
import { formatPath, type PathStep, recordsPath } from './paths.ts';

/** No path: the document itself is the record. */
export const recordsField = s.refine(
  s.text({
    doc: 'Array whose elements are the rows, where a document holds many: `lines`, `data.items`, `orders[].lines`. Columns name their full path, such as `lines[].sku`; those outside the array are repeated on each row.',
    example: 'lines',
    optional: true,
  }),
  (text, fail): string | undefined =>
    text === undefined || recordsPath(text) ? text : fail(`expected a path such as "data.items", found "${text}"`),
);

export const outsideField = s.list(s.text({ doc: 'A path from the root.' }), {
  doc: 'Given, and be it as `[]`, columns name their path within the record: `sku` for `lines[].sku`. A column outside of it begins with `$.`; those that are to count as columns of the file are listed here.',
  example: ['meta.day'],
  optional: true,
});

export interface RecordsConfig {
  records?: string | undefined;
  outside?: string[] | undefined;
}

export function recordsOf(config: RecordsConfig): PathStep[] {
  return config.records === undefined ? [] : (recordsPath(config.records) ?? []);
}

/** Where paths of columns begin, as the beginning of their full text; undefined: at the root. */
function prefixOf(config: RecordsConfig): string | undefined {
  const records = recordsOf(config);
  return config.outside && records.length > 0 ? `${formatPath(records)}.` : undefined;
}

/** Full paths of the columns that are to be read. */
export function pathsOf(input: Pick<ReadInput<RecordsConfig>, 'columns' | 'header' | 'config'>): string[] {
  const prefix = prefixOf(input.config);
  const names = resolvedSources(input);
  if (prefix === undefined) return names;
  return names.map((name) => (name.startsWith('$.') ? name.slice(2) : prefix + name));
}

/** Leaves by the names that columns have for them; without those outside the records that nobody asked for. */
export function namedLeaves(leaves: readonly LeafPath[], config: RecordsConfig): LeafPath[] {
  const prefix = prefixOf(config);
  if (prefix === undefined) return [...leaves];
  return leaves.flatMap((leaf) => {
    if (leaf.path.startsWith(prefix)) return [{ ...leaf, path: leaf.path.slice(prefix.length) }];
    return config.outside!.includes(leaf.path) ? [{ ...leaf, path: `$.${leaf.path}` }] : [];
  });
}
