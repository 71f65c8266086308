/** `granary up` as people run it: a process of its own on real files, asked and stopped from outside. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStateStore } from '../src/adapters/state-store/sqlite.ts';
import type { RunDoc } from '../src/model/runs.ts';
import { FIRES, type FireDoc, SCHEDULES, type ScheduleDoc } from '../src/model/schedules.ts';
import type { StateStore } from '../src/ports/state-store.ts';
import { plain } from '../src/stages/verify/verify.ts';
import { makeProject, queryProject, writeFiles } from './support/projects.ts';
import {
  apiOf,
  arrive,
  ask,
  attemptsOf,
  historyOf,
  isAlive,
  runsOf,
  startUp,
  until,
  workersOf,
} from './support/up-owner.ts';

const BINARY = fileURLToPath(new URL('../bin/granary.js', import.meta.url));

const source = (rest = '', head = '') => `connector: {type: folder, path: inbox}
${head}datasets:
  sales:
    files: "sales_{date:yyyyMMdd}.csv"
    ready: now
    columns: {id: bigint, text: text}
${rest}`;
const rows = (from: number, n: number) =>
  `id,text\n${Array.from({ length: n }, (_, i) => `${from + i},7`).join('\n')}\n`;
/** A worker is busy for seconds with some hundred rows: a rule that computes much for every row. */
const SLOW = '    rules: [{expression: "md5(repeat(text, 2000000)) <> \'\'"}]\n';
const HOUR = 3_600_000;

const project = (t: TestContext, files: Record<string, string> = {}) =>
  makeProject(t, { 'sources/shop.yaml': source(), 'inbox/.keep': '', ...files });

async function granary(dir: string, ...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [BINARY, ...words], {
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code, stdout, stderr };
}

const loaded = (dir: string, n: number) =>
  until(`${n} rows in sales`, async () => (await ask(dir, 'SELECT count(*) FROM sales'))?.[0]?.[0] === n);

/** Each file once, each row once, and balanced. */
async function assertOnce(dir: string, files: number, n: number): Promise<void> {
  assert.deepEqual(await queryProject(dir, 'SELECT count(*), count(DISTINCT id), count(DISTINCT _object) FROM sales'), [
    [n, n, files],
  ]);
  assert.deepEqual(await queryProject(dir, 'SELECT count(*) FROM granary.books WHERE NOT balanced'), [[0]]);
}

test('up says when it is ready, loads a file as it comes, and answers while it runs', async (t) => {
  const dir = await project(t);
  const up = startUp(t, dir);
  await up.ready;
  assert.match(up.said(), /test is up since \d\d:\d\d:\d\d UTC: 1 source/);
  await arrive(dir, 'inbox/sales_20261101.csv', rows(1, 5));
  await loaded(dir, 5);

  const [counted, runs, second] = await Promise.all([
    granary(dir, 'query', 'SELECT count(*) AS n FROM sales', '--format', 'csv', '-q'),
    until('a run that ended well', async () => (await runsOf(dir, { status: 'succeeded' })).length > 0).then(() =>
      granary(dir, 'runs', '--json'),
    ),
    granary(dir, 'up'),
  ]);
  assert.equal(counted.stdout, 'n\n5\n', counted.stderr);
  const [run] = (JSON.parse(runs.stdout) as RunDoc[]).filter((r) => r.totals.loaded === 5);
  assert.deepEqual([run!.pipeline, run!.trigger, run!.status, run!.landed], ['shop', 'arrival', 'succeeded', 1]);
  assert.equal(second.code, 3);
  assert.match(second.stderr, new RegExp(`in use by "granary up" \\(process ${up.pid} on `));
  const [status, health, logs] = await Promise.all([
    granary(dir, 'status'),
    granary(dir, 'status', '--health'),
    granary(dir, 'logs', '--run', run!.id),
  ]);
  assert.match(status.stdout, new RegExp(`test +up for .*process ${up.pid} `));
  assert.match(status.stdout, /shop +arrival .*succeeded/);
  assert.equal(health.code, 0);
  assert.match(logs.stdout, /loaded sales_20261101\.csv: 5 rows received, 5 loaded/);

  const workers = workersOf(up.pid);
  assert.equal(await up.stop(), 0);
  assert.match(up.said(), /sales_20261101\.csv +5 received, 5 loaded/);
  assert.deepEqual(workers.filter(isAlive), []);
  assert.match((await granary(dir, 'status')).stdout, /nothing runs; `granary up` starts it/);
  await assertOnce(dir, 1, 5);
});

