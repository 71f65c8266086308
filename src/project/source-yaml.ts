/** Writes `sources/<name>.yaml` from what discovery found: readable, commented, and valid as it is. */
import { Document, isCollection, isMap, isScalar, type Node, type YAMLMap } from 'yaml';
import { formatCount } from '../lib/units.ts';
import type { DiscoveredColumn } from '../ports/format.ts';
import { columnNames } from './names.ts';
import { SOURCE_SCHEMA, schemaLine } from './schema-files.ts';

export interface DraftSource {
  /** Also the name of the file. */
  name: string;
  description?: string;
  tenant?: string;
  /** With references in place of secrets. */
  connector: { type: string; [setting: string]: unknown };
  datasets: DraftDataset[];
  /** Of a source without files. */
  reads?: DraftRead[];
}

/** A dataset that reads something other than files. */
export interface DraftRead {
  name: string;
  /** As in YAML. */
  read: unknown;
  columns: { name: string; from: string; type: string; required: boolean; note?: string }[];
  load: Record<string, unknown> | undefined;
  key: string[];
  /** Estimate. */
  rows: number | undefined;
  notes: string[];
}

export interface DraftDataset {
  name: string;
  /** A file pattern, see `name-pattern.ts`. */
  files: string;
  /** Only where the endings of `files` do not say it. */
  unpack?: (string | { type: string; [setting: string]: unknown })[];
  /** `settings` are those that differ from their defaults. `inferred`: the ending of `files` says the type. */
  format: { type: string; inferred: boolean; settings: Record<string, unknown> };
  columns: DiscoveredColumn[];
  rowsSeen: number;
  /** Columns (by their name in the file) that together identified every row; the best first. */
  suggestedKeys: string[][];
  /** Things a person should decide or know. */
  notes: string[];
  /** Datasets of other records in the same files. */
  parts?: DraftPart[];
}

/** A dataset that is `part_of` another. `record`: the setting of its format. */
export interface DraftPart extends Pick<DraftDataset, 'name' | 'columns' | 'rowsSeen' | 'suggestedKeys' | 'notes'> {
  record: string;
}

/** The text of the file. It loads without problems when `name`, `files` and the connector are right. */
export function writeSourceYaml(source: DraftSource): string {
  const document = new Document({
    ...(source.description !== undefined && { description: source.description }),
    ...(source.tenant !== undefined && { tenant: source.tenant }),
    connector: source.connector,
    datasets: Object.fromEntries([
      ...source.datasets.flatMap((d) => [
        [d.name, datasetTree(d)] as const,
        ...(d.parts ?? []).map((part) => [part.name, partTree(d, part)] as const),
      ]),
      ...(source.reads ?? []).map((d) => [d.name, readTree(d)] as const),
    ]),
  });
  document.commentBefore = schemaLine(`sources/${source.name}.yaml`, SOURCE_SCHEMA).slice(1);
  for (const dataset of source.datasets) {
    annotate(document.getIn(['datasets', dataset.name]) as YAMLMap, dataset, 'files');
    for (const part of dataset.parts ?? [])
      annotate(document.getIn(['datasets', part.name]) as YAMLMap, part, 'part_of');
  }
  for (const read of source.reads ?? []) annotateRead(document.getIn(['datasets', read.name]) as YAMLMap, read);
  separate(document.get('datasets') as YAMLMap);
  // No folding: a comment or an expression stays the line it is.
  return document.toString({ lineWidth: 0 });
}

function datasetTree(dataset: DraftDataset): Record<string, unknown> {
  const { type, inferred, settings } = dataset.format;
  const isDefault = inferred && Object.keys(settings).length === 0;
  return {
    files: dataset.files,
    ...(dataset.unpack && { unpack: dataset.unpack }),
    ...(!isDefault && { format: Object.keys(settings).length === 0 ? type : { type, ...settings } }),
    columns: columnsTree(dataset.columns),
    load: 'append',
  };
}

function partTree(whole: DraftDataset, { record, columns }: DraftPart): Record<string, unknown> {
  return { part_of: whole.name, record, columns: columnsTree(columns), load: 'append' };
}

