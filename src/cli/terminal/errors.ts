/** How an error is told to a person: what, where, what to do next, and its code. */
import { formatWhere, type GranaryError } from '../../lib/errors.ts';
import { formatProblem, type Problem } from '../../project/problems.ts';
import type { Style } from './style.ts';

/** Lines without secrets only after `redact`, which the terminal does. */
export function errorLines(error: GranaryError, style: Style): string[] {
  const problems = error.details?.problems as Problem[] | undefined;
  if (error.code === 'config.invalid' && problems) return problemLines(problems, style);
  const where = formatWhere(error.where);
  const stack = error.code === 'internal' && process.env['GRANARY_DEBUG'] ? causeOf(error) : [];
  return [
    `${style.red('error')}: ${error.message.trimEnd()}`,
    ...(where ? [`  ${style.dim('at')}   ${where}`] : []),
    ...(error.hint ? [`  ${style.dim('hint')} ${error.hint}`] : []),
    `  ${style.dim(`code ${error.code}${error.transient ? ', may succeed when tried again' : ''}`)}`,
    ...stack,
  ];
}

/** Every problem of a project on a line of its own, with its position first, so that editors find it. */
export function problemLines(problems: readonly Problem[], style: Style): string[] {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [
    ...problems.map((p) => problemLine(p, style.red('error'), style)),
    '',
    style.red(`${count} in the project: nothing was done.`),
  ];
}

/** `sources/shop.yaml:12:5  warning  …` */
export function problemLine(problem: Problem, mark: string, style: Style): string {
  const [position, ...text] = formatProblem(problem).split('  ');
  return `${style.bold(position!)}  ${mark}  ${text.join('  ')}`;
}

function causeOf(error: GranaryError): string[] {
  const cause = error.cause instanceof Error ? error.cause : error;
  return (cause.stack ?? '').split('\n').slice(1);
}
