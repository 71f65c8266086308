/** What every warehouse does, whatever it is made of. Adapters' tests call it with a way to open an empty warehouse. */
import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { GranaryError } from '../../src/lib/errors.ts';
import type { TableColumn } from '../../src/model/schema.ts';
import type { LoadStrategy, Warehouse } from '../../src/ports/warehouse.ts';
import { deletesContract } from './warehouse-deletes.ts';
import type { ObjectMaker, TestObject } from './warehouse-objects.ts';
import { CASES, loadAtRandom } from './warehouse-property.ts';
import { readingContract } from './warehouse-reading.ts';
import { rowsOf } from './warehouse-rows.ts';

export interface OpenedWarehouse {
  /** Empty. */
  warehouse: Warehouse;
  /** Makes objects in a folder that the warehouse may read and write. */
  maker: ObjectMaker;
  /** Closes the warehouse and opens it again. */
  reopen(): Promise<Warehouse>;
}

/** `open` cleans up after itself with `t.after`. */
export type OpenWarehouse = (t: TestContext) => Promise<OpenedWarehouse>;

export function warehouseContract(name: string, open: OpenWarehouse): void {
  describe(`${name} keeps the warehouse's contract`, () => {
    recordContract(open);
    evolutionContract(open);
    strategyContract(open);
    deletesContract(open);
    readingContract(open);
  });
}

const COLUMNS: TableColumn[] = [
  { name: 'id', type: 'integer' },
  { name: 'name', type: 'text' },
];
const APPEND: LoadStrategy = { strategy: 'append' };

function object(id: string, day: number, rows: TestObject['rows'], more: Partial<TestObject> = {}): TestObject {
  const date = `2026-01-${String(day).padStart(2, '0')}`;
  return { id, order: date, effective: `${date}T00:00:00Z`, rows, ...more };
}

const loadFailed = (message: RegExp) => (e: GranaryError) => {
  assert.equal(e.code, 'load.failed');
  assert.equal(e.transient, false);
  assert.match(e.message, message);
  assert.ok(e.hint);
  return true;
};

