/** Datasets of sources without files: `read` by the connector's own spec, and what goes without saying about such a dataset. */
import type { Chosen } from '../lib/spec/fields.ts';
import type { Issue } from '../lib/spec/spec.ts';
import type { ReadDescription } from '../ports/extract.ts';
import type { ProjectComponents } from './endings.ts';
import type { ExtractSettings } from './project.ts';
import { type Report, reportIssues } from './report.ts';
import { column } from './specs/column.ts';
import { type ConnectorSpec, type DatasetConfig, load } from './specs/dataset.ts';

export interface ResolvedRead {
  extract: ExtractSettings;
  unpack: Chosen[];
  format: Chosen;
  /** With the connector's columns and the defaults that it knows. */
  config: DatasetConfig;
}

/** Settings that are about files. */
const OF_FILES = ['files', 'unpack', 'format'] as const;

export const connectorOf = (type: string, components: ProjectComponents): ConnectorSpec | undefined =>
  components.connectors.find((c) => c.type === type);

/** Undefined when there were problems; they are reported. */
export function resolveRead(
  name: string,
  config: DatasetConfig,
  source: Chosen,
  components: ProjectComponents,
  report: Report,
): ResolvedRead | undefined {
  const connector = connectorOf(source.type, components)!;
  if (!connector.read || !connector.describe) {
    const reading = components.connectors.filter((c) => c.read).map((c) => c.type);
    report.error(['read'], {
      message: `"${source.type}" offers files: it has "files", not "read"`,
      atKey: true,
      hint: `"read" is for ${reading.join(', ')}`,
    });
    return undefined;
  }
  const unfit = OF_FILES.filter((field) => config[field] !== undefined);
  for (const field of unfit)
    report.error([field], { message: `"${field}" is about files; "${source.type}" has none`, atKey: true });
  if (config.read === undefined)
    report.error([], {
      message: '"read" is missing: what the dataset is read from',
      atKey: true,
      hint: `\`granary discover\` proposes datasets of a ${source.type} source`,
    });
  if (unfit.length > 0 || config.read === undefined) return undefined;
  const issues: Issue[] = [];
  const read = connector.read.parse(config.read, [], { issues });
  reportIssues(issues, report.at('read'));
  if (issues.length > 0) return undefined;
  const { type: _, ...connection } = source;
  const described = connector.describe(read, connection);
  for (const { path, message } of described.problems ?? []) report.error(['read', ...path], { message });
  if (described.problems?.length) return undefined;
  return {
    extract: {
      read,
      feed: described.feed ?? name,
      shared: described.feed !== undefined,
      everySeconds: described.everySeconds,
      reconcileSeconds: described.reconcileSeconds,
    },
    unpack: described.unpack.map((layer) => complete(layer, components.codecs)),
    format: complete(described.format, components.formats),
    config: withDefaults(config, described),
  };
}

/** A component with the settings that a connector says, and defaults for the others. */
function complete({ type, ...settings }: Chosen, known: ProjectComponents['formats']): Chosen {
  const { spec } = known.find((c) => c.type === type)!;
  return { ...(parsed(spec, settings) as Record<string, unknown>), type };
}

function withDefaults(config: DatasetConfig, described: ReadDescription): DatasetConfig {
  const columns = { ...config.columns };
  const taken = new Set(Object.entries(columns).map(([name, c]) => c.from ?? name));
  for (const [name, { type, from }] of Object.entries(described.columns ?? {}))
    if (!taken.has(from) && !(name in columns)) columns[name] = parsed(column, { type, from });
  return {
    ...config,
    columns,
    // The same rows again are no accident here.
    identical_content: config.identical_content ?? 'load',
    load: loadOf(config.load, described.load && named(described.load, columns)),
  };
}

/** What the dataset says of how its rows enter the table, and for the rest what the connector knows. */
function loadOf(given: DatasetConfig['load'], known: Record<string, unknown> | undefined): DatasetConfig['load'] {
  if (!known) return given;
  if (given === load.info.default) return parsed(load, known);
  if (given.strategy !== 'merge' && given.strategy !== 'snapshot') return given;
  const { strategy: _, ...rest } = parsed(load, known);
  const missing = Object.entries(rest).filter(([field]) => given[field as keyof typeof given] === undefined);
  return { ...given, ...Object.fromEntries(missing) };
}

/** A connector says columns by their names at the source; a load strategy goes by those of the contract. */
function named(settings: Record<string, unknown>, columns: DatasetConfig['columns']): Record<string, unknown> {
  const names = new Map(Object.entries(columns).map(([name, c]) => [c.from ?? name, name]));
  const nameOf = (source: string) => names.get(source) ?? source;
  const out = { ...settings };
  for (const field of ['key', 'version', 'partition'])
    if (Array.isArray(out[field])) out[field] = (out[field] as string[]).map(nameOf);
  if (typeof out['deleted'] === 'string') out['deleted'] = nameOf(out['deleted']);
  return out;
}

function parsed<T>(
  spec: { parse(value: unknown, path: (string | number)[], context: { issues: Issue[] }): T | undefined },
  value: unknown,
): T {
  const issues: Issue[] = [];
  const out = spec.parse(value, [], { issues });
  if (issues.length > 0) throw new Error(issues.map((i) => i.message).join('; '));
  return out as T;
}
