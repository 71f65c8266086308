/** What is wrong in a project, where, and how it is told: all of it at once. */
import { GranaryError } from '../lib/errors.ts';
import { redact } from '../lib/redact.ts';

export interface Position {
  /** Relative to the project folder, `/`-separated. */
  file: string;
  /** 1-based. */
  line: number;
  /** 1-based. */
  column: number;
}

export interface Problem extends Position {
  /** What was found and what was expected; no full stop. */
  message: string;
  /** The right spelling, where a near one exists. */
  suggestion?: string;
  /** What to do; a sentence without full stop. */
  hint?: string;
}

/** `sources/shop.yaml:12:5  "colums" is not known here. Did you mean "columns"?` */
export function formatProblem(p: Problem): string {
  const end = p.suggestion !== undefined || p.hint !== undefined ? p.message.replace(/\.?$/, '.') : p.message;
  const text = [end, p.suggestion !== undefined && `Did you mean "${p.suggestion}"?`, p.hint].filter(Boolean).join(' ');
  return redact(`${p.file}:${p.line}:${p.column}  ${text}`);
}

/** By file, `granary.yaml` first, then by position; each problem once. */
export function sortProblems(problems: Problem[]): Problem[] {
  const rank = (p: Problem) => (p.file === 'granary.yaml' ? 0 : 1);
  const byText = new Map(problems.map((p) => [formatProblem(p), p]));
  return [...byText.values()].sort(
    (a, b) => rank(a) - rank(b) || compare(a.file, b.file) || a.line - b.line || a.column - b.column,
  );
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The one error for all problems of a project. `problems` is not empty. */
export function problemsError(problems: Problem[]): GranaryError {
  const sorted = sortProblems(problems).map((p) => ({
    ...p,
    message: redact(p.message),
    ...(p.suggestion !== undefined && { suggestion: redact(p.suggestion) }),
    ...(p.hint !== undefined && { hint: redact(p.hint) }),
  }));
  const { file, line, column } = sorted[0]!;
  const count = sorted.length === 1 ? 'a problem' : `${sorted.length} problems`;
  return new GranaryError('config.invalid', `The project has ${count}:\n${sorted.map(formatProblem).join('\n')}`, {
    where: { file, line, column },
    details: { problems: sorted },
  });
}
