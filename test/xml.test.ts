/** What a user can rely on with XML files, through the command line: several tables from one file, books, lineage, rejects. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BOOKS } from '../src/model/books.ts';
import { CURATIONS, OBJECTS } from '../src/model/objects.ts';
import type { Runtime } from '../src/runtime/runtime.ts';
import { sampleProject } from './cli.ts';
import { makeProject, rowsOf, runProject } from './support/projects.ts';

const DOCUMENT = `<?xml version="1.0" encoding="UTF-8"?>
<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/">
  <Transaction id="T1" store="S1">
    <Began>2026-11-19T08:00:00</Began>
    <Lines>
      <Line><Sku>P1</Sku><Price currency="EUR">2.50</Price></Line>
      <Line><Sku>P2</Sku><Price currency="EUR">much</Price></Line>
    </Lines>
  </Transaction>
  <Transaction id="T2" store="S2">
    <Began>2026-11-19T08:05:00</Began>
    <Lines><Line><Sku>P3</Sku><Price currency="EUR">1.00</Price></Line></Lines>
  </Transaction>
</POSLog>
`;

const SOURCE = `connector: { type: folder, path: drop }
datasets:
  transactions:
    files: pos_{date:yyyyMMdd}.xml
    ready: now
    format: { type: xml, record: Transaction }
    columns:
      transaction: { from: "@id", required: true }
      store: { from: "@store" }
      began_at: { from: Began, type: timestamp }
  lines:
    part_of: transactions
    record: Transaction/Lines/Line
    columns:
      transaction: { from: "../../@id" }
      position: { from: "position()", type: integer }
      sku: { from: Sku }
      price: { from: Price, type: "decimal(12,2)" }
      currency: { from: Price/@currency }
`;

test('one file fills related tables, whose books balance each for itself', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('sources/tills.yaml', SOURCE);
  await sh.file('drop/pos_20261119.xml', DOCUMENT);
  const check = await sh.granary('check');
  assert.equal(check.code, 0, check.stdout + check.stderr);
  const run = await sh.granary('run', '--source', 'tills');
  assert.equal(run.code, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /tills\.transactions +1 +2 +2 +0 +0 +0 +balanced/);
  assert.match(run.stdout, /tills\.lines +1 +3 +2 +0 +0 +1 +balanced/);
  const { stdout } = await sh.granary(
    'query',
    'SELECT t.store, l.position, l.sku, l.price, l._line FROM lines l JOIN transactions t USING (transaction) ORDER BY ALL',
    '--format',
    'csv',
  );
  assert.equal(stdout, 'store,position,sku,price,_line\nS1,1,P1,2.50,6\nS2,1,P3,1.00,12\n');
  const [reject] = JSON.parse((await sh.granary('rejects', '--json')).stdout);
  assert.deepEqual(
    [reject.rule, reject.line, reject.raw],
    ['type(price)', 7, '<Line><Sku>P2</Sku><Price currency="EUR">much</Price></Line>'],
  );
});

test('a document that is cut off is set aside with its line and column, and what is complete of it can be asked for', async (t) => {
  const sh = await sampleProject(t);
  await sh.file('sources/tills.yaml', SOURCE);
  await sh.file('drop/pos_20261119.xml', DOCUMENT.slice(0, DOCUMENT.indexOf('<Sku>P3')));
  const run = await sh.granary('run', '--source', 'tills');
  assert.match(run.stdout, /In quarantine: 1[\s\S]*line 12, column 18: the document ends/);
  await sh.file(
    'sources/tills.yaml',
    SOURCE.replace('record: Transaction }', 'record: Transaction, malformed: keep_complete }'),
  );
  const again = await sh.granary('quarantine', 'release', 'pos_20261119.xml');
  assert.equal(again.code, 0, again.stdout + again.stderr);
  const books = await sh.granary('books');
  assert.match(books.stdout, /tills\.transactions +1 +2 +1 +0 +0 +1 +balanced/);
  assert.match(books.stdout, /tills\.lines +1 +3 +1 +0 +0 +2 +balanced/);
});

const ORDERS = (format = '') => `connector: { type: folder, path: inbox }
datasets:
  orders:
    files: orders_{date:yyyyMMdd}.xml
    ready: now
    format: { type: xml, record: Order${format} }
    columns:
      id: { from: "@id" }
  lines:
    part_of: orders
    record: Order/Line
    columns:
      order_id: { from: "../@id" }
      total: { from: Total, type: "decimal(12,2)" }
`;

const orders = (n: number, between = '') => `<Orders>
<Order id="${n}a"><Line><Total>1.00</Total></Line></Order>
${between}<Order id="${n}b"><Line><Total>2.00</Total></Line></Order>
</Orders>
`;

/** Damaged in the middle: tags that are balanced, one that is never closed, a sign that is no reference. */
const FILES = {
  'inbox/orders_20261101.xml': orders(1),
  'inbox/orders_20261102.xml': orders(2, '<Order id="x"><Line><Total>5.00</Sum></Line></Order>\n'),
  'inbox/orders_20261103.xml': orders(3, '<Order id="y"><Line><Total>5.00</Line></Order>\n'),
  'inbox/orders_20261104.xml': orders(4, '<Order id="z"><Line><Total>5 & 6</Total></Line></Order>\n'),
  'inbox/orders_20261105.xml': orders(5),
};

