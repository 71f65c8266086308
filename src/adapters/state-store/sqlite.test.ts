import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { smallDisk } from '../../../test/contracts/small-disk.ts';
import { stateStoreContract } from '../../../test/contracts/state-store.ts';
import { toArray } from '../../../test/contracts/to-array.ts';
import type { Collection, Doc, Query, StateStore } from '../../ports/state-store.ts';
import { openStateStore } from './sqlite.ts';
import { planPages } from './sqlite-query.ts';

interface Item extends Doc {
  kind: string;
  at: number;
}
const plain: Collection<Item> = { name: 'items', indexes: {} };
const indexed: Collection<Item> = { name: 'items', indexes: { byKind: ['kind', 'at'] } };

stateStoreContract('SQLite', async (t) => {
  const path = await temporaryPath(t);
  return { store: await open(t, path), reopen: () => open(t, path) };
});

test('an index that is declared later holds the documents that were there before', async (t) => {
  const path = await temporaryPath(t);
  const before = await open(t, path);
  await before.put(plain, { id: 'a', kind: 'x', at: 2 });
  await before.put(plain, { id: 'b', kind: 'x', at: 1 });
  const after = await open(t, path);
  const found = await toArray(after.query(indexed, { index: 'byKind', equals: ['x'] }));
  assert.deepEqual(
    found.map((item) => item.id),
    ['b', 'a'],
  );
  await before.put(plain, { id: 'c', kind: 'x', at: 3 });
  assert.equal((await toArray(after.query(indexed, { index: 'byKind', equals: ['x'] }))).length, 3);
});

test('every page of a query is read from its index, without sorting or scanning', async (t) => {
  const path = await temporaryPath(t);
  const store = await open(t, path);
  await store.put(indexed, { id: 'a', kind: 'x', at: 1 });
  const db = new DatabaseSync(path);
  t.after(() => db.close());
  const queries: Query[] = [
    { index: 'byKind' },
    { index: 'byKind', equals: ['x'] },
    { index: 'byKind', equals: ['x', 1] },
  ];
  for (const query of queries.flatMap((q) => [q, { ...q, descending: true }])) {
    const { first, next } = planPages(indexed, query);
    for (const statement of [first, next]) {
      const steps = db.prepare(`EXPLAIN QUERY PLAN ${statement}`).all();
      assert.equal(steps.length, 1, statement);
      assert.match(String(steps[0]!['detail']), /^(SEARCH|SCAN) doc_items USING INDEX doc_items\(kind,at\)/, statement);
      if (statement === next) assert.match(String(steps[0]!['detail']), /^SEARCH/, statement);
    }
  }
});

const MODULE = JSON.stringify(new URL('./sqlite.ts', import.meta.url).href);

/** Counts up one document by its revision; opens the store at the same moment as its siblings. */
const COUNTER = `
import { openStateStore } from ${MODULE};
const counts = { name: 'counts', indexes: { byN: ['n'] } };
const store = await openStateStore(process.argv[1]);
for (let done = 0; done < 100; ) {
  const read = await store.get(counts, 'total');
  try {
    await store.put(counts, { id: 'total', n: (read?.n ?? 0) + 1 }, read ? { rev: read.rev } : { absent: true });
    done++;
  } catch (e) { if (e.code !== 'state.conflict') throw e; }
}
await store.close();`;

test('processes that open a new store at the same moment and write to one document lose nothing', async (t) => {
  const path = await temporaryPath(t);
  const children = Array.from({ length: 4 }, () => run(COUNTER, path));
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  const counts: Collection<Doc & { n: number }> = { name: 'counts', indexes: { byN: ['n'] } };
  assert.equal((await (await open(t, path)).get(counts, 'total'))?.n, 400);
});

/** Writes pairs of documents for ever and says which pair has been acknowledged. */
const PAIRS = `
import { writeSync } from 'node:fs';
import { openStateStore } from ${MODULE};
const items = { name: 'items', indexes: {} };
const store = await openStateStore(process.argv[1]);
const from = Number(process.argv[2]);
for (let i = from; ; i++) {
  await store.transact(['left', 'right'].map((id) => ({ put: { collection: items, doc: { id, kind: 'side', at: i } } })));
  await store.put(items, { id: 'single' + i, kind: 'single', at: i });
  writeSync(1, i + '\\n');
}`;

test('after a kill at any moment every acknowledged write is there and no transaction is half done', async (t) => {
  const path = await temporaryPath(t);
  let acknowledged = 0;
  for (let kill = 0; kill < 12; kill++) {
    const child = run(PAIRS, path, String(acknowledged + 1));
    child.stdout.on('data', (data) => {
      acknowledged = Number(String(data).trim().split('\n').at(-1));
    });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
    child.kill('SIGKILL');
    await once(child, 'close');
    const store = await openStateStore(path);
    const [left, right] = [await store.get(plain, 'left'), await store.get(plain, 'right')];
    assert.equal(left?.at, right?.at);
    assert.ok(left!.at >= acknowledged, `${acknowledged} was acknowledged, ${left!.at} is there`);
    for (let i = 1; i <= acknowledged; i++) assert.ok(await store.get(plain, `single${i}`), `single${i} is lost`);
    await store.close();
  }
  assert.ok(acknowledged > 24, `only ${acknowledged} writes: too few to prove anything`);
});

test('a store written by a newer version is refused and left as it is', async (t) => {
  const path = await temporaryPath(t);
  await (await openStateStore(path)).close();
  const db = new DatabaseSync(path);
  db.exec("UPDATE meta SET value = 99 WHERE key = 'schema_version'");
  db.close();
  await assert.rejects(openStateStore(path), { code: 'state.newer', message: /schema version 99/, hint: /Upgrade/ });
});

test('a file that is no store, and a path that cannot be one, are told as such', async (t) => {
  const path = await temporaryPath(t);
  await writeFile(path, 'these are not the bytes of a database, by no means'.repeat(100));
  await assert.rejects(openStateStore(path), { code: 'state.corrupt', transient: false });
  await assert.rejects(openStateStore(join(path, 'state.db')), { code: 'state.io', transient: false, hint: /write/ });
});

test('a full disk is told as such, and what was written before is there', async (t) => {
  const disk = await smallDisk(t, 4);
  if (!disk) return;
  const store = await openStateStore(join(disk, 'state.db'));
  const item = (i: number): Item => ({ id: `${i}`, kind: 'x'.repeat(100_000), at: i });
  let written = 0;
  const fill = async () => {
    for (; written < 100; written++) await store.put(plain, item(written));
  };
  await assert.rejects(fill, { code: 'store.disk_full', transient: false, hint: /Free space/ });
  assert.ok(written > 5, `${written} documents fitted`);
  await store.close();
  const again = await openStateStore(join(disk, 'state.db'));
  for (let i = 0; i < written; i++) assert.deepEqual((await again.get(plain, `${i}`))?.at, i);
  assert.equal(await again.get(plain, `${written}`), undefined);
  await again.close();
});

function run(source: string, ...args: string[]) {
  return spawn(process.execPath, ['--input-type=module', '-e', source, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function open(t: TestContext, path: string): Promise<StateStore> {
  const store = await openStateStore(path);
  t.after(() => store.close());
  return store;
}

async function temporaryPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-state-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'state.db');
}
