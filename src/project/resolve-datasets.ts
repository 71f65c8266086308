/** From the configuration of a source's datasets to datasets as stages see them: layers, format, table, parts and contract hash. */
import { nearest } from '../lib/nearest.ts';
import type { Chosen } from '../lib/spec/fields.ts';
import type { Issue } from '../lib/spec/spec.ts';
import { contractHash } from './contract-hash.ts';
import { type NamedByEnding, type ProjectComponents, readEndings } from './endings.ts';
import { compileNamePattern, type NamePattern } from './name-pattern.ts';
import type { Dataset } from './project.ts';
import type { Report } from './report.ts';
import { connectorOf, resolveRead } from './resolve-read.ts';
import type { DatasetConfig } from './specs/dataset.ts';

export interface ResolvedDataset {
  dataset: Dataset;
  /** Of its own files, of those that are made of what it reads, or of those of the dataset it is part of. */
  pattern: NamePattern;
  /** Paths start at the dataset. */
  report: Report;
}

export interface DatasetsInput {
  source: string;
  tenant: string;
  /** The source's connector. */
  connector: Chosen;
  /** Datasets without problems of their own. */
  configs: ReadonlyMap<string, DatasetConfig>;
  /** Names of all datasets, with those that have problems. */
  names: string[];
  components: ProjectComponents;
  /** Paths start at the source. */
  report: Report;
}

/** Datasets that cannot be resolved are reported and left out. */
export function resolveDatasets(input: DatasetsInput): Map<string, ResolvedDataset> {
  const resolved = new Map<string, ResolvedDataset>();
  const parts = [...input.configs].filter(([, config]) => config.part_of !== undefined);
  for (const [name, config] of input.configs) {
    const report = input.report.at('datasets', name);
    if (config.part_of !== undefined) continue;
    if (config.read !== undefined || connectorOf(input.connector.type, input.components)?.read) {
      const read = resolveRead(name, config, input.connector, input.components, report);
      if (!read) continue;
      const dataset = { ...assemble(input, name, read.config, read.unpack, read.format, []), extract: read.extract };
      resolved.set(name, { dataset, pattern: compileNamePattern(`${name}/*`), report });
      continue;
    }
    const files = resolveFiles(config, input.components, report);
    if (!files) continue;
    const partNames = parts.filter(([, part]) => part.part_of === name).map(([part]) => part);
    const dataset = assemble(input, name, config, files.unpack, files.format, partNames);
    resolved.set(name, { dataset, pattern: files.pattern, report });
  }
  for (const [name, config] of parts) {
    const report = input.report.at('datasets', name);
    const whole = checkPart(name, config, input, report) ? resolved.get(config.part_of!) : undefined;
    if (!whole) continue;
    const ofWhole =
      config.record === undefined ? whole.dataset.format : { ...whole.dataset.format, record: config.record };
    const format = config.format ?? ofWhole;
    const dataset = assemble(input, name, config, whole.dataset.unpack, format, []);
    resolved.set(name, { dataset, pattern: whole.pattern, report });
  }
  // In the order of the file.
  return new Map(
    [...input.configs.keys()].flatMap((name) => (resolved.has(name) ? [[name, resolved.get(name)!]] : [])),
  );
}

function assemble(
  { source, tenant, components }: DatasetsInput,
  name: string,
  config: DatasetConfig,
  unpack: Chosen[],
  format: Chosen,
  parts: string[],
): Dataset {
  const formatSpec = components.formats.find((f) => f.type === format.type)!.spec;
  const transform = components.transforms.find((t) => t.type === config.transform?.type);
  return {
    key: `${tenant}/${source}/${name}`,
    tenant,
    source,
    name,
    config,
    unpack,
    format,
    ...(transform && { transform: { ...chosen(config.transform!), columns: transform.columns } }),
    table: { schema: tenant, name: config.table ?? name },
    parts,
    contractHash: contractHash(config, unpack, format, formatSpec, transform),
  };
}

