/** For the tests of the command line: the real binary, in project folders of their own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const BINARY = fileURLToPath(new URL('../bin/granary.js', import.meta.url));

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Shell {
  dir: string;
  /** Runs `granary` with these words to its end. */
  granary(...words: string[]): Promise<Finished>;
  /** With variables and standard input. */
  granaryWith(options: { env?: Record<string, string>; input?: string }, ...words: string[]): Promise<Finished>;
  start(...words: string[]): ChildProcess;
  /** Writes a file, with the folders it needs. */
  file(path: string, content: string): Promise<void>;
}

/** An empty folder that is removed after the test; commands run in it. */
export async function shell(t: Pick<TestContext, 'after'>): Promise<Shell> {
  const dir = await mkdtemp(join(tmpdir(), 'granary-cli-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const start = (env: Record<string, string>, words: string[]) =>
    spawn(process.execPath, [BINARY, ...words], { cwd: dir, env: { PATH: process.env['PATH'], HOME: dir, ...env } });
  const granaryWith: Shell['granaryWith'] = async ({ env = {}, input = '' }, ...words) => {
    const child = start(env, words);
    child.stdin.end(input);
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code, stdout, stderr };
  };
  return {
    dir,
    granaryWith,
    granary: (...words) => granaryWith({}, ...words),
    start: (...words) => start({}, words),
    async file(path, content) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), content);
    },
  };
}

/** A shell in a project as `granary init` makes it. */
export async function sampleProject(t: Pick<TestContext, 'after'>): Promise<Shell> {
  const sh = await shell(t);
  const { code, stderr } = await sh.granary('init', '--name', 'shop');
  if (code !== 0) throw new Error(stderr);
  return sh;
}
