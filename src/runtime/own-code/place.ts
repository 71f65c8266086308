/** Where in a project's own code an error comes from: Node tells it in the stack, or not at all. */
import { execFile } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Place {
  /** Relative to the project folder, `/`-separated. */
  file: string;
  line: number;
  column: number;
}

/** The innermost place within the folder of the project that the stack names. */
export function placeOf(e: unknown, dir: string): Place | undefined {
  return placeIn(e instanceof Error ? (e.stack ?? '') : '', dir);
}

function placeIn(text: string, dir: string): Place | undefined {
  const found = [...new Set([dir, realDir(dir)])].flatMap((folder) => {
    const starts = [`${folder}${sep}`, pathToFileURL(`${folder}${sep}`).href].map((s) => RegExp.escape(s)).join('|');
    const m = new RegExp(`(?:${starts})((?!node_modules)[^\\n:?)]+\\.[cm]?[jt]s)[^\\n:)]*:(\\d+)(?::(\\d+))?`).exec(
      text,
    );
    if (!m) return [];
    return [{ at: m.index, place: { file: fileOf(m[1]!), line: Number(m[2]), column: Number(m[3] ?? 1) } }];
  });
  return found.sort((a, b) => a.at - b.at)[0]?.place;
}

const fileOf = (path: string) => decodeURI(path).split(sep).join('/');

function realDir(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return dir;
  }
}

/** Of an error of importing `path`: as told, or where the missing module is named, or where Node finds the text wrong; else line 1. */
export async function placeOfImport(e: unknown, path: string, dir: string): Promise<Place> {
  const whole = { file: relative(dir, path).split(sep).join('/'), line: 1, column: 1 };
  const told = placeOf(e, dir);
  if (told) return told;
  const message = e instanceof Error ? e.message : '';
  const importer = / imported from (.+)$/.exec(message)?.[1];
  if (importer !== undefined) {
    const missing = /'([^']+)'/.exec(message)?.[1]?.split('/').at(-1) ?? '';
    const lines = (await readFile(importer, 'utf8').catch(() => '')).split('\n');
    const line = lines.findIndex((l) => /['"]/.test(l) && l.includes(missing));
    const file = relative(realDir(dir), realDir(importer)).split(sep).join('/');
    return line < 0 ? whole : { file: file.startsWith('..') ? whole.file : file, line: line + 1, column: 1 };
  }
  return (e instanceof SyntaxError ? await checked(path, dir) : undefined) ?? whole;
}

/** Node tells the line of some mistakes only when it is asked to check a file. */
function checked(path: string, dir: string): Promise<Place | undefined> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', join(path)], { timeout: 20_000 }, (_, _stdout, stderr) =>
      resolve(placeIn(stderr, dir)),
    );
  });
}
