import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Project } from '../project.ts';
import { load } from '../testing.ts';
import { runWorld, type WorldFile } from './testing.ts';

const dataset = (more = '') => `columns: { id: bigint, sku: text }${more}`;
const SHOP = `connector: { type: folder, path: shop }
transfers: 2
datasets:
  sales: { files: "sales_*.csv", ${dataset(', lookups: [{ table: products, on: { sku: sku }, take: { name: name } }]')} }
  stock: { files: "stock_*.csv", ${dataset()} }
`;
const CATALOG = `connector: { type: folder, path: catalog }
datasets:
  products: { files: "products_*.csv", columns: { sku: text, name: text } }
`;

async function project(t: TestContext): Promise<Project> {
  const loaded = await load(t, {
    'granary.yaml': 'name: t\nworkers: { long: { above: 1 kB } }\n',
    'sources/shop.yaml': SHOP,
    'sources/catalog.yaml': CATALOG,
  });
  return loaded.project;
}

const stock = (path: string, more: Partial<WorldFile> = {}): WorldFile => ({
  source: 'shop',
  dataset: 'stock',
  path,
  ...more,
});
const sales = (path: string): WorldFile => ({ ...stock(path), dataset: 'sales' });
const products = (path: string): WorldFile => ({ source: 'catalog', dataset: 'products', path });
const letters = (world: { letters: unknown[] }) =>
  (world.letters as { state: string; item: { object?: string; file?: { path: string } } }[]).map(
    ({ state, item }) => `${state} ${item.object ?? item.file?.path ?? JSON.stringify(item)}`,
  );

test('each new file of a dataset goes the whole way once, and the run is published', async (t) => {
  const world = await runWorld(t, await project(t), 'shop.stock', [stock('a'), stock('b'), sales('not mine')]);
  assert.equal(world.execution.status, 'SUCCEEDED');
  assert.deepEqual(world.execution.output, { status: 'succeeded' });
  assert.deepEqual(world.loaded.sort(), ['main/shop/stock a', 'main/shop/stock b']);
  for (const stage of ['land', 'verify', 'curate', 'load'])
    assert.equal(world.calls.filter((c) => c.startsWith(`${stage} `)).length, 2, stage);
  assert.equal(world.calls.at(-1), 'publish');
});

for (const pipeline of ['shop.stock', 'shop', 'daily'])
  test(`in ${pipeline} what gives up at any step is a dead letter and holds up nothing behind it`, async (t) => {
    const bad = (stage: string) => stock(stage, { trouble: { stage, error: 'Granary.Terminal', times: 99 } });
    const world = await runWorld(t, await project(t), pipeline, [
      bad('land'),
      bad('verify'),
      bad('curate'),
      bad('load'),
      stock('good'),
    ]);
    assert.equal(world.execution.status, 'SUCCEEDED');
    assert.deepEqual(letters(world).sort(), ['Curate curate', 'Land land', 'Load load', 'Verify verify']);
    assert.deepEqual(world.loaded, ['main/shop/stock good']);
    for (const { error, run } of world.letters as { error: { Error: string }; run: string }[])
      assert.deepEqual([error.Error, run], ['Granary.Terminal', 'r1']);
  });

test('transient errors are tried again under the same key, terminal ones are not', async (t) => {
  const world = await runWorld(t, await project(t), 'shop.stock', [
    stock('slow', { trouble: { stage: 'verify', error: 'Granary.Transient', times: 4 } }),
    stock('full', { trouble: { stage: 'load', error: 'Granary.DiskFull', times: 3 } }),
    stock('down', { trouble: { stage: 'curate', error: 'Lambda.ServiceException', times: 99 } }),
    stock('bad', { trouble: { stage: 'curate', error: 'Granary.Terminal', times: 99 } }),
  ]);
  const attempts = (name: string) => world.keys.get(name)!;
  assert.equal(attempts('verify slow').length, 5);
  assert.equal(new Set(attempts('verify slow')).size, 1);
  assert.equal(attempts('load full').length, 4);
  assert.equal(attempts('curate down').length, 5);
  assert.equal(attempts('curate bad').length, 1);
  assert.deepEqual(letters(world).sort(), ['Curate bad', 'Curate down']);
  assert.deepEqual(world.loaded.sort(), ['main/shop/stock full', 'main/shop/stock slow']);
});

test('large objects are verified and curated as containers, and their outputs are read back', async (t) => {
  const world = await runWorld(t, await project(t), 'shop.stock', [
    stock('small', { bytes: 1000 }),
    stock('large', { bytes: 1001 }),
    stock('large and bad', { bytes: 5000, trouble: { stage: 'curate', error: 'Granary.Terminal', times: 99 } }),
    stock('large and flaky', { bytes: 5000, trouble: { stage: 'verify', error: 'States.TaskFailed', times: 2 } }),
    stock('large and set aside', { bytes: 5000, verified: 'quarantined' }),
  ]);
  assert.deepEqual([...new Set(world.long)].sort(), [
    'curate large',
    'curate large and bad',
    'curate large and flaky',
    'verify large',
    'verify large and bad',
    'verify large and flaky',
    'verify large and set aside',
  ]);
  assert.equal(world.keys.get('curate large and bad')!.length, 1);
  assert.deepEqual(letters(world), ['Curate large and bad']);
  assert.deepEqual(world.loaded.sort(), [
    'main/shop/stock large',
    'main/shop/stock large and flaky',
    'main/shop/stock small',
  ]);
});

