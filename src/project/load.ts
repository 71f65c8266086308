/**
 * Loads a project: reads its files, lays the environment's values over them, resolves references, checks everything against the specs
 * and across files, and gives the model that stages work on; or one error with every problem and its position.
 */
import { resolve } from 'node:path';
import type { Issue } from '../lib/spec/spec.ts';
import type { ProjectComponents } from './endings.ts';
import { type Overrides, overridesOf } from './environments.ts';
import { checkExpectation } from './lint/expectations.ts';
import { checkNotifications } from './lint/notifications.ts';
import { checkSchedules } from './lint/schedules.ts';
import { type LintSource, lint } from './lint.ts';
import { type Loading, loadTree, type Tree } from './load-tree.ts';
import { pipelinesOf, startsByItself } from './pipelines.ts';
import { type Problem, problemsError, sortProblems } from './problems.ts';
import type { Dataset, Project, Source } from './project.ts';
import { readProjectFiles, type TextFile } from './project-files.ts';
import { referenceResolver, type SecretLookup } from './references.ts';
import { type Findings, reportIssues, reportOn } from './report.ts';
import { type ResolvedDataset, resolveDatasets } from './resolve-datasets.ts';
import { type DatasetConfig, NAME } from './specs/dataset.ts';
import { type ProjectConfig, projectSpec } from './specs/project.ts';
import { pollSpec } from './specs/schedule.ts';
import { type SourceConfig, sourceSpec } from './specs/source.ts';
import { parseYamlFile, type YamlFile } from './yaml-file.ts';

export interface LoadOptions {
  /** The folder of granary.yaml, see `findProject`. */
  dir: string;
  /** Name of an environment; `GRANARY_ENV` of `env` if not given; none if neither. */
  environment?: string;
  components: ProjectComponents;
  secrets: SecretLookup;
  env?: Readonly<Record<string, string | undefined>>;
}

export interface LoadedProject {
  project: Project;
  /** What works but is probably not meant; in order of file and position. */
  warnings: Problem[];
}

/**
 * Errors: `config.not_found`; `config.invalid`, whose message lists all problems, one per line, and whose `details.problems` holds them
 * as `Problem[]`. Secrets that were resolved are registered with `redact`.
 */
export async function loadProject(options: LoadOptions): Promise<LoadedProject> {
  const env = options.env ?? process.env;
  const dir = resolve(options.dir);
  const environment = options.environment ?? (env.GRANARY_ENV || undefined);
  const files = await readProjectFiles(dir);
  const findings: Findings = { problems: [], warnings: [] };
  const loading: Loading = { findings, resolver: referenceResolver({ secrets: options.secrets, env }) };

  const root = parseFile(files.project, findings);
  const sourceNames = files.sources.map((s) => s.name);
  const overrides = readOverrides(root, environment, sourceNames, findings);
  const rootTree = await loadRoot(root, environment, overrides, loading);
  const config = rootTree?.config;

  const spec = sourceSpec(options.components);
  const sources: LoadedSource[] = [];
  for (const file of files.sources) {
    checkSourceName(file, sourceNames, findings);
    const yaml = parseFile(file, findings);
    if (!yaml) continue;
    const over = {
      yaml: root,
      at: ['environments', environment ?? '', 'sources', file.name],
      value: overrides.sources[file.name],
    };
    const tree = await loadTree(spec, yaml, over, [], loading);
    if (tree.config) sources.push(resolveSource(file, tree.config, tree, options.components));
  }
  lint({
    tenants: config?.tenants,
    hasMaskKey: !config || config.mask_key !== undefined,
    sources: sources.map((s) => s.forLint),
  });
  checkSchedules({
    config,
    report: rootTree?.report,
    sourceNames,
    sources: sources.map(({ source, forLint: { report, datasets } }) => ({ source, report, datasets })),
  });
  for (const { dataset, report } of sources.flatMap((s) => s.forLint.datasets))
    checkExpectation(dataset, config && Object.keys(config.calendars ?? {}), report);
  if (rootTree && config?.notifications) {
    const datasets = sources.flatMap((s) => [...s.source.datasets.values()].map((d) => d.key));
    const known = { tenants: config.tenants, datasets };
    checkNotifications(config.notifications, known, rootTree.report.at('notifications'));
  }

  if (findings.problems.length > 0) throw problemsError(findings.problems);
  const project: Project = {
    dir,
    dataDir: resolve(dir, config!.data_dir),
    environment,
    config: config!,
    sources: new Map(sources.map((s) => [s.source.name, s.source])),
  };
  warnOfIdleFeeds(project, sources);
  return { project, warnings: sortProblems(findings.warnings) };
}

