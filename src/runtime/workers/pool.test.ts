import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SimulatedClock } from '../../../test/support/simulated-clock.ts';
import { systemClock } from '../../adapters/clock/system.ts';
import type { GranaryError } from '../../lib/errors.ts';
import type { LogRecord } from '../../lib/log.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Progress } from '../../stages/context.ts';
import { WorkerPool, type WorkerPoolOptions } from './pool.ts';
import type { ClassLimits } from './protocol.ts';

const beside = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const LIMITS: ClassLimits = {
  count: 1,
  engine: { memory: 1e8, threads: 1 },
  timeoutSeconds: 60,
  maxResidentBytes: 1e9,
};

interface Given extends Partial<Omit<WorkerPoolOptions, 'classes'>> {
  short?: Partial<ClassLimits>;
  long?: Partial<ClassLimits>;
  clock?: Clock;
}

function poolFor(t: TestContext, { short, long, ...options }: Given = {}) {
  const told: Omit<LogRecord, 'at'>[] = [];
  const pool = new WorkerPool({
    dir: '',
    environment: undefined,
    logLevel: 'info',
    clock: systemClock,
    entry: beside('./test-entry.ts'),
    log: (level, message, fields) => told.push({ level, message, ...fields }),
    ...options,
    classes: { short: { ...LIMITS, ...short }, long: { ...LIMITS, ...long } },
  });
  t.after(() => pool.close());
  return { pool, told };
}

const code = (wanted: string, transient: boolean) => (e: GranaryError) => {
  assert.equal(e.code, wanted, e.message);
  assert.equal(e.transient, transient);
  return true;
};

function isAlive(pid: number): boolean {
  try {
    // A process that has ended and was not yet collected does not count.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('a stage gets its input, gives its output, and its errors arrive as they were thrown', async (t) => {
  const { pool } = poolFor(t);
  assert.deepEqual(await pool.run('echo', { a: [1, 'x'] }), { a: [1, 'x'] });
  await assert.rejects(pool.run('fail', null), (e: GranaryError) => {
    assert.deepEqual([e.code, e.transient, e.where], ['connector.lost', true, { file: 'a.csv' }]);
    return true;
  });
  assert.equal(await pool.run('pid', null), await pool.run('pid', null), 'the process stays warm');
});

test('a task that takes too long is stopped with its process, even when it computes without a pause', async (t) => {
  const { pool, told } = poolFor(t, { short: { timeoutSeconds: 1 } });
  const pid = await pool.run<number>('pid', null);
  await assert.rejects(pool.run('spin', null), code('worker.timeout', true));
  assert.equal(isAlive(pid), false);
  assert.notEqual(await pool.run<number>('pid', null), pid);
  assert.deepEqual(
    told.map((l) => [l.level, l['code']]),
    [['warn', 'worker.timeout']],
  );
});

test('a long task has limits of its own and does not hold up short ones', async (t) => {
  const { pool } = poolFor(t, { short: { timeoutSeconds: 1 }, long: { timeoutSeconds: 30 } });
  const long = pool.run('wait', 2500, { class: 'long' });
  assert.equal(await pool.run('echo', 1), 1);
  assert.deepEqual(pool.stats.long, { queued: 0, busy: 1, processes: 1 });
  await assert.rejects(pool.run('wait', 2500), code('worker.timeout', true));
  await long;
});

test('a process that dies costs its task one attempt; the next task gets another process', async (t) => {
  const gone: number[] = [];
  const { pool, told } = poolFor(t, { onGone: (pid) => gone.push(pid) });
  const pid = await pool.run<number>('pid', null);
  await assert.rejects(pool.run('die', null, { context: { run: 'r1', step: 'Curate' } }), code('worker.crashed', true));
  assert.equal(await pool.run('echo', 1), 1);
  assert.deepEqual(gone, [pid]);
  assert.deepEqual(
    told.map((l) => [l.code, l.run, l.step, l.pid]),
    [['worker.crashed', 'r1', 'Curate', pid]],
  );
});

test('a process with more memory than its limit is stopped, whether buffers or its heap have it', async (t) => {
  const { pool } = poolFor(t, { short: { maxResidentBytes: 300e6 } });
  await assert.rejects(pool.run('devour', null), code('worker.out_of_memory', true));
  assert.ok(pool.peakBytes > 300e6);
  await assert.rejects(pool.run('fillHeap', null), code('worker.out_of_memory', true));
  assert.equal(await pool.run('echo', 1), 1);
});

test('a process that keeps most of its memory after a task is replaced', async (t) => {
  const { pool } = poolFor(t, { short: { maxResidentBytes: 400e6 } });
  const full = await pool.run<number>('hold', 280e6);
  const next = await pool.run<number>('pid', null);
  assert.notEqual(next, full);
  assert.equal(isAlive(full), false);
  assert.equal(await pool.run('pid', null), next);
});

test('a process is replaced after so many tasks', async (t) => {
  const { pool } = poolFor(t, { recycleAfter: 2 });
  const pids: number[] = [];
  for (let i = 0; i < 5; i++) pids.push(await pool.run<number>('pid', null));
  assert.deepEqual([pids[0] === pids[1], pids[1] === pids[2], pids[2] === pids[3]], [true, false, true]);
  assert.equal(new Set(pids).size, 3);
});

