/** Reliability, proven by killing: whatever is killed when, the tables and books are those of an undisturbed run. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findGarbage } from '../src/runtime/gc.ts';
import { openRuntime } from '../src/runtime/runtime.ts';
import { killProjectFiles, TABLE_QUERIES } from './support/kill-project.ts';
import { makeProject, rowsOf, writeFiles } from './support/projects.ts';

const CHILD = fileURLToPath(new URL('./support/run-child.ts', import.meta.url));
const DAYS = 5;
const ROWS = 4000;
const KILLS = Number(process.env['KILLS'] ?? 10);
const KILLS_PER_PROJECT = 10;

function start(dir: string): ChildProcess {
  return spawn(process.execPath, [CHILD, dir], { stdio: ['ignore', 'ignore', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<{ code: number | null; said: string }> {
  let said = '';
  child.stderr!.on('data', (d) => {
    said += d;
  });
  return new Promise((resolve) => child.once('exit', (code) => resolve({ code, said })));
}

async function complete(dir: string): Promise<void> {
  const { code, said } = await ended(start(dir));
  assert.equal(code, 0, said);
}

async function fingerprint(dir: string): Promise<string[]> {
  const runtime = await openRuntime({ dir, command: 'test', waitSeconds: 10 });
  try {
    const out: string[] = [];
    for (const query of TABLE_QUERIES) {
      const rows = await rowsOf(runtime, query);
      out.push(`${query}: ${rows.length} rows, ${createHash('sha256').update(JSON.stringify(rows)).digest('hex')}`);
    }
    const unbalanced = await rowsOf(runtime, 'SELECT * FROM granary.books WHERE NOT balanced');
    assert.deepEqual(unbalanced, []);
    return out;
  } finally {
    await runtime.close();
  }
}

/** Files of the data directory that neither a document nor `gc` knows of. */
async function strangers(dir: string): Promise<string[]> {
  const runtime = await openRuntime({ dir, command: 'test', waitSeconds: 10 });
  try {
    for await (const g of findGarbage(runtime)) await g.remove();
    const left: string[] = [];
    for await (const g of findGarbage(runtime)) left.push(g.name);
    return left;
  } finally {
    await runtime.close();
  }
}

/** Process ids of workers whose parent is `pid`. */
function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((p) => /^\d+$/.test(p))
    .filter((p) => {
      try {
        return (
          readFileSync(join('/proc', p, 'stat'), 'utf8')
            .split(') ')[1]!
            .split(' ')[1] === String(pid)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}

test(`after ${KILLS} kills at random points the tables, rejects and books are those of an undisturbed run`, async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9);
  t.diagnostic(`seed ${seed}`);
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
  const { first, second } = killProjectFiles(DAYS, ROWS);
  const calm = await makeProject(t, first);
  const began = performance.now();
  await complete(calm);
  const usual = performance.now() - began;
  await writeFiles(calm, second);
  await complete(calm);
  const expected = await fingerprint(calm);

  let kills = 0;
  let workersKilled = 0;
  // Kills are spread over the time that a run takes from where it was left; one that comes too late does not count.
  let reach = usual;
  while (kills < KILLS) {
    const dir = await makeProject(t, first);
    for (const files of [{}, second]) {
      await writeFiles(dir, files);
      for (let k = 0; k < KILLS_PER_PROJECT / 2 && kills < KILLS; k++) {
        const child = start(dir);
        const end = ended(child);
        await new Promise((resolve) => setTimeout(resolve, 200 + random() * reach));
        if (child.exitCode !== null) {
          reach = Math.max(300, reach * 0.9);
          break;
        }
        const [worker] = childrenOf(child.pid!);
        if (worker !== undefined && random() < 0.2) {
          process.kill(worker, 'SIGKILL');
          workersKilled++;
        } else {
          child.kill('SIGKILL');
        }
        await end;
        kills++;
      }
      await complete(dir);
    }
    assert.deepEqual(await fingerprint(dir), expected);
    assert.deepEqual(await strangers(dir), []);
  }
  t.diagnostic(
    `${kills} kills, ${workersKilled} of them of a worker; an undisturbed run takes ${Math.round(usual)} ms`,
  );
});