async function objectsOf(runtime: Runtime): Promise<[file: string, status: string, reason: string | undefined][]> {
  const found: [string, string, string | undefined][] = [];
  for await (const o of runtime.context.state.query(OBJECTS)) found.push([o.file, o.status, o.reasons[0]?.message]);
  return found.sort(([a], [b]) => a.localeCompare(b));
}

async function areBooksBalanced(runtime: Runtime): Promise<boolean> {
  for await (const b of runtime.context.state.query(BOOKS))
    if (b.received !== b.loaded + b.filtered + b.deduplicated + b.rejected) return false;
  return true;
}

test('a document that is wrong in its middle is set aside with line and column, and the other files are loaded', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': ORDERS(), ...FILES });
  const { doc } = await runProject(dir, async (runtime) => {
    const is = 'The document is not well-formed XML: line 3, column';
    assert.deepEqual(await objectsOf(runtime), [
      ['orders_20261101.xml', 'loaded', undefined],
      ['orders_20261102.xml', 'quarantined', `${is} 32: </Sum> where </Total> is expected.`],
      ['orders_20261103.xml', 'quarantined', `${is} 32: </Line> where </Total> is expected.`],
      ['orders_20261104.xml', 'quarantined', `${is} 30: "&" begins no reference; as a sign it is written "&amp;".`],
      ['orders_20261105.xml', 'loaded', undefined],
    ]);
    assert.deepEqual(await rowsOf(runtime, 'SELECT order_id, total FROM lines ORDER BY ALL'), [
      ['1a', '1.00'],
      ['1b', '2.00'],
      ['5a', '1.00'],
      ['5b', '2.00'],
    ]);
    assert.ok(await areBooksBalanced(runtime));
  });
  assert.deepEqual(
    [doc.status, doc.quarantined, doc.errors, doc.totals.received, doc.totals.loaded],
    ['succeeded', 3, [], 8, 8],
  );
});

test('with keep_complete the records before what is wrong are loaded, and all others are rejects', async (t) => {
  const dir = await makeProject(t, { 'sources/shop.yaml': ORDERS(', malformed: keep_complete'), ...FILES });
  const { doc } = await runProject(dir, async (runtime) => {
    assert.ok((await objectsOf(runtime)).every(([, status]) => status === 'loaded'));
    const ids = await rowsOf(runtime, 'SELECT id FROM orders ORDER BY ALL');
    assert.deepEqual(ids.flat(), ['1a', '1b', '2a', '3a', '4a', '5a', '5b']);
    assert.ok(await areBooksBalanced(runtime));
  });
  // Two orders with their lines in each of three files; but what is behind a tag that never ends seems to be within it.
  assert.deepEqual([doc.status, doc.totals.loaded, doc.totals.rejected], ['succeeded', 14, 10]);
});

