/** The reading side of the warehouse's contract: queries, system tables, exports, traces. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { GranaryError } from '../../src/lib/errors.ts';
import type { TableColumn } from '../../src/model/schema.ts';
import type { Warehouse } from '../../src/ports/warehouse.ts';
import type { BookFact, ObjectFact } from '../../src/ports/warehouse-facts.ts';
import { toArray } from './to-array.ts';
import type { OpenWarehouse } from './warehouse.ts';
import type { ObjectMaker, TestObject } from './warehouse-objects.ts';
import { rowsOf } from './warehouse-rows.ts';

const COLUMNS: TableColumn[] = [
  { name: 'id', type: 'bigint' },
  { name: 'name', type: 'text' },
];
const SALES = { schema: 'main', name: 'shop_sales' };

async function loadSales(warehouse: Warehouse, maker: ObjectMaker, more: Partial<TestObject> = {}): Promise<void> {
  const rows = [
    { id: 1, name: 'a' },
    { id: 2, name: 'b' },
    { id: 2, name: null },
  ];
  const o: TestObject = { id: 'o1', order: '2026-01-01', effective: '2026-01-01T00:00:00Z', rows, ...more };
  await warehouse.load(await maker.request('shop.sales', COLUMNS, { strategy: 'append' }, o));
}

const queryFailed = (message: RegExp, hint: RegExp, where?: { line: number; column: number }) => (e: GranaryError) => {
  assert.equal(e.code, 'query.failed');
  assert.match(e.message, message);
  assert.match(String(e.hint), hint);
  if (where) assert.deepEqual(e.where, where);
  return true;
};

export function readingContract(open: OpenWarehouse): void {
  test('a query gives names, types and exact values', async (t) => {
    const { warehouse } = await open(t);
    const { columns, batches, truncated } = await warehouse.query(
      `SELECT 1 AS a, 2 AS a, 9007199254740993 AS big, 1.10::DECIMAL(5,2) AS d, DATE '2026-01-02' AS day, NULL AS nothing; -- the end`,
    );
    assert.deepEqual(
      columns.map((c) => `${c.name} ${c.type}`),
      ['a integer', 'a integer', 'big bigint', 'd decimal(5,2)', 'day date', 'nothing integer'],
    );
    assert.deepEqual((await toArray(batches)).flat(), [[1, 2, '9007199254740993', '1.10', '2026-01-02', null]]);
    assert.equal(truncated(), false);
  });

  test('a long result keeps its order and comes whole', async (t) => {
    const { warehouse } = await open(t);
    const rows = await rowsOf(warehouse, 'SELECT i FROM range(100000) r(i) ORDER BY hash(i), i');
    const sorted = await rowsOf(warehouse, 'SELECT list(i ORDER BY hash(i), i)::VARCHAR FROM range(100000) r(i)');
    assert.equal(`[${rows.flat().join(', ')}]`, sorted[0]![0]);
  });

  test('maxRows stops a result and says so', async (t) => {
    const { warehouse } = await open(t);
    const read = async (maxRows: number) => {
      const { batches, truncated } = await warehouse.query('SELECT i FROM range(5000) r(i)', { maxRows });
      return [(await toArray(batches)).flat().length, truncated()];
    };
    assert.deepEqual(await read(4999), [4999, true]);
    assert.deepEqual(await read(5000), [5000, false]);
  });

  test('an error in the middle of a result is thrown, never taken for its end', async (t) => {
    const { warehouse } = await open(t);
    const failing = `SELECT CAST(if(i = 90000, 'x', i::VARCHAR) AS INTEGER) AS n FROM range(100000) r(i)`;
    await assert.rejects(
      rowsOf(warehouse, failing),
      queryFailed(/Could not convert/, /Correct/, { line: 1, column: 8 }),
    );
  });

  test('a query can be stopped', async (t) => {
    const { warehouse } = await open(t);
    const endless = 'SELECT count(*) FROM range(100000000) a, range(100000) b WHERE hash(a.range, b.range) = 1';
    await assert.rejects(rowsOf(warehouse, endless, { signal: AbortSignal.timeout(50) }), { code: 'cancelled' });
    assert.deepEqual(await rowsOf(warehouse, 'SELECT 1'), [[1]]);
  });

  test('a reader that stops early does not keep the warehouse from closing', async (t) => {
    const { warehouse, reopen } = await open(t);
    for await (const batch of (await warehouse.query('SELECT * FROM range(1000000)')).batches) {
      assert.ok(batch.length > 0);
      break;
    }
    assert.deepEqual(await rowsOf(await reopen(), 'SELECT 1'), [[1]]);
  });

  test('a wrong statement is refused with its place and the nearest right name', async (t) => {
    const { warehouse, maker } = await open(t);
    await loadSales(warehouse, maker);
    const refused = async (sql: string, message: RegExp, hint: RegExp, where?: { line: number; column: number }) =>
      assert.rejects(warehouse.query(sql), queryFailed(message, hint, where));
    await refused('SELECT *\nFROM shop_sales\nWHRE id = 1', /syntax error/, /Correct/, { line: 3, column: 6 });
    await refused('SELECT *\nFROM shop_sale', /no table shop_sale/, /Did you mean shop_sales/, { line: 2, column: 6 });
    await refused('SELECT nam FROM shop_sales', /nam/, /Did you mean name/, { line: 1, column: 8 });
    await refused('SELECT 1; SELECT 2', /one statement, found 2/, /one after the other/);
    await refused('', /one statement, found 0/, /one after the other/);
  });

  test('queries read tables and nothing else', async (t) => {
    const { warehouse, maker } = await open(t);
    await loadSales(warehouse, maker);
    const file = await maker.parquet(COLUMNS, [{ id: 1 }]);
    const forbidden = [
      'DELETE FROM shop_sales',
      'DROP TABLE shop_sales',
      'INSERT INTO shop_sales SELECT * FROM shop_sales',
      `COPY shop_sales TO '${file}.csv'`,
      "ATTACH ':memory:' AS other",
      'INSTALL httpfs',
      'SET threads = 1',
      'PRAGMA memory_limit = 1',
      `SELECT * FROM read_parquet('${file}')`,
      `SELECT * FROM '${file}'`,
      `SELECT * FROM (SELECT 1) WHERE 1 IN (FROM read_text('${file}'))`,
      `WITH a AS (FROM glob('${file}')) FROM a`,
      "SELECT * FROM query('DROP TABLE shop_sales')",
      "SELECT * FROM read_csv('/etc/passwd')",
    ];
    for (const sql of forbidden) await assert.rejects(rowsOf(warehouse, sql), { code: 'query.failed' }, sql);
    assert.deepEqual(await rowsOf(warehouse, 'SELECT count(*) FROM shop_sales'), [[3]]);
    for (const sql of [
      'DESCRIBE shop_sales',
      'SHOW ALL TABLES',
      'SUMMARIZE shop_sales',
      'FROM shop_sales',
      'VALUES (1)',
    ])
      assert.ok((await rowsOf(warehouse, sql)).length > 0, sql);
  });

  test('facts are upserted by id, however often they are published', async (t) => {
    const { warehouse } = await open(t);
    const fact: ObjectFact = {
      id: 'o1',
      tenant: 'main',
      source: 'shop',
      dataset: 'shop.sales',
      name: 'sales_1.csv',
      bytes: 12,
      status: 'landed',
      arrived_at: '2026-01-01T10:00:00Z',
    };
    const book: BookFact = {
      run_id: 'r1',
      object_id: 'o1',
      dataset: 'shop.sales',
      table: 'main.shop_sales',
      received: 3,
      loaded: 1,
      filtered: 1,
      deduplicated: 0,
      rejected: 1,
      balanced: true,
      active: true,
      by_rule: { range: 1 },
    };
    const run = { id: 'r1', status: 'done', started_at: '2026-01-01T10:00:00Z' };
    const quarantine = [{ code: 'codec.truncated', message: 'ends too early' }];
    await warehouse.publishFacts({ objects: [fact, { ...fact, id: 'o2', quarantine }], books: [book], runs: [run] });
    await warehouse.publishFacts({ objects: [{ ...fact, status: 'loaded' }], books: [book], runs: [run] });
    assert.deepEqual(
      await rowsOf(
        warehouse,
        "SELECT id, status, bytes, arrived_at, quarantine->0->>'code' FROM granary.objects ORDER BY id",
      ),
      [
        ['o1', 'loaded', 12, '2026-01-01 10:00:00+00', null],
        ['o2', 'landed', 12, '2026-01-01 10:00:00+00', 'codec.truncated'],
      ],
    );
    assert.deepEqual(
      await rowsOf(
        warehouse,
        'SELECT received = loaded + filtered + deduplicated + rejected, by_rule.range::INT FROM granary.books',
      ),
      [[true, 1]],
    );
    assert.deepEqual(await rowsOf(warehouse, 'SELECT id, status, error FROM granary.runs'), [['r1', 'done', null]]);
  });

  test('an export has the distinct values of its columns and the version they are of', async (t) => {
    const { warehouse, maker } = await open(t);
    await loadSales(warehouse, maker);
    const path = join(maker.folder, 'reference.parquet');
    const { rows, version } = await warehouse.exportTable(SALES, ['id'], path);
    assert.equal(rows, 2);
    assert.equal(version, await warehouse.tableVersion(SALES));
    assert.deepEqual(await maker.read(path, 'id'), [{ id: 1 }, { id: 2 }]);
    await loadSales(warehouse, maker, { id: 'o2' });
    assert.notEqual(version, await warehouse.tableVersion(SALES));
    await assert.rejects(warehouse.exportTable(SALES, ['idd'], path), queryFailed(/no column idd/, /Did you mean id/));
  });

  test('tables are described with their columns and rows', async (t) => {
    const { warehouse, maker } = await open(t);
    await loadSales(warehouse, maker);
    const tables = await warehouse.describe();
    const sales = tables.find((table) => table.name === 'shop_sales');
    assert.deepEqual([sales?.schema, sales?.kind, sales?.rows], ['main', 'table', 3]);
    assert.deepEqual(sales?.columns, await warehouse.columns(SALES));
    const system = tables.filter((table) => table.schema === 'granary').map((table) => table.name);
    assert.deepEqual(system, ['books', 'loads', 'objects', 'rejects', 'runs']);
  });

  test('a row is traced to its object and line', async (t) => {
    const { warehouse, maker } = await open(t);
    await loadSales(warehouse, maker);
    const found = await warehouse.trace(SALES, { id: 2, name: null });
    assert.deepEqual(found, [{ object: 'o1', line: 3, member: undefined, row: { id: 2, name: null } }]);
    await loadSales(warehouse, maker, { id: 'zip', rows: [{ id: 3, name: 'c', _member: 'inner.csv' }] });
    const inner = await warehouse.trace(SALES, { id: 3 });
    assert.deepEqual([inner[0]?.object, inner[0]?.member], ['zip', 'inner.csv']);
    assert.equal((await warehouse.trace(SALES, { id: '2' })).length, 2);
    assert.equal((await warehouse.trace(SALES, { id: '2' }, 1)).length, 1);
    await assert.rejects(warehouse.trace(SALES, { nam: 'a' }), queryFailed(/no column nam/, /Did you mean name/));
    await assert.rejects(warehouse.trace(SALES, { id: 'x' }), { code: 'query.failed' });
    await assert.rejects(
      warehouse.trace({ ...SALES, name: 'shop_sale' }, { id: 1 }),
      queryFailed(/no table/, /shop_sales/),
    );
  });
}
