import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GranaryError } from '../src/lib/errors.ts';
import { run } from '../src/runtime/run.ts';
import { openRuntime } from '../src/runtime/runtime.ts';
import { makeProject, rowsOf } from './support/projects.ts';

const SOURCE = `connector: { type: folder, path: inbox }
datasets:
  sales:
    files: 'sales_{store}_{date:yyyyMMdd}.csv'
    columns: { id: bigint }
`;

test('a run with parameters takes the files whose names have them, and leaves the others for a later one', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': SOURCE,
    'inbox/sales_HH_20261101.csv': 'id\n1\n',
    'inbox/sales_HH_20261231.csv': 'id\n2\n',
    'inbox/sales_HB_20261102.csv': 'id\n3\n',
  });
  const runtime = await openRuntime({ dir, command: 'test' });
  t.after(() => runtime.close());
  const ids = () => rowsOf(runtime, 'SELECT id FROM sales ORDER BY id').then((rows) => rows.map(([id]) => Number(id)));

  await run(runtime, { command: 'test', parameters: { store: 'HH', date: '2026-11' } });
  assert.deepEqual(await ids(), [1]);
  await run(runtime, { command: 'test', parameters: { store: 'HB' } });
  assert.deepEqual(await ids(), [1, 3]);
  await run(runtime, { command: 'test' });
  assert.deepEqual(await ids(), [1, 2, 3]);
});

test('a parameter that no file name has is an error that says which there are', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': SOURCE, 'inbox/sales_HH_20261101.csv': 'id\n1\n' });
  const runtime = await openRuntime({ dir, command: 'test' });
  t.after(() => runtime.close());
  const wrong = (name: string, hint: RegExp) =>
    assert.rejects(run(runtime, { command: 'test', parameters: { [name]: 'x' } }), (e: GranaryError) => {
      assert.equal(e.code, 'stage.bad_input');
      assert.match(e.hint ?? '', hint);
      return true;
    });
  await wrong('stor', /Did you mean store\?/);
  await wrong('region', /date, store/);
});