function recordContract(open: OpenWarehouse): void {
  test('rows, the record of the load and the rejects enter together', async (t) => {
    const { warehouse, maker, reopen } = await open(t);
    const rejects = [
      { object: 'o1', line: 3, rule: 'range', column: 'id', severity: 'reject', reason: 'too small', raw: '-1;x' },
    ];
    const o1 = object('o1', 1, [{ id: 1, name: 'a' }, { id: 2 }], { rejects });
    const result = await warehouse.load(await maker.request('shop.sales', COLUMNS, APPEND, o1));
    assert.deepEqual(result, { inserted: 2, deduplicated: 0, replaced: 0, tableRows: 2, recorded: false });
    const again = await reopen();
    assert.deepEqual(await rowsOf(again, 'SELECT id, name, _object, _line, _member FROM shop_sales ORDER BY id'), [
      [1, 'a', 'o1', 1, null],
      [2, null, 'o1', 2, null],
    ]);
    assert.deepEqual(
      await rowsOf(again, 'SELECT object_id, dataset, table_name, curation_id, rows, inserted FROM granary.loads'),
      [['o1', 'shop.sales', 'shop_sales', 'c1', 2, 2]],
    );
    assert.deepEqual(
      await rowsOf(again, 'SELECT object_id, dataset, line, rule, column_name, reason, raw FROM granary.rejects'),
      [['o1', 'shop.sales', 3, 'range', 'id', 'too small', '-1;x']],
    );
  });

  test('loading again what was loaded changes nothing and returns the recorded result', async (t) => {
    const { warehouse, maker } = await open(t);
    const request = await maker.request('shop.sales', COLUMNS, APPEND, object('o1', 1, [{ id: 1, name: 'a' }]));
    const first = await warehouse.load(request);
    const version = await warehouse.tableVersion(request.table);
    assert.deepEqual(await warehouse.load(request), { ...first, recorded: true });
    assert.equal(await warehouse.tableVersion(request.table), version);
    assert.deepEqual(await rowsOf(warehouse, 'SELECT count(*) FROM shop_sales'), [[1]]);
  });

  test('two loads of one object at the same time load it once', async (t) => {
    const { warehouse, maker } = await open(t);
    const request = await maker.request('shop.sales', COLUMNS, APPEND, object('o1', 1, [{ id: 1, name: 'a' }]));
    const results = await Promise.all([warehouse.load(request), warehouse.load(request)]);
    assert.deepEqual(
      results.map((r) => r.recorded),
      [false, true],
    );
    assert.deepEqual(await rowsOf(warehouse, 'SELECT count(*) FROM shop_sales'), [[1]]);
  });

  test('a replay takes the earlier rows and rejects of the object out', async (t) => {
    const { warehouse, maker } = await open(t);
    const reject = { line: 2, rule: 'type', severity: 'reject', reason: 'no number', raw: 'x' };
    const first = object('o1', 1, [{ id: 1, name: 'a' }], { rejects: [reject] });
    await warehouse.load(await maker.request('shop.sales', COLUMNS, APPEND, object('o0', 1, [{ id: 0, name: 'z' }])));
    await warehouse.load(await maker.request('shop.sales', COLUMNS, APPEND, first));
    const replay = object(
      'o1',
      1,
      [
        { id: 1, name: 'b' },
        { id: 2, name: 'c' },
      ],
      { curationId: 'c2' },
    );
    const result = await warehouse.load(await maker.request('shop.sales', COLUMNS, APPEND, replay));
    assert.equal(result.inserted, 2);
    assert.deepEqual(await rowsOf(warehouse, 'SELECT id, name FROM shop_sales ORDER BY id'), [
      [0, 'z'],
      [1, 'b'],
      [2, 'c'],
    ]);
    assert.deepEqual(await rowsOf(warehouse, 'SELECT count(*) FROM granary.rejects'), [[0]]);
    assert.deepEqual(await rowsOf(warehouse, "SELECT curation_id FROM granary.loads WHERE object_id = 'o1'"), [['c2']]);
  });

  test('an object that was superseded before it came adds no rows', async (t) => {
    const { warehouse, maker } = await open(t);
    const second = object('second', 1, [{ id: 1, name: 'new' }], { supersedes: ['first'] });
    await warehouse.load(await maker.request('shop.sales', COLUMNS, APPEND, second));
    const first = await maker.request('shop.sales', COLUMNS, APPEND, object('first', 1, [{ id: 1, name: 'old' }]));
    const result = await warehouse.load(first);
    assert.deepEqual([result.inserted, result.deduplicated], [0, 1]);
    assert.deepEqual(await rowsOf(warehouse, 'SELECT name FROM shop_sales'), [['new']]);
  });

  test('files that do not have the rows they should have are refused, and nothing is left of the load', async (t) => {
    const { warehouse, maker } = await open(t);
    const good = await maker.request('shop.sales', COLUMNS, APPEND, object('o1', 1, [{ id: 1, name: 'a' }]));
    await assert.rejects(warehouse.load({ ...good, rows: 2 }), loadFailed(/have 1 rows instead of 2/));
    await assert.rejects(
      warehouse.load({ ...good, objectId: 'o2' }),
      loadFailed(/1 curated rows are of other objects/),
    );
    const more: TableColumn[] = [...COLUMNS, { name: 'price', type: 'decimal(9,2)' }];
    await assert.rejects(warehouse.load({ ...good, columns: more }), loadFailed(/lack the columns price/));
    assert.equal(await warehouse.columns(good.table), undefined);
    assert.deepEqual(await rowsOf(warehouse, 'SELECT count(*) FROM granary.loads'), [[0]]);
  });

  test('an object cannot fill one table as two datasets, nor move to another table', async (t) => {
    const { warehouse, maker } = await open(t);
    const request = await maker.request('shop.sales', COLUMNS, APPEND, object('o1', 1, [{ id: 1, name: 'a' }]));
    await warehouse.load(request);
    await assert.rejects(warehouse.load({ ...request, dataset: 'shop.other' }), loadFailed(/cannot load o1 into/));
    const moved = { ...request, curationId: 'c2', table: { schema: 'main', name: 'elsewhere' } };
    await assert.rejects(warehouse.load(moved), loadFailed(/was loaded into main.shop_sales/));
  });
}

