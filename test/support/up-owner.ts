/** `granary up` as a child process, as a service manager starts it: told apart from the test by nothing but its pid. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findOwner, type OwnerClient } from '../../src/cli/owner-client.ts';
import type { RunDoc } from '../../src/model/runs.ts';
import type { HistoryEvent } from '../../src/ports/orchestrator.ts';
import { childrenOf } from '../../src/torture/children.ts';

const BINARY = fileURLToPath(new URL('../../bin/granary.js', import.meta.url));
/** Longest wait for a condition: reached only when something is broken. */
const PATIENCE_MS = 90_000;

export interface Up {
  process: ChildProcess;
  pid: number;
  /** Of `performance.now()`. */
  startedAt: number;
  /** All that it has written, to both streams. */
  said(): string;
  /** Resolves when it has said that it is up. Fails with what it said when it ends before. */
  ready: Promise<void>;
  ended: Promise<number | null>;
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>;
}

/** Starts it on the project in `dir`. It is killed when the test ends. */
export function startUp(t: Pick<TestContext, 'after'>, dir: string, ...words: string[]): Up {
  const startedAt = performance.now();
  const child = spawn(process.execPath, [BINARY, 'up', ...words], {
    cwd: dir,
    env: { ...process.env, HOME: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (d: string) => {
      text += d;
    });
  }
  const ended = new Promise<number | null>((done) => child.once('close', done));
  const ready = new Promise<void>((done, fail) => {
    child.stdout.on('data', () => text.includes(' is up since ') && done());
    void ended.then((code) => fail(new Error(`granary up ended with ${code} before it was ready: ${text}`)));
  });
  ready.catch(() => undefined);
  return {
    process: child,
    pid: child.pid!,
    startedAt,
    said: () => text,
    ready,
    ended,
    stop() {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** Waits until `look` gives something but undefined and false. `what` names the condition in the error. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const give = Date.now() + PATIENCE_MS;
  let last: unknown;
  while (Date.now() < give) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (e) {
      // The owner may be starting or ending.
      if (e instanceof assert.AssertionError) throw e;
      last = e;
    }
    await delay(25);
  }
  throw new Error(`In ${PATIENCE_MS / 1000} s it did not come to this: ${what}.`, { cause: last });
}

/** The API of the running owner. */
export async function apiOf(dir: string): Promise<OwnerClient> {
  const client = await findOwner(join(dir, '.granary'));
  if (!client) throw new Error(`Nothing runs in ${dir}.`);
  return client;
}

/** Rows of a query, asked of the running owner; undefined as long as the table is not there. */
export async function ask(dir: string, sql: string): Promise<unknown[][] | undefined> {
  const client = await apiOf(dir);
  const rows: unknown[][] = [];
  try {
    const result = await client.query(sql);
    for await (const batch of result.batches) rows.push(...batch);
  } catch (e) {
    if (/does not exist/.test(String(e))) return undefined;
    throw e;
  }
  return rows;
}

export async function runsOf(dir: string, query: { pipeline?: string; status?: string } = {}): Promise<RunDoc[]> {
  return (await apiOf(dir)).get('/v1/runs', { ...query, limit: 1000 });
}

export async function historyOf(dir: string, run: string): Promise<HistoryEvent[]> {
  return (await apiOf(dir)).get(`/v1/runs/${run}/history`, { limit: 10_000 });
}

/** Attempts of one state: `TaskStarted` and so on, in order. What goes on from landing has the same states with a suffix. */
export function attemptsOf(history: readonly HistoryEvent[], state: string): string[] {
  const names = [state, `${state}Landed`];
  return history.filter((e) => names.includes(e.state ?? '') && !/^TaskState/.test(e.type)).map((e) => e.type);
}

/** A file appears complete, as one that is renamed into place does. */
export async function arrive(dir: string, path: string, content: string | Uint8Array): Promise<void> {
  const full = join(dir, path);
  const aside = join(dir, '.arriving', path);
  for (const name of [full, aside]) await mkdir(dirname(name), { recursive: true });
  await writeFile(aside, content);
  await rename(aside, full);
}

/** A process by its id and the time at which it began, since ids are given again. */
export interface Known {
  pid: number;
  began: string;
}

export function workersOf(pid: number): Known[] {
  return childrenOf(pid).flatMap((child) => {
    const began = beganAt(child);
    return began === undefined ? [] : [{ pid: child, began }];
  });
}

export const isAlive = ({ pid, began }: Known): boolean => beganAt(pid) === began;

/** In clock ticks since the machine's start; undefined when there is none, or only what its parent has not yet asked for. */
function beganAt(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