test('where processes die again and again the pauses before the next start grow, and one that works ends them', async (t) => {
  const clock = new SimulatedClock('2026-11-25T00:00:00Z');
  const { pool } = poolFor(t, { clock });
  const pauses: number[] = [];
  for (let i = 0; i < 5; i++) {
    const attempt = assert.rejects(pool.run('die', null), code('worker.crashed', true));
    const before = clock.now();
    while (clock.sleepers > 0) await clock.advance(100);
    pauses.push(clock.now() - before);
    await attempt;
  }
  assert.deepEqual(pauses, [0, 0, 100, 200, 400]);
  await clock.advance(10_000);
  assert.equal(await pool.run('echo', 1), 1);
  await assert.rejects(pool.run('die', null), code('worker.crashed', true));
  assert.equal(clock.sleepers, 0);
});

test('a process that cannot start fails its task with what it said', async (t) => {
  const { pool } = poolFor(t, { dir: 'broken' });
  await assert.rejects(pool.run('echo', 1), (e: GranaryError) => {
    assert.equal(e.code, 'worker.crashed');
    assert.match(e.message, /the project cannot be opened/);
    return true;
  });
});

test('a task that is stopped takes its process with it; one that waits just leaves', async (t) => {
  const { pool } = poolFor(t);
  const pid = await pool.run<number>('pid', null);
  const [running, waiting] = [new AbortController(), new AbortController()];
  const first = pool.run('spin', null, { signal: running.signal });
  const second = pool.run('echo', 2, { signal: waiting.signal });
  waiting.abort();
  await assert.rejects(second, code('cancelled', false));
  assert.equal(isAlive(pid), true);
  running.abort();
  await assert.rejects(first, code('cancelled', false));
  assert.equal(isAlive(pid), false);
});

test('heartbeats come while a task waits for a process and while the engine computes, and stop when the process hangs', async (t) => {
  const { pool } = poolFor(t);
  const beats = { query: 0, queued: 0, spin: 0 };
  const query = pool.run('query', 3.5, { onHeartbeat: () => beats.query++ });
  const queued = pool.run('echo', 1, { onHeartbeat: () => beats.queued++ });
  assert.equal(await query, 'done');
  await queued;
  // One is of the start of the task.
  assert.ok(beats.query >= 3, `${beats.query}`);
  assert.ok(beats.queued >= 3, `${beats.queued}`);
  const stop = new AbortController();
  const spin = pool.run('spin', null, { onHeartbeat: () => beats.spin++, signal: stop.signal });
  await delay(2500);
  stop.abort();
  await assert.rejects(spin, code('cancelled', false));
  assert.equal(beats.spin, 1);
});

test('progress and log lines come back with run and step, at the level that is asked for, without secrets', async (t) => {
  const { pool, told } = poolFor(t);
  const seen: Progress[] = [];
  const pid = await pool.run<number>('pid', null);
  await pool.run('tell', 'curating', {
    onProgress: (p) => seen.push(p),
    context: { run: 'r1', step: 'curate', attempt: 2, dataset: 'main/shop/sales' },
  });
  assert.deepEqual(seen.at(-1), { what: 'curating', done: 2, total: 2, unit: 'rows' });
  assert.deepEqual(told, [
    {
      level: 'info',
      message: 'It has *** in it',
      step: 'curate',
      run: 'r1',
      attempt: 2,
      dataset: 'main/shop/sales',
      pid,
      rows: 3,
    },
  ]);
});

test('work that ends without having said that it is done is over all the same', async (t) => {
  const { pool } = poolFor(t);
  for (const stage of ['tellHalf', 'tellAndDie']) {
    const seen: Progress[] = [];
    await pool.run(stage, 'reading', { onProgress: (p) => seen.push(p) }).catch(() => undefined);
    assert.deepEqual(seen, [
      { what: 'reading', done: 1, unit: 'rows' },
      { what: 'reading', done: 1, total: 1, unit: 'rows' },
    ]);
  }
});

test('a pool that is closed ends what runs and what waits, and leaves no process', async (t) => {
  const { pool } = poolFor(t);
  const pid = await pool.run<number>('pid', null);
  const ends = [pool.run('spin', null), pool.run('echo', 1)].map((p) => assert.rejects(p, code('cancelled', false)));
  await pool.close();
  await Promise.all(ends);
  assert.equal(isAlive(pid), false);
  await assert.rejects(pool.run('echo', 1), code('cancelled', false));
});

for (const [stage, doing] of [
  ['wait', 'that waits'],
  ['query', 'whose engine computes'],
  ['spin', 'that computes without a pause'],
] as const)
  test(`a worker ${doing} ends when its parent was killed`, async (t) => {
    const parent = spawn(process.execPath, [beside('./test-parent.ts'), stage], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => parent.kill('SIGKILL'));
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const worker = Number(line.toString('utf8'));
    await delay(500);
    assert.equal(isAlive(worker), true);
    parent.kill('SIGKILL');
    for (let waited = 0; isAlive(worker) && waited < 20_000; waited += 50) await delay(50);
    assert.equal(isAlive(worker), false);
  });