function evolutionContract(open: OpenWarehouse): void {
  test('tables get new columns and wider types, and narrower values are cast up', async (t) => {
    const { warehouse, maker } = await open(t);
    const load = async (id: string, columns: TableColumn[], row: Record<string, unknown>) =>
      warehouse.load(await maker.request('shop.sales', columns, APPEND, object(id, 1, [row])));
    await load(
      'o1',
      [
        { name: 'id', type: 'integer' },
        { name: 'on', type: 'date' },
      ],
      { id: 1, on: '2026-01-01' },
    );
    await load(
      'o2',
      [
        { name: 'id', type: 'bigint' },
        { name: 'on', type: 'timestamp' },
        { name: 'price', type: 'decimal(9,2)' },
      ],
      {
        id: 5_000_000_000,
        on: '2026-01-02 10:00:00',
        price: '1.50',
      },
    );
    await load(
      'o3',
      [
        { name: 'price', type: 'decimal(5,1)' },
        { name: 'id', type: 'integer' },
      ],
      { id: 3, price: '2.5' },
    );
    assert.deepEqual(
      (await warehouse.columns({ schema: 'main', name: 'shop_sales' }))!.filter((c) => !c.name.startsWith('_')),
      [
        { name: 'id', type: 'bigint' },
        { name: 'on', type: 'timestamp' },
        { name: 'price', type: 'decimal(9,2)' },
      ],
    );
    assert.deepEqual(await rowsOf(warehouse, 'SELECT id, "on", price FROM shop_sales ORDER BY _object'), [
      [1, '2026-01-01 00:00:00', null],
      [5_000_000_000, '2026-01-02 10:00:00', '1.50'],
      [3, null, '2.50'],
    ]);
  });

  test('types without a common one are refused with the column and both types', async (t) => {
    const { warehouse, maker } = await open(t);
    const load = async (id: string, type: 'boolean' | 'date', value: unknown, evolve = true) => {
      const request = await maker.request('shop.sales', [{ name: 'x', type }], APPEND, object(id, 1, [{ x: value }]));
      return warehouse.load({ ...request, evolve });
    };
    await load('o1', 'boolean', true);
    await assert.rejects(
      load('o2', 'date', '2026-01-01'),
      loadFailed(/Column x of main.shop_sales is boolean and cannot take date/),
    );
  });

  test('without evolve an existing table stays as it is', async (t) => {
    const { warehouse, maker } = await open(t);
    const first = await maker.request('shop.sales', COLUMNS, APPEND, object('o1', 1, [{ id: 1, name: 'a' }]));
    await warehouse.load({ ...first, evolve: false });
    const more: TableColumn[] = [...COLUMNS, { name: 'price', type: 'double' }];
    const second = await maker.request('shop.sales', more, APPEND, object('o2', 2, [{ id: 2, name: 'b', price: 1 }]));
    await assert.rejects(warehouse.load({ ...second, evolve: false }), loadFailed(/column price is new/));
    assert.deepEqual(await rowsOf(warehouse, 'SELECT count(*) FROM shop_sales'), [[1]]);
  });

  test('each tenant has a schema, and the system tables are out of reach', async (t) => {
    const { warehouse, maker } = await open(t);
    const request = await maker.request('shop.sales', COLUMNS, APPEND, object('o1', 1, [{ id: 1, name: 'a' }]));
    await warehouse.load({ ...request, tenant: 'acme', table: { schema: 'acme', name: 'sales' } });
    assert.deepEqual(await rowsOf(warehouse, 'SELECT id FROM acme.sales'), [[1]]);
    const system = { ...request, curationId: 'c2', table: { schema: 'granary', name: 'loads' } };
    await assert.rejects(warehouse.load(system), loadFailed(/schema granary/));
  });
}

