/** The connector that discovery goes through: of a source of the project, or as given on the command line. */
import { resolve } from 'node:path';
import { GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { isMapping } from '../../lib/spec/common.ts';
import type { Chosen } from '../../lib/spec/fields.ts';
import type { Issue, ObjectSpec } from '../../lib/spec/spec.ts';
import { overlay, overridesOf } from '../../project/environments.ts';
import { problemsError } from '../../project/problems.ts';
import { readProjectFiles } from '../../project/project-files.ts';
import { referenceResolver } from '../../project/references.ts';
import { parseYamlFile } from '../../project/yaml-file.ts';
import { catalogOf } from '../project-catalog.ts';
import { secretsOf } from '../secrets.ts';

type Tree = Record<string, unknown>;

export interface SourceFile {
  /** Relative to the project folder. */
  file: string;
  text: string;
  /** As written, with what the environment lays over it; references unresolved. */
  tree: Tree;
}

/** Reads one source without asking that the whole project be right: it may have no datasets yet. Errors: `config.invalid`. */
export async function readSource(dir: string, name: string, environment: string | undefined): Promise<SourceFile> {
  const { project, sources } = await readProjectFiles(dir);
  const found = sources.find((s) => s.name === name);
  if (!found) {
    const near = nearest(
      name,
      sources.map((s) => s.name),
    );
    throw new GranaryError('config.invalid', `There is no source "${name}".`, {
      hint: near ? `Did you mean ${near}?` : 'For a new source: granary discover --connector <type> --name <name>',
    });
  }
  const issues: Issue[] = [];
  const root = parseYamlFile(project.file, project.text);
  const { yaml, problems } = parseYamlFile(found.file, found.text);
  const overrides = overridesOf(
    root.yaml.value,
    environment,
    sources.map((s) => s.name),
    issues,
  );
  if (problems.length > 0) throw problemsError(problems);
  if (issues.length > 0) throw new GranaryError('config.invalid', issues[0]!.message);
  return {
    file: found.file,
    text: found.text,
    tree: (overlay(yaml.value ?? {}, overrides.sources[name]) ?? {}) as Tree,
  };
}

/** The data directory, without asking that the project be right. */
export async function dataDirOf(dir: string, environment: string | undefined): Promise<string> {
  const { project } = await readProjectFiles(dir);
  const { value } = parseYamlFile(project.file, project.text).yaml;
  const settings = overlay(value, overridesOf(value, environment, [], []).project);
  const written = isMapping(settings) ? { data_dir: settings.data_dir } : {};
  const issues: Issue[] = [];
  const found = (await referenceResolver({ secrets: secretsOf(dir), env: process.env }).resolve(
    written,
    issues,
  )) as Tree;
  return resolve(dir, typeof found['data_dir'] === 'string' && issues.length === 0 ? found['data_dir'] : '.granary');
}

/** Names of the datasets and tables of all sources: another dataset of the same name would fill the same table. */
export async function takenNames(dir: string): Promise<string[]> {
  const { sources } = await readProjectFiles(dir);
  return sources.flatMap(({ file, text }) => {
    const { value } = parseYamlFile(file, text).yaml;
    const datasets = isMapping(value) && isMapping(value.datasets) ? value.datasets : {};
    return Object.entries(datasets).flatMap(([name, d]) =>
      isMapping(d) && typeof d.table === 'string' ? [name, d.table] : [name],
    );
  });
}

/**
 * A component's configuration, parsed, with its references resolved. `what` is for messages: `connector sftp`. Errors: `config.invalid` with
 * every problem.
 */
export async function parseSettings(
  dir: string,
  what: string,
  spec: ObjectSpec<unknown>,
  settings: Tree,
): Promise<Tree> {
  const issues: Issue[] = [];
  const resolver = referenceResolver({ secrets: secretsOf(dir), env: process.env });
  const resolved = await resolver.resolve(settings, issues);
  const parsed = spec.parse(resolved, [], { issues });
  if (issues.length === 0) return parsed as Tree;
  const lines = issues.map((i) => {
    const where = i.path.length > 0 ? `${i.path.join('.')}: ` : '';
    return `  ${where}${i.message}${i.suggestion ? `. Did you mean "${i.suggestion}"?` : ''}`;
  });
  throw new GranaryError('config.invalid', `The settings of ${what} are wrong:\n${lines.join('\n')}`, {
    hint: `\`granary list ${what.split(' ')[0]}s\` lists the settings.`,
  });
}

/** `raw` as in YAML: `{ type, … }`. */
export async function parseConnector(dir: string, raw: unknown): Promise<Chosen> {
  const { type, ...settings } = (raw ?? {}) as Tree;
  const { connectors } = await catalogOf(dir);
  const connector = connectors.get(String(type));
  if (!connector) {
    const near = nearest(String(type), connectors.keys());
    throw new GranaryError('config.invalid', `"${String(type)}" is not a connector.`, {
      hint: near ? `Did you mean ${near}?` : `There are: ${[...connectors.keys()].join(', ')}.`,
    });
  }
  return {
    type: connector.type,
    ...(await parseSettings(dir, `connector ${connector.type}`, connector.spec, settings)),
  };
}