/** Files start their source by arriving; a table does not. */
function warnOfIdleFeeds(project: Project, sources: LoadedSource[]): void {
  const pipelines = pipelinesOf(project).filter(startsByItself);
  for (const { source, forLint } of sources) {
    const datasets = [...source.datasets.values()];
    if (datasets.length === 0 || !datasets.every((d) => d.extract) || source.config.schedule) continue;
    if (pipelines.some((p) => p.sources.includes(source.name))) continue;
    forLint.report.warn(['connector'], {
      message: 'nothing starts this source by itself under `granary up`',
      atKey: true,
      hint: 'Say when it is read: schedule: every 15 min; or schedule: manual',
    });
  }
}

/** Undefined when the file has problems of syntax. */
function parseFile({ file, text }: TextFile, findings: Findings): YamlFile | undefined {
  const { yaml, problems } = parseYamlFile(file, text);
  findings.problems.push(...problems);
  return problems.length > 0 ? undefined : yaml;
}

function readOverrides(
  root: YamlFile | undefined,
  environment: string | undefined,
  sourceNames: string[],
  findings: Findings,
): Overrides {
  if (!root) return { project: undefined, sources: {} };
  const issues: Issue[] = [];
  const overrides = overridesOf(root.value, environment, sourceNames, issues);
  reportIssues(issues, reportOn([{ yaml: root, at: [] }], findings));
  return overrides;
}

async function loadRoot(
  root: YamlFile | undefined,
  environment: string | undefined,
  overrides: Overrides,
  loading: Loading,
): Promise<Tree<ProjectConfig> | undefined> {
  if (!root) return undefined;
  const over = { yaml: root, at: ['environments', environment ?? '', 'override'], value: overrides.project };
  return loadTree(projectSpec, root, over, ['environments'], loading);
}

interface LoadedSource {
  source: Source;
  forLint: LintSource;
}

function resolveSource(
  { name, file }: { name: string; file: string },
  config: SourceConfig,
  { issues, report }: Tree<SourceConfig>,
  components: ProjectComponents,
): LoadedSource {
  const tenant = config.tenant ?? 'main';
  const faulty = new Set(issues.flatMap((i) => (i.path[0] === 'datasets' && i.path[1] ? [String(i.path[1])] : [])));
  const all = Object.entries((config.datasets ?? {}) as Record<string, DatasetConfig>);
  const configs = new Map(all.filter(([dataset]) => !faulty.has(dataset)));
  const names = [...new Set([...all.map(([dataset]) => dataset), ...faulty])];
  // Without a connector that can be used nothing can be said of its datasets.
  const connector = config.connector as SourceConfig['connector'] | undefined;
  const datasets = connector
    ? resolveDatasets({ source: name, tenant, connector, configs, names, components, report })
    : new Map<string, ResolvedDataset>();
  const resolved = new Map([...datasets].map(([k, d]) => [k, d.dataset]));
  return {
    source: { name, file, tenant, config: withPollOf(config, [...resolved.values()]), datasets: resolved },
    forLint: { name, tenant, report, datasets: [...datasets.values()] },
  };
}

/** A source with a feed that is always open is looked at as often as that says, where the source says nothing else. */
function withPollOf(config: SourceConfig, datasets: Dataset[]): SourceConfig {
  const every = Math.min(...datasets.map((d) => d.extract?.everySeconds ?? Number.POSITIVE_INFINITY));
  if (!Number.isFinite(every) || config.poll !== pollSpec.info.default) return config;
  return { ...config, poll: { min: every, max: Math.max(every, 10) } };
}

function checkSourceName(
  { name, file }: { name: string; file: string },
  names: string[],
  { problems }: Findings,
): void {
  const at = { file, line: 1, column: 1 };
  if (!NAME.regex.test(name))
    problems.push({
      ...at,
      message: `"${name}" is not ${NAME.meaning}`,
      hint: 'A source is called as its file: rename the file',
    });
  if (names.indexOf(name) !== names.lastIndexOf(name))
    problems.push({ ...at, message: `two files are called "${name}"`, hint: 'Keep one of .yaml and .yml' });
}