const WITH_NEWS = orders(2).replaceAll('<Line>', '<Rush since="2026-11-02">yes</Rush><Line no="7">');

test('a new element is told for the table that it would be a column of, and one that has vanished as well', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': ORDERS().replace(
      'id: { from: "@id" }',
      'id: { from: "Order/@id" }\n      note: { from: Note }',
    ),
    'inbox/orders_20261101.xml': orders(1).replaceAll('<Line>', '<Note/><Line>'),
    'inbox/orders_20261102.xml': WITH_NEWS,
  });
  const { doc } = await runProject(dir, async (runtime) => {
    const drift: Record<string, string[]> = {};
    for await (const c of runtime.context.state.query(CURATIONS)) {
      const object = await runtime.context.state.get(OBJECTS, c.object);
      drift[`${object!.file} ${c.dataset}`] = c.drift;
    }
    assert.deepEqual(drift, {
      'orders_20261101.xml main/shop/orders': [],
      'orders_20261101.xml main/shop/lines': [],
      'orders_20261102.xml main/shop/orders': [
        'Its columns differ from the contract (missing: Note; new: Rush/@since, Rush).',
      ],
      'orders_20261102.xml main/shop/lines': ['Its columns differ from the contract (new: @no).'],
    });
  });
  assert.deepEqual([doc.status, doc.totals.loaded], ['succeeded', 8]);
});

test('with on_drift evolve new elements and attributes become columns of their type, in parts of the file too', async (t) => {
  const evolving = ORDERS().replaceAll(/^( +)columns:/gm, '$1on_drift: evolve\n$1columns:');
  const dir = await makeProject(t, {
    'sources/shop.yaml': evolving,
    'inbox/orders_20261101.xml': orders(1),
    'inbox/orders_20261102.xml': WITH_NEWS,
  });
  await runProject(dir, async (runtime) => {
    const columns = 'id, rush, rush_since';
    assert.deepEqual(await rowsOf(runtime, `SELECT ${columns} FROM orders ORDER BY ALL`), [
      ['1a', null, null],
      ['1b', null, null],
      ['2a', 'yes', '2026-11-02'],
      ['2b', 'yes', '2026-11-02'],
    ]);
    assert.deepEqual(await rowsOf(runtime, "SELECT no + 1 FROM lines WHERE order_id = '2a'"), [[8]]);
  });
});

test('a document that is wrong in its middle, and has new elements before that, is set aside or evolves as far as it goes', async (t) => {
  for (const format of ['', ', malformed: keep_complete']) {
    const evolving = ORDERS(format).replaceAll(/^( +)columns:/gm, '$1on_drift: evolve\n$1columns:');
    const dir = await makeProject(t, {
      'sources/shop.yaml': evolving,
      'inbox/orders_20261101.xml': orders(1),
      'inbox/orders_20261102.xml': `${WITH_NEWS.slice(0, WITH_NEWS.indexOf('</Order>', 100))}</Line>`,
    });
    await runProject(dir, async (runtime) => {
      const [, [, status, reason]] = (await objectsOf(runtime)) as [unknown, [string, string, string]];
      const loaded = await rowsOf(runtime, 'SELECT count(*) FROM orders');
      if (format === '') {
        assert.deepEqual([status, loaded], ['quarantined', [[2]]]);
        assert.match(
          reason,
          /^The document is not well-formed XML: line 3, column \d+: <\/Line> where <\/Order> is expected\.$/,
        );
      } else {
        assert.deepEqual([status, loaded], ['loaded', [[3]]]);
        assert.deepEqual(await rowsOf(runtime, "SELECT rush FROM orders WHERE id = '2a'"), [['yes']]);
      }
    });
  }
});