const chosen = ({ type, ...config }: Chosen) => ({ type, config });

function checkPart(name: string, config: DatasetConfig, { configs, names }: DatasetsInput, report: Report): boolean {
  const whole = config.part_of!;
  if (config.files !== undefined)
    report.error(['files'], {
      message: 'a dataset with "part_of" has no "files": it reads those of the other',
      atKey: true,
    });
  if (config.unpack !== undefined)
    report.error(['unpack'], { message: `a part is unpacked as "${whole}" is; leave out "unpack"`, atKey: true });
  if (!names.includes(whole))
    report.error(['part_of'], {
      message: `there is no dataset "${whole}" in this source`,
      suggestion: nearest(
        whole,
        names.filter((n) => n !== name),
      ),
    });
  else if (whole === name) report.error(['part_of'], 'a dataset cannot be part of itself');
  else if (configs.get(whole)?.part_of !== undefined)
    report.error(['part_of'], `"${whole}" is itself a part; name the dataset that has the files`);
  else return true;
  return false;
}

function resolveFiles(config: DatasetConfig, components: ProjectComponents, report: Report) {
  if (config.files === undefined) {
    report.error([], {
      message: '"files" is missing: which files the dataset is made of',
      atKey: true,
      hint: 'A dataset has "files" or "part_of"',
    });
    return undefined;
  }
  const pattern = tryPattern(config.files, report);
  const endings = readEndings(config.files, components);
  const unpack = (config.unpack as Chosen[] | undefined) ?? inferUnpack(endings.codecs, components.codecs, report);
  const format = config.format ?? inferFormat(config, endings, components.formats, report);
  return pattern && unpack && format ? { pattern, unpack, format } : undefined;
}

function tryPattern(files: string, report: Report): NamePattern | undefined {
  try {
    return compileNamePattern(files);
  } catch (error) {
    report.error(['files'], (error as Error).message);
    return undefined;
  }
}

type Inferred = { type: string; ending: string };

function inferUnpack(inferred: Inferred[], codecs: readonly NamedByEnding[], report: Report): Chosen[] | undefined {
  const types = inferred.map((i) => i.type);
  const layers = inferred.map((i) => {
    const { chosen, problem } = withDefaults(i.type, codecs);
    if (problem)
      report.error(['files'], {
        message: `"${i.ending}" means ${i.type}, which cannot be used without settings: ${problem}`,
        hint: `Write "unpack" with them: unpack: [${types.map((t) => (t === i.type ? `{ type: ${t}, … }` : t)).join(', ')}]`,
      });
    return chosen;
  });
  return layers.every((layer) => layer !== undefined) ? layers : undefined;
}

function inferFormat(
  config: DatasetConfig,
  endings: { format: Inferred | undefined; inner: string },
  formats: readonly NamedByEnding[],
  report: Report,
): Chosen | undefined {
  const types = formats.map((f) => f.type).join(', ');
  if (!endings.format) {
    report.error(['files'], {
      message: `cannot tell the format from "${config.files}"`,
      hint: `Add "format": one of ${types}`,
    });
    return undefined;
  }
  const { chosen, problem } = withDefaults(endings.format.type, formats);
  if (problem)
    report.error(['files'], {
      message: `"${endings.format.ending}" means ${endings.format.type}, which cannot be used without settings: ${problem}`,
      hint: `Write them under "format": format: { type: ${endings.format.type}, … }`,
    });
  return chosen;
}

/** The component with nothing but defaults, or what it needs. */
function withDefaults(type: string, components: readonly NamedByEnding[]): { chosen?: Chosen; problem?: string } {
  const issues: Issue[] = [];
  const config = components.find((c) => c.type === type)!.spec.parse({}, [], { issues });
  return issues.length > 0 ? { problem: issues.map((i) => i.message).join('; ') } : { chosen: { ...config, type } };
}
