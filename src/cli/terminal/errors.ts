/** How an error is told to a person: what, where, what to do next, and its code. */
import { formatWhere, type GranaryError } from '../../lib/errors.ts';
import { formatProblem, type Problem } from '../../project/problems.ts';
import type { Style } from './style.ts';

/** Lines without secrets only after `redact`, which the terminal does. */
export function errorLines(error: GranaryError, style: Style): string[] {
  const problems = error.details?.problems as Problem[] | undefined;
  if (error.code === 'config.invalid' && problems) return problemLines(problems, style);
  const where = formatWhere(error.where);
  const debug = Boolean(process.env['GRANARY_DEBUG']);
  const hint = error.hint ?? (error.code === 'internal' && !debug ? DEFECT : undefined);
  return [
    `${style.red('error')}: ${error.message.trimEnd()}`,
    ...(where ? [`  ${style.dim('at')}   ${where}`] : []),
    ...(hint ? [`  ${style.dim('hint')} ${hint}`] : []),
    `  ${style.dim(`code ${error.code}${error.transient ? ', may succeed when tried again' : ''}`)}`,
    ...(debug ? stackOf(error) : []),
  ];
}

const DEFECT = 'This is a defect of Granary. GRANARY_DEBUG=1 shows where it happened; please report it.';

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

function stackOf(error: GranaryError): string[] {
  const origin = error.cause instanceof Error ? error.cause : error;
  return (origin.stack ?? '').split('\n').slice(1);
}
