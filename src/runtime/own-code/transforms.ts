/** Transforms of a project's own: `transforms/<name>.ts`, each with a default export that `defineTransform` made. */
import { GranaryError } from '../../lib/errors.ts';
import { isMapping } from '../../lib/spec/common.ts';
import { s } from '../../lib/spec/fields.ts';
import type { ObjectSpec } from '../../lib/spec/spec.ts';
import { type ColumnType, parseColumnType } from '../../model/schema.ts';
import { type Answer, type Outcome, Rejection, type Transform, type TransformInfo } from '../../ports/transform.ts';
import type { Problem } from '../../project/problems.ts';
import { NAME } from '../../project/specs/dataset.ts';
import { isSpec, loadOwnModules } from './modules.ts';
import { placeOf } from './place.ts';
import { codeHashOf } from './resolution.ts';

/** What a project's file exports: `granary/transform` gives its type to people. */
interface Made {
  title: string;
  spec?: ObjectSpec<unknown>;
  columns?: Record<string, string>;
  row(row: Record<string, unknown>, info: TransformInfo): Answer;
}

export async function loadOwnTransforms(dir: string, problems: Problem[]): Promise<Transform[]> {
  const kind = { folder: 'transforms', word: 'transform', taken: [], shapeProblem };
  const modules = await loadOwnModules(dir, kind, problems);
  return Promise.all(
    modules.map(async ({ type, file, url, made }) =>
      guardedTransform(type, made as Made, dir, file, await codeHashOf(url)),
    ),
  );
}

/** What a default export lacks to be a transform, as a sentence; undefined when it is one. */
export function shapeProblem(made: unknown): string | undefined {
  if (!isMapping(made)) return 'it has no transform as its default export: export default defineTransform({ … })';
  const { title, row, spec, columns } = made;
  if (typeof title !== 'string' || typeof row !== 'function')
    return `the transform lacks ${[typeof title !== 'string' && 'title', typeof row !== 'function' && 'row'].filter(Boolean).join(', ')}`;
  if (row.constructor.name === 'AsyncFunction')
    return 'its "row" is async: a row has to be answered at once, from the row alone';
  if (spec !== undefined && !isSpec(spec)) return 'its "spec" is not made with s.object';
  if (columns === undefined) return undefined;
  if (!isMapping(columns)) return 'its "columns" is no mapping of names to types';
  for (const [name, column] of Object.entries(columns)) {
    if (!NAME.regex.test(name)) return `its column "${name}" is not ${NAME.meaning}`;
    if (typeof column !== 'string' || !parseColumnType(column))
      return `its column "${name}" has no type of a column: ${String(column)}`;
  }
  return undefined;
}

/** `dir` is that of the project, `file` relative to it. */
export function guardedTransform(type: string, made: Made, dir: string, file: string, codeHash: string): Transform {
  const columns = Object.entries(made.columns ?? {}).map(([name, t]) => [name, parseColumnType(t)!] as const);
  return {
    type,
    title: made.title,
    spec: made.spec ?? (s.object({}, { doc: made.title }) as ObjectSpec<unknown>),
    columns: Object.fromEntries(columns) as Record<string, ColumnType>,
    codeHash,
    file,
    apply(row, info) {
      let answer: unknown;
      try {
        answer = made.row(row, info);
      } catch (e) {
        return e instanceof Rejection ? rejected(e) : failed(e, dir, file);
      }
      if (answer === null) return { kind: 'filtered' };
      if (answer instanceof Rejection) return rejected(answer);
      if (isMapping(answer) && typeof answer['then'] !== 'function')
        return { kind: 'kept', changes: answer as Record<string, never> };
      throw new GranaryError('transform.failed', `row() of ${file} gave ${whatItIs(answer)}.`, {
        where: { file },
        hint: 'It gives the columns that change, null for a row that is not wanted, or reject(reason).',
      });
    },
  };
}

const rejected = ({ reason }: Rejection): Outcome => ({ kind: 'rejected', reason: String(reason) });

function failed(e: unknown, dir: string, file: string): Outcome {
  const place = placeOf(e, dir);
  const reason = e instanceof Error ? e.message || e.name : String(e);
  return { kind: 'failed', reason, at: place ? `${place.file}:${place.line}` : file };
}

function whatItIs(answer: unknown): string {
  if (answer === undefined) return 'nothing';
  if (isMapping(answer)) return 'a promise: it must answer at once';
  return Array.isArray(answer) ? 'a list' : `a ${typeof answer}`;
}