function columnsTree(columns: readonly DiscoveredColumn[]): Record<string, unknown> {
  const names = namesOf(columns);
  return Object.fromEntries(columns.map((column, i) => [names[i]!, columnTree(column, names[i]!)]));
}

const namesOf = (columns: readonly DiscoveredColumn[]) => columnNames(columns.map((c) => c.name ?? c.source));

function readTree({ read, columns, load }: DraftRead): Record<string, unknown> {
  return {
    read,
    columns: Object.fromEntries(
      columns.map(({ name, from, type, required }) => {
        const settings = { ...(from !== name && { from: literal(from) }), ...(required && { required }) };
        return [name, Object.keys(settings).length === 0 ? type : { type, ...settings }];
      }),
    ),
    ...(load && { load }),
  };
}

function annotateRead(tree: YAMLMap, { columns, notes, rows }: DraftRead): void {
  const map = tree.get('columns') as YAMLMap;
  for (const { value } of map.items) flow(value);
  flow(tree.get('load', true));
  const seen = rows === undefined ? [] : [`About ${formatCount(rows)} ${rows === 1 ? 'row' : 'rows'}.`];
  commentKey(tree, 'read', [...notes.map((note) => `To check: ${note}`), ...seen]);
  for (const { name, note } of columns) if (note !== undefined) commentKey(map, name, [note]);
}

/** Text of a file that looks like a reference is none. */
const literal = (text: string) => text.replaceAll('${', () => '$${');

/** The type alone where that says everything. */
function columnTree(column: DiscoveredColumn, name: string): unknown {
  const settings = {
    ...(column.source !== name && { from: literal(column.source) }),
    ...(column.format !== undefined && { format: column.format }),
    ...(column.decimal !== undefined && { decimal: column.decimal }),
  };
  return Object.keys(settings).length === 0 ? column.type : { type: column.type, ...settings };
}

function annotate(tree: YAMLMap, dataset: DraftDataset | DraftPart, first: 'files' | 'part_of'): void {
  const names = namesOf(dataset.columns);
  const nameOf = new Map(dataset.columns.map((c, i) => [c.source, names[i]!]));
  for (const field of ['unpack', 'format']) flow(tree.get(field, true));
  const columns = tree.get('columns') as YAMLMap;
  for (const { value } of columns.items) flow(value);

  commentKey(
    tree,
    first,
    dataset.notes.map((note) => `To check: ${note}`),
  );
  const complete = dataset.columns.flatMap((c, i) => (c.nullable ? [] : [names[i]!]));
  commentKey(tree, 'columns', [
    `From ${formatCount(dataset.rowsSeen)} ${dataset.rowsSeen === 1 ? 'row' : 'rows'}.${complete.length > 0 ? ` Never empty in them: ${complete.join(', ')}` : ''}`,
  ]);
  commentKey(tree, 'load', loadAdvice(dataset.suggestedKeys.map((key) => key.map((c) => nameOf.get(c) ?? c))));
}

function loadAdvice([best, ...others]: string[][]): string[] {
  if (!best) return ['No column identifies a row, so rows can only be added.'];
  return [
    `Rows were told apart by ${[best, ...others].map((key) => key.join(' + ')).join(', or by ')}. To keep only the newest row of each:`,
    `load: { strategy: merge, key: [${best.join(', ')}] }`,
  ];
}

function commentKey(tree: YAMLMap, field: string, lines: string[]): void {
  const key = tree.items.find((pair) => isScalar(pair.key) && pair.key.value === field)?.key as Node | undefined;
  if (key && lines.length > 0) key.commentBefore = lines.map((line) => ` ${line.replaceAll(/\s+/g, ' ')}`).join('\n');
}

/** On one line. */
function flow(node: unknown): void {
  if (isCollection(node)) node.flow = true;
}

/** A blank line before each dataset but the first. */
function separate(datasets: YAMLMap): void {
  for (const { key, value } of datasets.items.slice(1)) if (isMap(value)) (key as Node).spaceBefore = true;
}
