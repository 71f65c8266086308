/** What goes wrong around the data: full disks, dead workers, busy directories, wrong expressions. Nothing is lost, and the error says what to do. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEAD_LETTERS, isHeld } from '../src/model/dead-letters.ts';
import { acquireDataDir } from '../src/runtime/lock.ts';
import { run } from '../src/runtime/run.ts';
import { openRuntime } from '../src/runtime/runtime.ts';
import { makeProject, queryProject, rowsOf, runProject, writeFiles } from './support/projects.ts';

const source = (rest = '', columns = '{id: bigint, text: text}') =>
  `connector: {type: folder, path: inbox}\ndatasets:\n  sales:\n    files: "sales_{date:yyyyMMdd}.csv"\n    columns: ${columns}\n${rest}`;
const rows = (n: number) =>
  `id,text\n${Array.from({ length: n }, (_, i) => `${i},${((i * 2654435761) % 2 ** 32).toString(36).repeat(8)}`).join('\n')}\n`;

test('on a full disk a run says so and loses nothing; with space it goes on where it was', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(),
    'inbox/sales_20261118.csv': rows(10),
    'inbox/sales_20261119.csv': rows(200_000),
  });
  const data = mkdtempSync(join(tmpdir(), 'granary-disk-'));
  await writeFiles(dir, { 'granary.yaml': `name: test\ndata_dir: ${data}\n` });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', data], { stdio: 'ignore' });
  } catch {
    if (process.env['CI']) throw new Error('mounting a small file system needs root');
    t.skip('mounting a small file system needs root');
    return;
  }
  t.after(() => {
    execFileSync('umount', ['-l', data]);
    rmdirSync(data);
  });
  const { doc } = await runProject(dir);
  assert.equal(doc.status, 'failed');
  assert.ok(
    doc.errors.some((e) => e.code === 'store.disk_full' && e.hint),
    JSON.stringify(doc.errors),
  );
  execFileSync('mount', ['-o', 'remount,size=400m', data]);
  const again = await runProject(dir);
  assert.deepEqual(again.doc.errors, []);
  assert.deepEqual(await queryProject(dir, 'SELECT count(*), count(DISTINCT _object) FROM sales'), [[200_010, 2]]);
  assert.deepEqual(await queryProject(dir, 'SELECT count(*) FROM granary.books WHERE NOT balanced'), [[0]]);
});

test('a worker that dies costs an attempt, not the run', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': source(), 'inbox/sales_20261119.csv': rows(300_000) });
  const runtime = await openRuntime({ dir, command: 'test' });
  const retries: string[] = [];
  const killer = setInterval(() => {
    if (retries.length > 0) return;
    const found = spawnSync('pgrep', ['-P', String(process.pid), '-f', 'worker-main'], { encoding: 'utf8' });
    for (const pid of found.stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
  }, 400);
  try {
    const doc = await run(runtime, {
      command: 'test',
      onEvent: (e) => e.type === 'retry' && retries.push(e.error.code),
    });
    assert.deepEqual([...new Set(retries)], ['worker.crashed']);
    assert.equal(doc.totals.loaded, 300_000);
  } finally {
    clearInterval(killer);
    await runtime.close();
  }
});

test('a second process is told who holds the data directory', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': source() });
  const lock = await acquireDataDir(join(dir, '.granary'), { command: 'granary run' });
  t.after(() => lock.release());
  await assert.rejects(
    openRuntime({ dir, command: 'granary query' }),
    (e: Error & { code: string }) =>
      e.code === 'owner.busy' && e.message.includes(String(process.pid)) && e.message.includes('granary run'),
  );
});

test('an expression that fails on a value names dataset and file, the other objects are loaded, and it goes on after the fix', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    computed: {n: "text::INTEGER"}\n'),
    'inbox/sales_20261118.csv': 'id,text\n1,5\n',
    'inbox/sales_20261119.csv': 'id,text\n2,five\n',
  });
  const { doc } = await runProject(dir);
  assert.equal(doc.status, 'failed');
  assert.equal(doc.errors.length, 1);
  assert.match(doc.errors[0]!.message, /main\/shop\/sales, sales_20261119\.csv: .*five/s);
  assert.equal(doc.totals.loaded, 1);
  await writeFiles(dir, { 'sources/shop.yaml': source('    computed: {n: "TRY_CAST(text AS INTEGER)"}\n') });
  assert.equal((await runProject(dir)).doc.status, 'succeeded');
  assert.deepEqual(await queryProject(dir, 'SELECT id, n FROM sales ORDER BY id'), [
    [1, 5],
    [2, null],
  ]);
});

test('a lookup in a table that is not there says which', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    rules: [{exists: {columns: id, table: products}}]\n'),
    'inbox/sales_20261119.csv': 'id,text\n1,a\n',
  });
  const { doc } = await runProject(dir);
  assert.match(doc.errors[0]!.message, /products, but the warehouse has no such table yet/);
});

test('what looks things up in a table that is not loaded yet is tried again by itself, and loaded once that table is', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    rules: [{exists: {columns: id, table: products}}]\n'),
    'sources/catalog.yaml':
      'connector: {type: folder, path: catalog}\ndatasets: {products: {files: "*.csv", columns: {id: bigint}}}\n',
    'inbox/sales_20261119.csv': 'id,text\n1,a\n2,b\n',
    'catalog/.keep': '',
  });
  const { doc } = await runProject(dir);
  assert.deepEqual([doc.status, doc.errors.map((e) => e.code)], ['failed', ['curate.no_reference']]);
  assert.match(doc.errors[0]!.hint!, /tried again by itself once catalog\.products is loaded/);
  await runProject(
    dir,
    async ({ context: { state } }) => {
      for await (const letter of state.query(DEAD_LETTERS, { index: 'status', equals: ['open'] })) {
        const at = Date.parse(letter.updatedAt);
        const held = [59_000, 241_000].map((ms) => isHeld(letter, { run: '' }, at + ms));
        assert.deepEqual(held, [true, false], 'after a minute or some `granary up` tries again');
      }
    },
    true,
  );
  await writeFiles(dir, { 'catalog/products.csv': 'id\n1\n' });
  await runProject(dir, async (runtime) => {
    assert.deepEqual(await rowsOf(runtime, 'SELECT id FROM sales'), [[1]]);
    const open = [];
    for await (const { id } of runtime.context.state.query(DEAD_LETTERS, { index: 'status', equals: ['open'] }))
      open.push(id);
    assert.deepEqual(open, []);
  });
});

test('a worker that dies while it has nothing to do is replaced', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': source(), 'inbox/sales_20261118.csv': rows(10) });
  const runtime = await openRuntime({ dir, command: 'test' });
  try {
    await run(runtime, { command: 'test' });
    const found = spawnSync('pgrep', ['-P', String(process.pid), '-f', 'worker-main'], { encoding: 'utf8' });
    const pids = found.stdout.split('\n').filter(Boolean).map(Number);
    assert.equal(pids.length, 1);
    process.kill(pids[0]!, 'SIGKILL');
    await writeFiles(dir, { 'inbox/sales_20261119.csv': rows(20) });
    const doc = await run(runtime, { command: 'test' });
    assert.deepEqual([doc.errors, doc.totals.loaded], [[], 20]);
  } finally {
    await runtime.close();
  }
});
