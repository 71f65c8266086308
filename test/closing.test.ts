/** Rows that are not wanted any more, where rows can say that their key is deleted: no older one stays in the table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOOKS } from '../src/model/books.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import { makeProject, rowsOf, runProject, writeFiles } from './support/projects.ts';

const source = (load: string, more: string) =>
  `connector: {type: folder, path: inbox}\ndatasets:\n  orders:\n    files: "orders_{n}.csv"\n    columns: {id: bigint, status: {type: text}, at: timestamp, gone: boolean}\n${more}    load: {${load}, key: id, deleted: gone}\n`;
const HEAD = 'id,status,at,gone\n';

async function books(runtime: Runtime): Promise<unknown[]> {
  const out: unknown[] = [];
  for await (const b of runtime.context.state.query(BOOKS, { index: 'active', equals: [1] }))
    out.push([b.file, b.received, b.loaded, b.filtered, b.rejected, b.byRule['keep']?.rows ?? 0]);
  return out.sort();
}

const FIRST = `${HEAD}1,paid,2026-01-01,\n2,paid,2026-01-01,\n3,cancelled,2026-01-01,\n,cancelled,2026-01-01,\n`;
const SECOND = `${HEAD}1,cancelled,2026-01-02,\n2,shipped,2026-01-02,\n4,cancelled,2026-01-02,true\n5,paid,bad,\n`;

test('merge: a row that is not wanted takes the one of its key out of the table, also when an older object comes later or again', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(
      'strategy: merge, version: at',
      `    keep: "status <> 'cancelled'"\n    rules: [{allowed: {column: status, values: [paid, shipped]}}]\n`,
    ),
    'inbox/orders_2.csv': SECOND,
  });
  await runProject(dir);
  await writeFiles(dir, { 'inbox/orders_1.csv': FIRST });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id, status FROM orders ORDER BY id'), [[2, 'shipped']]);
    assert.deepEqual(await books(r), [
      // Without a key there is nothing to take out.
      ['orders_1.csv', 4, 1, 1, 0, 2],
      ['orders_2.csv', 4, 3, 0, 1, 1],
    ]);
    assert.deepEqual(await rowsOf(r, 'SELECT bool_and(balanced) FROM granary.books'), [[true]]);
  });
  await writeFiles(dir, { 'inbox/orders_3.csv': `${HEAD}1,paid,2026-01-03,\n` });
  await runProject(dir, async (r) =>
    assert.deepEqual(await rowsOf(r, 'SELECT id, status FROM orders ORDER BY id'), [
      [1, 'paid'],
      [2, 'shipped'],
    ]),
  );
});

test('snapshot: the version that was wanted ends when the row is not wanted any more', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('strategy: snapshot, version: at', `    keep: "status <> 'cancelled'"\n`),
    'inbox/orders_1.csv': FIRST,
  });
  await runProject(dir);
  await writeFiles(dir, { 'inbox/orders_2.csv': SECOND });
  await runProject(dir, async (r) =>
    assert.deepEqual(
      await rowsOf(
        r,
        'SELECT id, status, _is_current, (_valid_to IS NULL) AS open FROM orders ORDER BY id, _valid_from',
      ),
      [
        [1, 'paid', false, false],
        [2, 'paid', false, false],
        [2, 'shipped', true, true],
      ],
    ),
  );
});

test('what a transform leaves out takes out older rows as well; what it refuses does not', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('strategy: merge', '    transform: fix\n'),
    'transforms/fix.ts':
      "import { defineTransform, reject } from 'granary/transform';\nexport default defineTransform({ title: 'Fix', row: (row) => (row.status === 'cancelled' ? null : row.status === 'odd' ? reject('odd') : {}) });\n",
    'inbox/orders_1.csv': FIRST,
  });
  await runProject(dir);
  await writeFiles(dir, { 'inbox/orders_2.csv': `${HEAD}1,cancelled,2026-01-02,\n2,odd,2026-01-02,\n` });
  await runProject(dir, async (r) => assert.deepEqual(await rowsOf(r, 'SELECT id, status FROM orders'), [[2, 'paid']]));
});