test('an object of several datasets is loaded into all of them, or into none when one is set aside', async (t) => {
  const world = await runWorld(t, await project(t), 'shop.stock', [
    stock('both', { curated: { 'main/shop/stock': 'curated', 'main/shop/lines': 'curated' } }),
    stock('one', { curated: { 'main/shop/stock': 'curated', 'main/shop/lines': 'quarantined' } }),
  ]);
  assert.deepEqual(world.loaded.sort(), ['main/shop/lines both', 'main/shop/stock both']);
  assert.deepEqual(world.letters, []);
});

test('a copy waits for the end of its original and is no dead letter', async (t) => {
  const copy = stock('copy', { copyOf: 'original' });
  const world = await runWorld(t, await project(t), 'shop', [copy, stock('original')]);
  assert.equal(world.execution.status, 'SUCCEEDED');
  assert.ok(world.keys.get('verify copy')!.length <= 2);
  assert.equal(world.calls.at(-1), 'publish');
  assert.deepEqual(world.letters, []);
  assert.deepEqual(world.loaded, ['main/shop/stock original']);
});

test('a copy whose original never ends is left to the next run after three rounds', async (t) => {
  const world = await runWorld(t, await project(t), 'shop', [stock('copy', { copyOf: 'elsewhere' })]);
  assert.equal(world.execution.status, 'SUCCEEDED');
  assert.equal(world.keys.get('verify copy')!.length, 3);
  assert.deepEqual(world.letters, []);
});

test('a source that cannot be listed is a dead letter, and the others go on', async (t) => {
  const files = [products('p'), stock('s')];
  const world = await runWorld(t, await project(t), 'daily', files, { broken: ['shop'] });
  assert.equal(world.execution.status, 'SUCCEEDED');
  assert.deepEqual(letters(world), ['Poll {"source":"shop"}']);
  assert.deepEqual(world.loaded, ['main/catalog/products p']);
});

test('tables that others look things up in are filled before those, whatever their sources are called', async (t) => {
  const files = [sales('s1'), sales('s2'), products('p1'), stock('k')];
  const world = await runWorld(t, await project(t), 'daily', files);
  const at = (name: string) => world.calls.indexOf(name);
  for (const path of ['s1', 's2']) assert.ok(at('load p1') < at(`verify ${path}`), path);
  assert.equal(world.loaded.length, 4);
});

test('without collecting, only what has landed goes on', async (t) => {
  const world = await runWorld(t, await project(t), 'daily', [stock('a')], { skipCollect: true });
  assert.equal(world.calls.filter((c) => /^(poll|land)/.test(c)).length, 0);
  assert.deepEqual(world.loaded, ['main/shop/stock a']);
});

test('a run of some sources touches no others', async (t) => {
  const world = await runWorld(t, await project(t), 'daily', [stock('a'), products('p')], { sources: ['catalog'] });
  assert.deepEqual(world.loaded, ['main/catalog/products p']);
  assert.deepEqual(
    world.calls.filter((c) => c.startsWith('poll')),
    ['poll catalog'],
  );
});

test('a run that is asked for some files or objects touches no others', async (t) => {
  const files = [stock('a'), stock('b'), stock('c')];
  const paths = await runWorld(t, await project(t), 'shop.stock', files, { select: { paths: ['b'] } });
  assert.deepEqual(paths.loaded, ['main/shop/stock b']);
  const objects = await runWorld(t, await project(t), 'shop', files, { skipCollect: true, select: { objects: ['c'] } });
  assert.deepEqual(objects.loaded, ['main/shop/stock c']);
});

test('a run whose books do not balance fails, and says so before it ends', async (t) => {
  const world = await runWorld(t, await project(t), 'shop', [stock('a')], { publishError: 'Granary.Terminal' });
  assert.deepEqual(world.calls.slice(-2), ['publish', 'fail-run']);
  assert.equal(world.execution.status, 'FAILED');
  assert.equal(world.execution.error, 'Granary.Terminal');
  assert.match(world.execution.cause!, /off by 1/);
});

test('a run that failed is gone through again by a redrive, and what has been done is not done again', async (t) => {
  const world = await runWorld(t, await project(t), 'shop', [stock('a')], { publishError: 'Granary.Terminal' });
  assert.equal(world.execution.status, 'FAILED');
  const still = await world.redrive('Granary.Other');
  assert.deepEqual([still.status, still.error], ['FAILED', 'Granary.Other']);
  assert.deepEqual(world.calls.slice(-2), ['publish', 'fail-run']);
  const mended = await world.redrive();
  assert.deepEqual([mended.status, mended.output], ['SUCCEEDED', { status: 'succeeded' }]);
  assert.deepEqual(world.loaded, ['main/shop/stock a']);
  assert.equal(world.calls.filter((c) => c === 'fail-run').length, 2);
});

test('the data of a run does not grow with the number of its files', async (t) => {
  const sizes = async (count: number) => {
    const files = Array.from({ length: count }, (_, i) => stock(`f${i}`));
    const world = await runWorld(t, await project(t), 'shop.stock', files);
    assert.equal(world.loaded.length, count);
    return [...world.outputs].map(([state, output]) => [state, output.length]);
  };
  const few = await sizes(1);
  assert.ok(few.length >= 5);
  assert.deepEqual(await sizes(60), few);
});
