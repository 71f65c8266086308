/** Whether the machines of a project are ones that run, here and on AWS. */
import { type LintFinding, lintMachine } from '../../asl/lint.ts';
import { pipelinesOf } from '../pipelines.ts';
import type { Project } from '../project.ts';
import { compilePipeline } from './compile.ts';

export interface MachineFinding extends LintFinding {
  machine: string;
}

/**
 * Findings in the machines of project pipelines, which grow with the project, and in one of a source and one of a dataset: the others of
 * their kind differ from these in names only.
 */
export function checkMachines(project: Project): MachineFinding[] {
  const all = pipelinesOf(project);
  const meant = all.filter((p) => p.kind === 'project' || p === all.find((first) => first.kind === p.kind));
  return meant.flatMap((pipeline) =>
    lintMachine(compilePipeline(project, pipeline)).map((finding) => ({ machine: pipeline.name, ...finding })),
  );
}