test('with on_drift quarantine a document with another structure is set aside', async (t) => {
  const strict = ORDERS().replace('    columns:', '    on_drift: quarantine\n    columns:');
  const dir = await makeProject(t, {
    'sources/shop.yaml': strict,
    'inbox/orders_20261101.xml': orders(1),
    'inbox/orders_20261102.xml': WITH_NEWS,
  });
  await runProject(dir, async (runtime) => {
    assert.deepEqual(await objectsOf(runtime), [
      ['orders_20261101.xml', 'loaded', undefined],
      ['orders_20261102.xml', 'quarantined', 'Its columns differ from the contract (new: Rush/@since, Rush).'],
    ]);
  });
});

test('discover proposes a table for every repeated element, with the keys of those around it, and what it writes loads', async (t) => {
  const sh = await sampleProject(t);
  const lines = (n: number) =>
    Array.from(
      { length: n },
      (_, i) => `<Line no="${i + 1}"><Item sku="P${i}"><Name>n${i}</Name></Item><Qty>${i + 2}</Qty></Line>`,
    ).join('\n');
  const orders = [1, 2, 3].map(
    (n) => `<o:Order id="O${n}" xmlns:o="urn:orders"><Date>2026-11-0${n}</Date><Total cur="EUR">${n}.50</Total>
      <Lines count="${n}">${lines(n)}</Lines><Tag>x</Tag><Tag>y</Tag></o:Order>`,
  );
  await sh.file('drop/orders_20261119.xml', `<?xml version="1.0"?>\n<Orders>${orders.join('\n')}</Orders>\n`);
  const found = await sh.granary('discover', '--connector', 'folder', '--set', 'path=drop', '--name', 'vendor');
  assert.equal(found.code, 0, found.stdout + found.stderr);
  assert.match(found.stdout, /orders_line +Order\/Lines\/Line of orders/);
  const yaml = await readFile(join(sh.dir, 'sources/vendor.yaml'), 'utf8');
  assert.equal(
    yaml.slice(yaml.indexOf('datasets:')).replaceAll(/^ *#.*\n/gm, ''),
    `datasets:
  orders:
    files: orders_{date:yyyyMMdd}.xml
    format: { type: xml, record: Order }
    columns:
      id: { type: text, from: "@id" }
      date: { type: date, from: Date }
      total_cur: { type: text, from: Total/@cur }
      total: { type: "decimal(12,2)", from: Total }
      lines_count: { type: integer, from: Lines/@count }
    load: append

  orders_line:
    part_of: orders
    record: Order/Lines/Line
    columns:
      order_id: { type: text, from: ../../@id }
      position: { type: integer, from: position() }
      no: { type: integer, from: "@no" }
      item_sku: { type: text, from: Item/@sku }
      item_name: { type: text, from: Item/Name }
      qty: { type: integer, from: Qty }
    load: append

  orders_tag:
    part_of: orders
    record: Order/Tag
    columns:
      order_id: { type: text, from: ../@id }
      position: { type: integer, from: position() }
      tag: { type: text, from: . }
    load: append
`,
  );
  assert.match(yaml, /load: \{ strategy: merge, key: \[order_id, position\] \}/);
  assert.equal((await sh.granary('check')).code, 0);
  await sh.file('sources/vendor.yaml', yaml.replace('    format:', '    ready: now\n    format:'));
  const run = await sh.granary('run', '--source', 'vendor');
  assert.equal(run.code, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /vendor\.orders +1 +3 +3 /);
  assert.match(run.stdout, /vendor\.orders_line +1 +6 +6 /);
  assert.match(run.stdout, /vendor\.orders_tag +1 +6 +6 /);
  const { stdout } = await sh.granary(
    'query',
    'SELECT sum(l.qty) AS n FROM orders_line l JOIN orders o ON o.id = l.order_id',
    '--format',
    'csv',
  );
  assert.equal(stdout, 'n\n16\n');
});
