/** Connectors of a project's own: `connectors/<type>.ts`, each with a default export that `defineConnector` made. */
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GranaryError } from '../../lib/errors.ts';
import type { AnyConnector } from '../../ports/extract.ts';
import { type Problem, problemsError } from '../../project/problems.ts';
import { NAME } from '../../project/specs/dataset.ts';
import { guarded, shapeProblem } from './guard.ts';
import { placeOfImport } from './place.ts';
import { resolveImportsFrom } from './resolution.ts';

export const CONNECTORS_DIR = 'connectors';

/**
 * In order of name; none where there is no such folder. Files of tests, and what begins with `_`, are not connectors; nor is what lies in
 * folders below. A module is imported once in a process: a change shows after a restart. Errors: `config.invalid` with every broken file.
 */
export async function loadOwnConnectors(dir: string, taken: readonly string[]): Promise<AnyConnector[]> {
  const entries = await readdir(join(dir, CONNECTORS_DIR)).catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT' || e.code === 'ENOTDIR') return [];
    throw new GranaryError('config.invalid', `${CONNECTORS_DIR}/ cannot be read: ${e.message}`, { cause: e });
  });
  const files = entries.filter((f) => /^[^._].*\.ts$/.test(f) && !/\.(test|d)\.ts$/.test(f)).sort();
  if (files.length === 0) return [];
  const folder = await realpath(join(dir, CONNECTORS_DIR));
  resolveImportsFrom(`${pathToFileURL(folder).href}/`);
  const problems: Problem[] = [];
  const connectors: AnyConnector[] = [];
  for (const name of files) {
    const type = name.slice(0, -'.ts'.length);
    const at = { file: `${CONNECTORS_DIR}/${name}`, line: 1, column: 1 };
    if (!NAME.regex.test(type)) {
      problems.push({ ...at, message: `"${type}" is not ${NAME.meaning}`, hint: HINT_NAME });
      continue;
    }
    if (taken.includes(type)) {
      problems.push({ ...at, message: `there is a connector "${type}" already`, hint: HINT_NAME });
      continue;
    }
    try {
      const module = (await import(pathToFileURL(join(folder, name)).href)) as { default?: unknown };
      const message = shapeProblem(module.default);
      if (message === undefined) connectors.push(guarded(type, module.default as AnyConnector, { dir, file: at.file }));
      else problems.push({ ...at, message, hint: HINT_SHAPE });
    } catch (e) {
      const place = await placeOfImport(e, join(dir, CONNECTORS_DIR, name), dir);
      problems.push({
        ...place,
        message: `the connector cannot be loaded: ${e instanceof Error ? e.message : String(e)}`,
      });
    }
  }
  if (problems.length > 0) throw problemsError(problems);
  return connectors;
}

const HINT_NAME = 'The type of a connector is the name of its file: rename it';
const HINT_SHAPE = '`granary add connector example` writes one that works, to look at';