/** Stops `up` while a worker computes, starts it again and returns what the history says of the attempt. */
async function stopWhileItComputes(t: TestContext, n: number, grace: string): Promise<string[]> {
  const dir = await project(t, { 'sources/shop.yaml': source(SLOW) });
  const first = startUp(t, dir, '--grace', grace);
  await first.ready;
  await arrive(dir, 'inbox/sales_20261101.csv', rows(1, n));
  const run = await until('an attempt of CurateRows in flight', async () => {
    const [running] = await runsOf(dir, { status: 'running' });
    return running && attemptsOf(await historyOf(dir, running.id), 'CurateRows').at(-1) === 'TaskStarted' && running.id;
  });
  assert.equal(await first.stop(), 0);
  const between = JSON.parse((await granary(dir, 'runs', '--json')).stdout) as RunDoc[];
  assert.equal(between.find((r) => r.id === run)!.status, 'running', 'the run waits for the next owner');

  const next = startUp(t, dir);
  await next.ready;
  await loaded(dir, n);
  await until('the end of the run', async () => (await runsOf(dir)).find((r) => r.id === run)?.status === 'succeeded');
  const history = await historyOf(dir, run);
  assert.equal(await next.stop(), 0);
  await assertOnce(dir, 1, n);
  assert.deepEqual(attemptsOf(history, 'LoadRows'), ['TaskStarted', 'TaskSucceeded']);
  return attemptsOf(history, 'CurateRows');
}

test('SIGTERM lets the attempt in flight end, and the next up goes on behind it', async (t) => {
  assert.deepEqual(await stopWhileItComputes(t, 150, '5 min'), ['TaskStarted', 'TaskSucceeded']);
});

test('an attempt that does not end in time is handed back, and the next up makes it once', async (t) => {
  assert.deepEqual(await stopWhileItComputes(t, 300, '0 s'), [
    'TaskStarted',
    'TaskHandedBack',
    'TaskStarted',
    'TaskSucceeded',
  ]);
});

test('up --once takes what there is and ends; again it finds nothing to do', async (t) => {
  const dir = await project(t, { 'inbox/sales_20261101.csv': rows(1, 3), 'inbox/sales_20261102.csv': rows(4, 3) });
  assert.equal(await startUp(t, dir, '--once').ended, 0);
  await assertOnce(dir, 2, 6);
  const again = startUp(t, dir, '--once');
  assert.equal(await again.ended, 0);
  assert.doesNotMatch(again.said(), /received/);
  await assertOnce(dir, 2, 6);
});

test('what is due once a day and was never read is read at once; what a run by hand has read waits for its time', async (t) => {
  const dir = await project(t, {
    'sources/shop.yaml': source('', 'schedule: every 1 d\n'),
    'inbox/sales_20261101.csv': rows(1, 3),
  });
  const up = startUp(t, dir);
  await up.ready;
  await loaded(dir, 3);
  await up.stop();
  const again = startUp(t, dir);
  await again.ready;
  assert.equal((await runsOf(dir)).length, 1);
  await again.stop();

  const other = await project(t, { 'sources/shop.yaml': source('', 'schedule: every 1 d\n') });
  assert.equal((await granary(other, 'run')).code, 0);
  const quiet = startUp(t, other);
  await quiet.ready;
  assert.equal((await runsOf(other)).length, 1);
  await quiet.stop();
});

