/** Modules that a project brings itself, in a folder for their kind: found, imported, and told with file and line when they are broken. */
import { readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GranaryError } from '../../lib/errors.ts';
import { isMapping } from '../../lib/spec/common.ts';
import type { Problem } from '../../project/problems.ts';
import { NAME } from '../../project/specs/dataset.ts';
import { placeOfImport } from './place.ts';
import { resolveImportsFrom } from './resolution.ts';

export interface Kind {
  /** Folder in the project. */
  folder: string;
  /** What one is, for people: `connector`. */
  word: string;
  /** Types that are not free. */
  taken: readonly string[];
  /** What a default export lacks, as a sentence; undefined when it is right. */
  shapeProblem(made: unknown): string | undefined;
}

/** Whether a project has made it with `s.object`. */
export const isSpec = (v: unknown): boolean =>
  isMapping(v) && typeof v['parse'] === 'function' && isMapping(v['fields']);

export interface OwnModule {
  /** The name of the file without its ending. */
  type: string;
  /** Relative to the project folder. */
  file: string;
  url: string;
  made: unknown;
}

/**
 * In order of name; none where there is no such folder. Files of tests, and what begins with `_`, are left alone; so is what lies in
 * folders below. A module is imported once in a process: a change shows after a restart. Broken files are added to `problems`.
 */
export async function loadOwnModules(dir: string, kind: Kind, problems: Problem[]): Promise<OwnModule[]> {
  const entries = await readdir(join(dir, kind.folder)).catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'ENOENT' || e.code === 'ENOTDIR') return [];
    throw new GranaryError('config.invalid', `${kind.folder}/ cannot be read: ${e.message}`, { cause: e });
  });
  const files = entries.filter((f) => /^[^._].*\.ts$/.test(f) && !/\.(test|d)\.ts$/.test(f)).sort();
  if (files.length === 0) return [];
  const folder = await realpath(join(dir, kind.folder));
  resolveImportsFrom(`${pathToFileURL(folder).href}/`);
  const modules: OwnModule[] = [];
  for (const name of files) {
    const type = name.slice(0, -'.ts'.length);
    const file = `${kind.folder}/${name}`;
    const problem = (message: string, hint: string) => problems.push({ file, line: 1, column: 1, message, hint });
    const rename = `The name of a ${kind.word} is that of its file: rename it`;
    if (!NAME.regex.test(type)) problem(`"${type}" is not ${NAME.meaning}`, rename);
    else if (kind.taken.includes(type)) problem(`there is a ${kind.word} "${type}" already`, rename);
    else {
      const { href: url } = pathToFileURL(join(folder, name));
      try {
        const { default: made } = (await import(url)) as { default?: unknown };
        const lacks = kind.shapeProblem(made);
        if (lacks === undefined) modules.push({ type, file, url, made });
        else problem(lacks, `\`granary add ${kind.word} example\` writes one that works, to look at`);
      } catch (e) {
        const place = await placeOfImport(e, join(dir, kind.folder, name), dir);
        const message = `the ${kind.word} cannot be loaded: ${e instanceof Error ? e.message : String(e)}`;
        problems.push({ ...place, message });
      }
    }
  }
  return modules;
}
