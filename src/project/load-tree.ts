/** One file of the project with what an environment lays over it: merged, references resolved, parsed by its spec. */

import type { Path } from '../lib/spec/common.ts';
import { isMapping } from '../lib/spec/common.ts';
import type { Issue, Spec } from '../lib/spec/spec.ts';
import { overlay } from './environments.ts';
import { reportClearSecrets } from './lint/secrets.ts';
import type { Layer } from './positions.ts';
import type { ReferenceResolver } from './references.ts';
import { type Findings, type Report, reportIssues, reportOn } from './report.ts';
import type { YamlFile } from './yaml-file.ts';

export interface Loading {
  findings: Findings;
  resolver: ReferenceResolver;
}

/** The values that an environment lays over a file: what stands at `at` of `yaml`. */
export interface Override {
  yaml: YamlFile | undefined;
  at: Path;
  value: unknown;
}

export interface Tree<T> {
  /** As the spec parsed it: with issues parts of it are undefined. */
  config: T | undefined;
  issues: Issue[];
  report: Report;
}

/** Reports every issue. References under the top-level keys `literal` are left as written. */
export async function loadTree<T>(
  spec: Spec<T>,
  yaml: YamlFile,
  over: Override,
  literal: string[],
  { findings, resolver }: Loading,
): Promise<Tree<T>> {
  const layers: Layer[] = [{ yaml, at: [] }];
  if (over.yaml && over.value !== undefined) layers.push({ yaml: over.yaml, at: over.at });
  const report = reportOn(layers, findings);
  const merged = overlay(yaml.value ?? {}, over.value);
  reportClearSecrets(spec as Spec<unknown>, merged, report);

  const unresolved: Issue[] = [];
  const issues: Issue[] = [];
  const value = isMapping(merged) ? await resolveExcept(merged, literal, resolver, unresolved) : merged;
  const config = spec.parse(value, [], { issues });
  // What a spec says about a reference that stands for nothing is no news.
  const known = new Set(unresolved.map((i) => JSON.stringify(i.path)));
  const all = [...unresolved, ...issues.filter((i) => !known.has(JSON.stringify(i.path)))];
  reportIssues(all, report);
  return { config, issues: all, report };
}

async function resolveExcept(
  tree: Record<string, unknown>,
  literal: string[],
  resolver: ReferenceResolver,
  issues: Issue[],
): Promise<Record<string, unknown>> {
  const rest = Object.fromEntries(Object.entries(tree).filter(([key]) => !literal.includes(key)));
  const kept = Object.fromEntries(Object.entries(tree).filter(([key]) => literal.includes(key)));
  return { ...kept, ...(await resolver.resolve(rest, issues)) };
}
