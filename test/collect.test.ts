/** Collection: only complete, configured files are taken, each once; a file sent again takes the place of the old one. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addBooks, BOOKS, EMPTY_BOOKS } from '../src/model/books.ts';
import { OBJECTS, type ObjectDoc } from '../src/model/objects.ts';
import { findGarbage } from '../src/runtime/gc.ts';
import { replay } from '../src/runtime/replay.ts';
import { makeProject, queryProject, rowsOf, runProject, writeFiles } from './support/projects.ts';

const source = (rest = '', files = 'sales_{date:yyyyMMdd}.csv') =>
  `connector: {type: folder, path: inbox}\ndatasets:\n  sales:\n    files: "${files}"\n    columns: {id: bigint, qty: integer}\n${rest}`;
const csv = (...rows: string[]) => `id,qty\n${rows.join('\n')}\n`;

test('only configured names are taken, and none that is still being written', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('', 'sales_*'),
    'inbox/sales_1': csv('1,1'),
    'inbox/sales_2.part': csv('2,1'),
    'inbox/.sales_3': csv('3,1'),
    'inbox/sales_4.tmp': csv('4,1'),
    'inbox/other.csv': csv('5,1'),
  });
  await writeFiles(dir, { 'sources/shop.yaml': source('    format: csv\n', 'sales_*') });
  const { doc, events } = await runProject(dir);
  assert.deepEqual(doc.errors, []);
  assert.deepEqual(await queryProject(dir, 'SELECT id FROM sales'), [[1]]);
  const polled = events.find((e) => e.type === 'polled');
  assert.deepEqual(polled?.output.unclaimed.sort(), ['other.csv']);
});

test('a file that changed a moment ago is waited for, and told', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': source() });
  await writeFiles(dir, { 'inbox/sales_20261119.csv': csv('1,1') });
  await utimes(join(dir, 'inbox/sales_20261119.csv'), new Date(), new Date());
  const { events } = await runProject(dir);
  const polled = events.find((e) => e.type === 'polled');
  assert.equal(polled?.output.found, 0);
  assert.match(polled?.output.waiting[0]?.reason ?? '', /taken when unchanged for 60 s/);
});

test('with a marker a file is taken when the marker is there, and the marker is no data', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    ready: {rule: marker, marker: "{name}.done"}\n', 'sales_*'),
    'inbox/sales_1.csv': csv('1,1'),
  });
  await writeFiles(dir, {
    'sources/shop.yaml': source('    ready: {rule: marker, marker: "{name}.done"}\n    format: csv\n', 'sales_*'),
  });
  const before = await runProject(dir);
  assert.match(
    before.events.find((e) => e.type === 'polled')?.output.waiting[0]?.reason ?? '',
    /marker sales_1.csv.done is not there yet/,
  );
  await writeFiles(dir, { 'inbox/sales_1.csv.done': '' });
  const { doc } = await runProject(dir);
  assert.equal(doc.landed, 1);
  assert.equal(doc.totals.loaded, 1);
});

test('a second run takes nothing again', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': source(), 'inbox/sales_20261119.csv': csv('1,1') });
  await runProject(dir);
  const { doc, events } = await runProject(dir);
  assert.equal(doc.landed, 0);
  assert.equal(events.filter((e) => e.type !== 'polled').length, 0);
});

test('a file that was only touched is not loaded again', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    ready: now\n'),
    'inbox/sales_20261119.csv': csv('1,1'),
  });
  await runProject(dir);
  await utimes(join(dir, 'inbox/sales_20261119.csv'), new Date(), new Date());
  const { doc, events } = await runProject(dir);
  assert.equal(doc.landed, 0);
  assert.equal(events.find((e) => e.type === 'landed')?.output.outcome, 'unchanged');
  assert.deepEqual(await queryProject(dir, 'SELECT count(*) FROM sales'), [[1]]);
});

test('a file sent again with other content is a new version whose rows take the place of the old ones', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    ready: now\n'),
    'inbox/sales_20261119.csv': csv('1,1', '2,2'),
    'inbox/sales_20261120.csv': csv('9,9'),
  });
  await runProject(dir);
  for (const [content, expected] of [
    [
      csv('1,1', '2,5', '3,x'),
      [
        [1, 1],
        [2, 5],
        [9, 9],
      ],
    ],
    [
      csv('1,1', '2,2'),
      [
        [1, 1],
        [2, 2],
        [9, 9],
      ],
    ],
  ] as const) {
    await writeFile(join(dir, 'inbox/sales_20261119.csv'), content);
    const { events } = await runProject(dir, async (r) => {
      assert.deepEqual(await rowsOf(r, 'SELECT id, qty FROM sales ORDER BY id'), expected);
      assert.deepEqual(
        await rowsOf(r, "SELECT count(*) FROM granary.objects WHERE name = 'sales_20261119.csv' AND status = 'loaded'"),
        [[1]],
      );
    });
    assert.equal(events.find((e) => e.type === 'landed')?.output.outcome, 'new_version');
  }
  assert.deepEqual(
    await queryProject(
      dir,
      "SELECT version, status FROM granary.objects WHERE name = 'sales_20261119.csv' ORDER BY version",
    ),
    [
      [1, 'superseded'],
      [2, 'superseded'],
      [3, 'loaded'],
    ],
  );
  assert.deepEqual(await queryProject(dir, 'SELECT count(*) FROM granary.rejects'), [[0]]);
});

test('a new version that fails verification leaves the old rows in the table', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    ready: now\n    verify: {min_rows: 2}\n'),
    'inbox/sales_20261119.csv': csv('1,1', '2,2'),
  });
  await runProject(dir);
  await writeFile(join(dir, 'inbox/sales_20261119.csv'), csv('7,7'));
  const { doc } = await runProject(dir);
  assert.equal(doc.quarantined, 1);
  assert.deepEqual(await queryProject(dir, 'SELECT id FROM sales ORDER BY id'), [[1], [2]]);
});

test('the same bytes under another name are counted as deduplicated, not loaded twice', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': source(), 'inbox/sales_20261119.csv': csv('1,1', '2,2') });
  await runProject(dir);
  await writeFiles(dir, { 'inbox/sales_20261120.csv': csv('1,1', '2,2') });
  const { doc, events } = await runProject(dir);
  assert.equal(events.filter((e) => e.type === 'duplicate').length, 1);
  assert.deepEqual({ ...doc.totals }, { received: 2, loaded: 0, filtered: 0, deduplicated: 2, rejected: 0 });
  assert.deepEqual(await queryProject(dir, 'SELECT count(*) FROM sales'), [[2]]);
});

test('of identical files that arrive together the first by name is loaded and the others are its duplicates', async (t) => {
  const dir = await makeProject(t, {
    'granary.yaml': 'name: test\nworkers: {count: 2, memory: 300 MB}\nwarehouse: {memory: 500 MB}\n',
    'sources/shop.yaml': source(),
    ...Object.fromEntries(['17', '18', '19'].map((d) => [`inbox/sales_202611${d}.csv`, csv('1,1', '2,2')])),
    'inbox/sales_20261120.csv': csv('3,3'),
  });
  const { doc, events } = await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id FROM sales ORDER BY id'), [[1], [2], [3]]);
    const objects: ObjectDoc[] = [];
    for await (const o of r.context.state.query(OBJECTS, { index: 'dataset', equals: ['main/shop/sales'] }))
      objects.push(o);
    const first = objects[0]!.id;
    assert.deepEqual(
      objects.map((o) => [o.file, o.status, o.duplicateOf]),
      [
        ['sales_20261117.csv', 'loaded', null],
        ['sales_20261118.csv', 'duplicate', first],
        ['sales_20261119.csv', 'duplicate', first],
        ['sales_20261120.csv', 'loaded', null],
      ],
    );
  });
  assert.deepEqual(doc.errors, []);
  assert.deepEqual({ ...doc.totals }, { received: 7, loaded: 3, filtered: 0, deduplicated: 4, rejected: 0 });
  assert.equal(events.filter((e) => e.type === 'duplicate' && e.object.duplicateOf !== null).length, 2);
});

test('when the first of identical files is set aside, the next one is loaded in its place', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    verify: {control_file: {file: "{name}.ctl", pattern: "(?<rows>[0-9]+)"}}\n'),
    ...Object.fromEntries(['17', '18', '19'].map((d) => [`inbox/sales_202611${d}.csv`, csv('1,1', '2,2')])),
    'inbox/sales_20261117.csv.ctl': '3',
    'inbox/sales_20261118.csv.ctl': '2',
    'inbox/sales_20261119.csv.ctl': '2',
  });
  const { doc } = await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT name, status FROM granary.objects ORDER BY name'), [
      ['sales_20261117.csv', 'quarantined'],
      ['sales_20261118.csv', 'loaded'],
      ['sales_20261119.csv', 'duplicate'],
    ]);
  });
  assert.deepEqual({ ...doc.totals }, { received: 4, loaded: 2, filtered: 0, deduplicated: 2, rejected: 0 });
});

test('a replay of identical files changes nothing, also when the older one came later', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': source(), 'inbox/sales_20261120.csv': csv('1,1') });
  await runProject(dir);
  await writeFiles(dir, { 'inbox/sales_20261119.csv': csv('1,1') });
  await runProject(dir, async (r) => assert.equal((await replay({ datasets: ['shop'] }, r.context)).length, 2));
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id FROM sales'), [[1]]);
    assert.deepEqual(await rowsOf(r, 'SELECT name, status FROM granary.objects ORDER BY name'), [
      ['sales_20261119.csv', 'duplicate'],
      ['sales_20261120.csv', 'loaded'],
    ]);
    let total = EMPTY_BOOKS;
    for await (const b of r.context.state.query(BOOKS, { index: 'active', equals: [1] })) total = addBooks(total, b);
    assert.deepEqual(total, { received: 2, loaded: 1, filtered: 0, deduplicated: 1, rejected: 0 });
  });
});

test('after landing a file is moved or deleted as told, also when that was interrupted', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    after_landing: {action: move, to: done}\n'),
    'inbox/sales_20261119.csv': csv('1,1'),
  });
  await runProject(dir);
  assert.ok(existsSync(join(dir, 'inbox/done/sales_20261119.csv')));
  await rename(join(dir, 'inbox/done/sales_20261119.csv'), join(dir, 'inbox/sales_20261119.csv'));
  const { doc } = await runProject(dir);
  assert.equal(doc.landed, 0);
  assert.ok(existsSync(join(dir, 'inbox/done/sales_20261119.csv')));
  await writeFiles(dir, { 'inbox/sales_20261119.csv': csv('1,1', '3,3') });
  await runProject(dir);
  assert.ok(existsSync(join(dir, 'inbox/done/sales_20261119.csv.2')), 'earlier contents are kept beside it');
  await writeFiles(dir, {
    'sources/shop.yaml': source('    after_landing: delete\n'),
    'inbox/sales_20261121.csv': csv('2,1'),
  });
  await runProject(dir);
  assert.ok(!existsSync(join(dir, 'inbox/sales_20261121.csv')));
  assert.deepEqual(await queryProject(dir, 'SELECT id FROM sales ORDER BY id'), [[1], [2], [3]]);
});

test('the name of a file gives its date and its parts', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': `connector: {type: folder, path: inbox}\ndatasets:\n  sales:\n    files: "{store}/sales_{date:yyyyMMdd}.csv"\n    columns: {id: bigint, store: {type: text, from_name: store}}\n`,
    'inbox/paris/sales_20261119.csv': 'id\n1\n',
    'inbox/rome/sales_20261118.csv': 'id\n2\n',
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id, store FROM sales ORDER BY id'), [
      [1, 'paris'],
      [2, 'rome'],
    ]);
    const dates: (string | null)[] = [];
    for await (const o of r.context.state.query(OBJECTS, { index: 'dataset', equals: ['main/shop/sales'] }))
      dates.push(o.businessDate);
    assert.deepEqual(dates, ['2026-11-18', '2026-11-19']);
  });
});

test('a source that cannot be reached does not hold up the others', async (t) => {
  const dir = await makeProject(t, {
    'sources/a_broken.yaml':
      'connector: {type: folder, path: nowhere}\ndatasets:\n  gone: {files: "x.csv", columns: {id: bigint}}\n',
    'sources/shop.yaml': source(),
    'inbox/sales_20261119.csv': csv('1,1'),
  });
  const { doc } = await runProject(dir);
  assert.equal(doc.status, 'failed');
  assert.equal(doc.errors.length, 1);
  assert.match(doc.errors[0]!.code, /^connector\./);
  assert.equal(doc.totals.loaded, 1);
});

test('after a run nothing is left behind that garbage collection would remove', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': source(), 'inbox/sales_20261119.csv': csv('1,1', '2,x') });
  await runProject(dir, async (r) => {
    const garbage: string[] = [];
    for await (const g of findGarbage(r)) garbage.push(g.name);
    assert.deepEqual(garbage, []);
  });
});
