/** The files of a project folder: finding and reading them. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { GranaryError } from '../lib/errors.ts';

export const PROJECT_FILE = 'granary.yaml';
export const SOURCES_DIR = 'sources';

export interface TextFile {
  /** Relative to the project folder, `/`-separated. */
  file: string;
  text: string;
}

export interface ProjectFiles {
  project: TextFile;
  /** In order of name. */
  sources: (TextFile & { name: string })[];
}

/** The nearest folder with a `granary.yaml`, from `start` upwards. Errors: `config.not_found`. */
export async function findProject(start: string): Promise<string> {
  const looked: string[] = [];
  for (let dir = resolve(start); ; dir = dirname(dir)) {
    looked.push(dir);
    const found = await stat(join(dir, PROJECT_FILE)).catch(() => undefined);
    if (found?.isFile()) return dir;
    if (dir === dirname(dir)) break;
  }
  throw notFound(looked);
}

/** As `findProject`, for what works without a project too. */
export async function projectIfAny(start: string): Promise<string | undefined> {
  return findProject(start).catch((e) => {
    if (e instanceof GranaryError && e.code === 'config.not_found') return undefined;
    throw e;
  });
}

/** Errors: `config.not_found` when the folder has no `granary.yaml`. */
export async function readProjectFiles(dir: string): Promise<ProjectFiles> {
  const text = await readFile(join(dir, PROJECT_FILE), 'utf8').catch(missing(PROJECT_FILE));
  if (text === undefined) throw notFound([resolve(dir)]);
  const entries = (await readdir(join(dir, SOURCES_DIR)).catch(missing(SOURCES_DIR))) ?? [];
  const names = entries.filter((n) => /^[^.].*\.ya?ml$/.test(n)).sort();
  const sources = await Promise.all(
    names.map(async (name) => ({
      name: basename(name, extname(name)),
      file: `${SOURCES_DIR}/${name}`,
      text: await readFile(join(dir, SOURCES_DIR, name), 'utf8').catch(unreadable(`${SOURCES_DIR}/${name}`)),
    })),
  );
  return { project: { file: PROJECT_FILE, text }, sources };
}

const missing = (file: string) => (error: NodeJS.ErrnoException) =>
  error.code === 'ENOENT' ? undefined : unreadable(file)(error);

const unreadable =
  (file: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw new GranaryError('config.invalid', `${file} cannot be read: ${error.message}`, {
      where: { file },
      cause: error,
    });
  };

function notFound(looked: string[]): GranaryError {
  return new GranaryError('config.not_found', `No ${PROJECT_FILE} in ${looked.join(', ')}`, {
    hint: 'Make a project with `granary init`, or go to the folder of one.',
    details: { looked },
  });
}