function strategyContract(open: OpenWarehouse): void {
  for (const [name, c] of Object.entries(CASES)) {
    test(`${name}: loads, replays and re-sent files in any order give the table of its active objects`, async (t) => {
      const { warehouse, maker } = await open(t);
      await loadAtRandom(warehouse, maker, c, 1);
    });
  }

  test('a history says what was known when', async (t) => {
    const { warehouse, maker } = await open(t);
    const strategy: LoadStrategy = { strategy: 'snapshot', key: ['id'], deletes: true };
    const load = async (o: TestObject) => warehouse.load(await maker.request('crm.people', COLUMNS, strategy, o));
    await load(
      object('o1', 1, [
        { id: 1, name: 'Ann' },
        { id: 2, name: 'Bob' },
      ]),
    );
    const second = await load(object('o2', 2, [{ id: 1, name: 'Anna' }]));
    assert.deepEqual([second.inserted, second.deduplicated, second.replaced], [1, 0, 2]);
    const third = await load(
      object('o3', 3, [
        { id: 1, name: 'Anna' },
        { id: 2, name: 'Bob' },
      ]),
    );
    assert.deepEqual([third.inserted, third.deduplicated], [1, 1]);
    assert.deepEqual(
      await rowsOf(
        warehouse,
        'SELECT id, name, _valid_from::DATE, _valid_to::DATE, _is_current FROM crm_people ORDER BY 1, 3',
      ),
      [
        [1, 'Ann', '2026-01-01', '2026-01-02', false],
        [1, 'Anna', '2026-01-02', null, true],
        [2, 'Bob', '2026-01-01', '2026-01-02', false],
        [2, 'Bob', '2026-01-03', null, true],
      ],
    );
  });

  test('a table whose strategy changes is made again from all its objects', async (t) => {
    const { warehouse, maker } = await open(t);
    const load = async (strategy: LoadStrategy, o: TestObject) =>
      warehouse.load(await maker.request('crm.people', COLUMNS, strategy, o));
    await load(APPEND, object('o1', 2, [{ id: 1, name: 'Ann' }]));
    await load(APPEND, object('o2', 3, [{ id: 1, name: 'Anna' }]));
    await load({ strategy: 'snapshot', key: ['id'] }, object('o3', 4, [{ id: 1, name: 'Anne' }]));
    assert.deepEqual(await rowsOf(warehouse, 'SELECT name, _is_current FROM crm_people ORDER BY _valid_from'), [
      ['Ann', false],
      ['Anna', false],
      ['Anne', true],
    ]);
    await load({ strategy: 'merge', key: ['id'] }, object('o4', 1, [{ id: 1, name: 'older' }]));
    assert.deepEqual(await rowsOf(warehouse, 'SELECT * EXCLUDE (_member) FROM crm_people'), [[1, 'Anne', 'o3', 1]]);
  });

  test('a load that needs curated files which are gone says which, and changes nothing', async (t) => {
    const { warehouse, maker } = await open(t);
    const strategy: LoadStrategy = { strategy: 'merge', key: ['id'] };
    const load = async (o: TestObject) => warehouse.load(await maker.request('crm.people', COLUMNS, strategy, o));
    await load(object('o1', 1, [{ id: 1, name: 'Ann' }]));
    await load(object('o2', 2, [{ id: 1, name: 'Anna' }]));
    maker.forget('crm.people', 'o1');
    const replay = object('o2', 2, [{ id: 1, name: 'Anne' }], { curationId: 'c2' });
    await assert.rejects(load(replay), loadFailed(/curated files of object o1 are needed/));
    assert.deepEqual(await rowsOf(warehouse, 'SELECT name FROM crm_people'), [['Anna']]);
  });
}