test('a file that always fails holds up none behind it; repaired, dlq replay loads it', async (t) => {
  const broken = '    computed: {n: "text::INTEGER"}\n';
  const dir = await project(t, { 'sources/shop.yaml': source(broken) });
  const up = startUp(t, dir);
  await up.ready;
  await arrive(dir, 'inbox/sales_20261101.csv', rows(1, 2));
  await arrive(dir, 'inbox/sales_20261102.csv', 'id,text\n3,three\n');
  await arrive(dir, 'inbox/sales_20261103.csv', rows(4, 2));
  await loaded(dir, 4);
  const letters = await until('a dead letter', async () => {
    const { stdout } = await granary(dir, 'dlq', 'list', '--json');
    const found = JSON.parse(stdout) as { id: string; name: string; reason: string; status: string }[];
    return found.length > 0 && found;
  });
  assert.deepEqual(
    letters.map((l) => [l.name, l.status]),
    [['sales_20261102.csv', 'open']],
  );
  assert.match(letters[0]!.reason, /three/);
  await arrive(dir, 'inbox/sales_20261104.csv', rows(6, 2));
  await loaded(dir, 6);
  assert.match((await granary(dir, 'status')).stdout, /1 dead letter\n.*sales_20261102\.csv/);
  assert.equal(await up.stop(), 0);

  await writeFiles(dir, { 'sources/shop.yaml': source('    computed: {n: "TRY_CAST(text AS INTEGER)"}\n') });
  const repaired = startUp(t, dir);
  await repaired.ready;
  assert.equal((await (await apiOf(dir)).get<unknown[]>('/v1/dead-letters')).length, 1, 'it waits for a person');
  const replayed = await granary(dir, 'dlq', 'replay', 'sales_20261102.csv');
  assert.equal(replayed.code, 0, replayed.stderr);
  await loaded(dir, 7);
  await until('no dead letter', async () => (await granary(dir, 'dlq', 'list', '--json')).stdout.trim() === '[]');
  assert.equal(await repaired.stop(), 0);
  await assertOnce(dir, 4, 7);
});

test('times that passed while nothing ran are made up for as `missed` says', async (t) => {
  const kinds = ['latest', 'all', 'skip'] as const;
  const dir = await makeProject(t, {
    'inbox/.keep': '',
    ...Object.fromEntries(
      kinds.map((missed) => [
        `sources/${missed}.yaml`,
        source('', `schedule: {every: 1 h, missed: ${missed}}\n`).replace('  sales:', `  sales_${missed}:`),
      ]),
    ),
  });
  assert.equal(await startUp(t, dir, '--once').ended, 0);
  // As if the machine had been off since then: the schedules stand where they stood more than two hours ago.
  const times = [2, 1, 0].map((ago) => new Date((Math.floor(Date.now() / HOUR) - ago) * HOUR).toISOString());
  await withState(dir, async (state) => {
    for (const missed of kinds) {
      const doc = (await state.get(SCHEDULES, missed))!;
      await state.put(SCHEDULES, { ...plain<ScheduleDoc>(doc), nextDue: times[0]! });
    }
  });
  const up = startUp(t, dir);
  await up.ready;
  await until('the runs that were missed', async () => {
    const ended = (await runsOf(dir)).filter((r) => r.trigger === 'schedule' && r.status === 'succeeded');
    const of = (pipeline: string) => ended.filter((r) => r.pipeline === pipeline).length;
    // With the first one, which was at once.
    return of('all') >= 4 && of('latest') >= 2;
  });
  assert.equal(await up.stop(), 0);
  await withState(dir, async (state) => {
    const fired = async (pipeline: string, status: string) => {
      const due: FireDoc[] = [];
      for await (const f of state.query(FIRES, { index: 'pipeline', equals: [pipeline] }))
        if (f.trigger === 'schedule' && f.status === status && f.dueAt! <= times[2]!) due.push(f);
      return due;
    };
    const dueOf = async (pipeline: string) => (await fired(pipeline, 'started')).map((f) => f.dueAt).sort();
    assert.deepEqual(await dueOf('all'), times);
    assert.deepEqual(await dueOf('latest'), times.slice(2));
    const [left] = await fired('latest', 'skipped');
    assert.match(left!.reason, /^2 times since .* passed while nothing ran \(missed: latest\)/);
    // One of this very minute is not missed.
    const late = (await fired('skip', 'started')).filter((f) => Date.parse(f.at) - Date.parse(f.dueAt!) > 60_000);
    assert.deepEqual(late, []);
    assert.match((await fired('skip', 'skipped'))[0]!.reason, /\(missed: skip\)/);
  });
});

async function withState(dir: string, use: (state: StateStore) => Promise<void>): Promise<void> {
  const state = await openStateStore(join(dir, '.granary/state.db'));
  try {
    await use(state);
  } finally {
    await state.close();
  }
}
