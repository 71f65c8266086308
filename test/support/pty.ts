/** The command line at a terminal of its own, typed at by a test: what it prints is waited for. Needs `script` of util-linux. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '../servers/processes.ts';

const BINARY = fileURLToPath(new URL('../../bin/granary.js', import.meta.url));
const LIMIT_MS = 60_000;

export const ptyMissing = () => missing('/usr/bin/script');

export interface Typist {
  /** Waits until the screen shows `text` after what was seen before, then types a line. */
  answer(text: string | RegExp, line: string): Promise<void>;
  /** As `answer`, without the end of a line: keys. */
  keys(text: string | RegExp, keys: string): Promise<void>;
  /** Waits for the end. */
  ended(): Promise<{ code: number; screen: string }>;
}

export function atTerminal(t: Pick<TestContext, 'after'>, dir: string, ...words: string[]): Typist {
  const command = [process.execPath, BINARY, ...words].map((w) => `'${w.replaceAll("'", "'\\''")}'`).join(' ');
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir, TERM: 'xterm', NO_COLOR: '1', SHELL: '/bin/sh' },
  });
  let screen = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    child.emit('shown');
  });
  const closed = once(child, 'close') as Promise<[number]>;
  let isOver = false;
  closed.then(() => {
    isOver = true;
    child.emit('shown');
  });
  t.after(() => void child.kill('SIGKILL'));
  const shown = async (text: string | RegExp) => {
    const limit = Date.now() + LIMIT_MS;
    for (;;) {
      const rest = screen.slice(seen);
      const at = typeof text === 'string' ? rest.indexOf(text) : rest.search(text);
      if (at >= 0) {
        seen = screen.length;
        return;
      }
      if (isOver || Date.now() > limit) throw new Error(`"${text}" is not shown:\n${screen}`);
      await Promise.race([once(child, 'shown'), new Promise((r) => setTimeout(r, 1000).unref())]);
    }
  };
  return {
    async answer(text, line) {
      await shown(text);
      child.stdin.write(`${line}\r`);
    },
    async keys(text, keys) {
      await shown(text);
      child.stdin.write(keys);
    },
    async ended() {
      const [code] = await closed;
      return { code, screen };
    },
  };
}
