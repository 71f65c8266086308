import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { referencedTables, wavesOf } from './referenced-tables.ts';
import { load, problemLines } from './testing.ts';

/** Sources of the folder `inbox`; each dataset by name with the lines it has beside its files and its columns. */
function files(sources: Record<string, Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(sources).map(([source, datasets]) => [
      `sources/${source}.yaml`,
      `connector: { type: folder, path: inbox }\ndatasets:\n${Object.entries(datasets)
        .map(([name, extra]) => {
          const own = extra.includes('part_of') ? '' : `\n    files: ${source}_${name}_*.csv`;
          return `  ${name}:${own}\n    columns: { id: text, ref: text }\n${extra.replaceAll(/^(?=.)/gm, '    ')}`;
        })
        .join('\n')}\n`,
    ]),
  );
}

const exists = (table: string) => `rules: [{ exists: { columns: ref, table: ${table}, key: id } }]`;
const lookup = (table: string) => `lookups: [{ table: ${table}, on: { ref: id }, take: { of_${table}: id } }]`;

async function waves(t: TestContext, sources: Record<string, Record<string, string>>): Promise<string[][]> {
  const { project } = await load(t, files(sources));
  return wavesOf(project).map((wave) => wave.map((d) => d.key));
}

test('the tables of lookups and of exists rules are referenced, each with the columns that are needed', async (t) => {
  const { project } = await load(
    t,
    files({ shop: { a: '', b: '', sales: `${lookup('a')}\n${exists('b')}`, more: `${lookup('a')}\n${exists('a')}` } }),
  );
  const { datasets } = project.sources.get('shop')!;
  assert.deepEqual(referencedTables(datasets.get('a')!), new Map());
  assert.deepEqual(
    [...referencedTables(datasets.get('sales')!)],
    [
      ['a', ['id']],
      ['b', ['id']],
    ],
  );
  assert.deepEqual([...referencedTables(datasets.get('more')!)], [['a', ['id']]]);
});

test('a dataset that looks a table up comes in a later wave than those that fill it, in whatever source', async (t) => {
  assert.deepEqual(
    await waves(t, { z: { stores: '', cities: '' }, a: { sales: lookup('stores'), stock: exists('sales') } }),
    [['main/z/cities', 'main/z/stores'], ['main/a/sales'], ['main/a/stock']],
  );
});

test('a table that two datasets fill is complete before it is looked up', async (t) => {
  assert.deepEqual(
    await waves(t, {
      shop: { base: '', one: 'table: both', two: `table: both\n${exists('base')}`, sales: exists('both') },
    }),
    [['main/shop/base', 'main/shop/one'], ['main/shop/two'], ['main/shop/sales']],
  );
});

test('a dataset may look things up in its own table; datasets that fill one table follow each other', async (t) => {
  assert.deepEqual(await waves(t, { shop: { tree: exists('tree'), more: `table: tree\n${exists('tree')}` } }), [
    ['main/shop/more'],
    ['main/shop/tree'],
  ]);
});

test('a part is filled with its whole, so what looks up the part waits for what the whole waits for', async (t) => {
  const order = await waves(t, {
    shop: { base: '', orders: exists('base'), lines: 'part_of: orders', stock: exists('lines') },
  });
  assert.deepEqual(order, [['main/shop/base'], ['main/shop/lines', 'main/shop/orders'], ['main/shop/stock']]);
});

test('a whole waits for what its part looks up', async (t) => {
  const order = await waves(t, { shop: { orders: '', lines: `part_of: orders\n${exists('zz')}`, zz: '' } });
  assert.deepEqual(order, [['main/shop/zz'], ['main/shop/lines', 'main/shop/orders']]);
});

test('another tenant’s table of the same name is another table', async (t) => {
  const sources = files({ a: { stores: '', sales: exists('stores') }, b: { stores: '' } });
  sources['sources/b.yaml'] = `tenant: north\n${sources['sources/b.yaml']}`;
  const { project } = await load(t, { ...sources, 'granary.yaml': 'name: t\ntenants: { north: {} }\n' });
  assert.deepEqual(
    wavesOf(project).map((w) => w.map((d) => d.key)),
    [['main/a/stores', 'north/b/stores'], ['main/a/sales']],
  );
});

test('a circle is refused where it begins, with its path and without what only leads to it', async (t) => {
  assert.deepEqual(await problemLines(t, files({ shop: { a: exists('b'), b: lookup('c'), c: exists('b') } })), [
    'sources/shop.yaml:10:15 datasets look each other up in a circle: main/shop/b → main/shop/c → main/shop/b',
  ]);
});

test('a part that looks up its whole is a circle: the rows of both come with one file', async (t) => {
  const [line] = await problemLines(t, files({ shop: { orders: '', lines: `part_of: orders\n${exists('orders')}` } }));
  assert.match(line!, /in a circle: main\/shop\/lines → main\/shop\/orders$/);
});
