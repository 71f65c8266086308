/** Collects problems and warnings by the path of a value; positions are looked up only for those. */

import type { Path } from '../lib/spec/common.ts';
import type { Issue } from '../lib/spec/spec.ts';
import { type Layer, locate } from './positions.ts';
import type { Problem } from './problems.ts';

export interface Finding {
  message: string;
  suggestion?: string;
  hint?: string;
  /** Point at the key rather than at its value. */
  atKey?: boolean;
}

export interface Report {
  error(path: Path, finding: Finding | string): void;
  warn(path: Path, finding: Finding | string): void;
  /** A report whose paths start at `path`. */
  at(...path: Path): Report;
}

export interface Findings {
  problems: Problem[];
  warnings: Problem[];
}

/** `layers`: the files the tree was merged from, see `locate`. */
export function reportOn(layers: Layer[], { problems, warnings }: Findings, base: Path = []): Report {
  const push = (to: Problem[]) => (path: Path, finding: Finding | string) => {
    const { message, suggestion, hint, atKey } =
      typeof finding === 'string' ? ({ message: finding } as Finding) : finding;
    to.push({ ...locate(layers, [...base, ...path], atKey), message, suggestion, hint });
  };
  return {
    error: push(problems),
    warn: push(warnings),
    at: (...path) => reportOn(layers, { problems, warnings }, [...base, ...path]),
  };
}

export function reportIssues(issues: Issue[], report: Report): void {
  for (const { path, ...finding } of issues) report.error(path, finding);
}
