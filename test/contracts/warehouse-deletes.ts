/** The warehouse's contract about keys that are gone: rows that say so, and complete objects that lack them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GranaryError } from '../../src/lib/errors.ts';
import type { TableColumn } from '../../src/model/schema.ts';
import type { LoadRequest, LoadStrategy, Warehouse } from '../../src/ports/warehouse.ts';
import type { OpenWarehouse } from './warehouse.ts';
import type { ObjectMaker, Row } from './warehouse-objects.ts';
import { rowsOf } from './warehouse-rows.ts';

const COLUMNS: TableColumn[] = [
  { name: 'id', type: 'integer' },
  { name: 'name', type: 'text' },
  { name: '_deleted', type: 'boolean' },
];
const MERGE: LoadStrategy = { strategy: 'merge', key: ['id'], deleted: '_deleted' };
const SNAPSHOT: LoadStrategy = { ...MERGE, strategy: 'snapshot' };
const PEOPLE = { schema: 'main', name: 'crm_people' };

/** Loads objects named `o<day>`. */
function loaderOf({ warehouse, maker }: { warehouse: Warehouse; maker: ObjectMaker }, strategy: LoadStrategy) {
  return async (day: number, rows: Row[], more: Partial<LoadRequest> & { columns?: TableColumn[] } = {}) => {
    const date = `2026-01-0${day}`;
    const object = { id: `o${day}`, order: date, effective: `${date}T00:00:00Z`, rows };
    const request = await maker.request('crm.people', more.columns ?? COLUMNS, strategy, object);
    return warehouse.load({ ...request, ...more });
  };
}

async function opened(t: TestContext, open: OpenWarehouse, strategy: LoadStrategy) {
  const { warehouse, maker } = await open(t);
  const people = (columns = 'id, name') => rowsOf(warehouse, `SELECT ${columns} FROM crm_people ORDER BY 1, 2`);
  return { warehouse, maker, people, load: loaderOf({ warehouse, maker }, strategy) };
}

const gone = (id: number): Row => ({ id, name: null, _deleted: true });
const is = (id: number, name: string): Row => ({ id, name, _deleted: false });

const loadFailed = (message: RegExp) => (e: GranaryError) => {
  assert.equal(e.code, 'load.failed');
  assert.match(e.message, message);
  assert.ok(e.hint);
  return true;
};

export function deletesContract(open: OpenWarehouse): void {
  mergeContract(open);
  historyContract(open);

  test('an append table keeps all rows with what they say, complete or not', async (t) => {
    const { load, people } = await opened(t, open, { strategy: 'append', deleted: '_deleted' });
    await load(1, [is(1, 'Ann'), gone(1)]);
    const result = await load(2, [gone(2)], { complete: true });
    assert.deepEqual([result.inserted, result.tableRows], [1, 3]);
    assert.deepEqual(await people('id, _deleted'), [
      [1, false],
      [1, true],
      [2, true],
    ]);
  });

  test('a column of deleted keys that cannot be is refused', async (t) => {
    const { warehouse, maker } = await open(t);
    const refused = async (strategy: LoadStrategy, message: RegExp) =>
      assert.rejects(loaderOf({ warehouse, maker }, strategy)(1, [is(1, 'Ann')]), loadFailed(message));
    await refused({ strategy: 'replace', deleted: '_deleted' }, /is loaded with replace, which has no keys/);
    await refused({ ...MERGE, deleted: 'name' }, /that column is text/);
    await refused({ ...MERGE, deleted: 'gone' }, /that column is not in its contract/);
    await refused({ ...SNAPSHOT, version: ['_deleted'] }, /the same column as key or version/);
    assert.equal(await warehouse.columns(PEOPLE), undefined);
  });
}

function mergeContract(open: OpenWarehouse): void {
  test('a key that was deleted is not in the table, and an older row does not bring it back', async (t) => {
    const { warehouse, load, people } = await opened(t, open, MERGE);
    assert.deepEqual((await load(3, [is(1, 'Ann'), is(2, 'Bob'), gone(3)])).inserted, 3);
    const fourth = await load(4, [gone(1), gone(4)]);
    assert.deepEqual([fourth.inserted, fourth.deduplicated, fourth.replaced, fourth.tableRows], [2, 0, 1, 1]);
    const late = await load(2, [is(1, 'Anna'), is(3, 'Cat'), is(4, 'Dan'), is(5, 'Eve')]);
    assert.deepEqual([late.inserted, late.deduplicated, late.tableRows], [1, 3, 2]);
    assert.deepEqual(await people(), [
      [2, 'Bob'],
      [5, 'Eve'],
    ]);
    await load(5, [is(1, 'Ann again')]);
    assert.deepEqual((await people()).length, 3);
    assert.deepEqual(
      (await warehouse.columns(PEOPLE))!.map((c) => c.name),
      ['id', 'name', '_object', '_line', '_member'],
    );
  });

  test('a replay that no longer deletes brings the older row back', async (t) => {
    const { load, people } = await opened(t, open, MERGE);
    await load(1, [is(1, 'Ann')]);
    await load(2, [gone(1)]);
    const replay = await load(2, [is(2, 'Bob')], { curationId: 'c2' });
    assert.deepEqual([replay.inserted, replay.tableRows], [1, 2]);
    assert.deepEqual(await people(), [
      [1, 'Ann'],
      [2, 'Bob'],
    ]);
  });

  test('a complete object empties the table of what older ones had; when it came does not matter', async (t) => {
    const { load, people } = await opened(t, open, MERGE);
    await load(1, [is(1, 'Ann'), is(2, 'Bob')]);
    await load(4, [is(4, 'Dan')]);
    const late = await load(3, [is(2, 'Bobby'), is(3, 'Cat')], { complete: true });
    assert.deepEqual([late.inserted, late.deduplicated, late.replaced, late.tableRows], [2, 0, 2, 3]);
    const older = await load(2, [is(1, 'Anna'), is(5, 'Eve')]);
    assert.deepEqual([older.inserted, older.deduplicated, older.tableRows], [0, 2, 3]);
    assert.deepEqual(await people('id, name, _object'), [
      [2, 'Bobby', 'o3'],
      [3, 'Cat', 'o3'],
      [4, 'Dan', 'o4'],
    ]);
    const truncated = await load(5, [], { complete: true });
    assert.deepEqual([truncated.inserted, truncated.replaced, truncated.tableRows], [0, 3, 0]);
  });

  test('a complete object that is superseded gives back what older ones had', async (t) => {
    const { load, people } = await opened(t, open, MERGE);
    await load(1, [is(1, 'Ann')]);
    await load(2, [is(2, 'Bob')], { complete: true });
    await load(3, [is(3, 'Cat')], { supersedes: ['o2'] });
    assert.deepEqual(await people(), [
      [1, 'Ann'],
      [3, 'Cat'],
    ]);
  });

  test('a deleted key is traced to the line that said so, and is in no export', async (t) => {
    const { warehouse, maker, load } = await opened(t, open, MERGE);
    await load(1, [is(1, 'Ann'), is(2, 'Bob')]);
    await load(2, [is(3, 'Cat'), gone(1)]);
    assert.deepEqual(await warehouse.trace(PEOPLE, { id: 1 }), [
      { object: 'o2', line: 2, member: undefined, row: { id: 1 }, deleted: true },
    ]);
    assert.deepEqual(await warehouse.trace(PEOPLE, { name: 'Ann' }), []);
    const deleted = await rowsOf(warehouse, 'SELECT id, _object FROM granary."deleted.main.crm_people"');
    assert.deepEqual(deleted, [[1, 'o2']]);
    const path = join(maker.folder, 'people.parquet');
    assert.equal((await warehouse.exportTable(PEOPLE, ['id', 'name'], path)).rows, 2);
    assert.deepEqual(await maker.read(path, 'id'), [
      { id: 2, name: 'Bob' },
      { id: 3, name: 'Cat' },
    ]);
  });

  test('a table learns later which keys are deleted, forgets it again, and its types still widen', async (t) => {
    const { warehouse, maker, load, people } = await opened(t, open, MERGE);
    const plain = loaderOf({ warehouse, maker }, { strategy: 'merge', key: ['id'] });
    const before = COLUMNS.slice(0, 2);
    await plain(1, [{ id: 1, name: 'Ann' }], { columns: before });
    await plain(2, [is(2, 'Bob'), gone(1)]);
    assert.deepEqual((await people('id, name, _deleted')).length, 2);
    // Makes the table again: what o2 says of 1 is now heard.
    await load(3, [gone(3)]);
    assert.deepEqual(await people('*'), [[2, 'Bob', 'o2', 1, null]]);
    const wide: TableColumn[] = [{ name: 'id', type: 'bigint' }, ...COLUMNS.slice(1)];
    await load(4, [is(5_000_000_000, 'Eve'), gone(2)], { columns: wide });
    await load(5, [gone(5_000_000_000)], { columns: wide });
    assert.deepEqual(await people(), []);
    const late = await maker.request('crm.people', COLUMNS, MERGE, {
      id: 'o0',
      order: '2026-01-00',
      effective: '2026-01-01T00:00:00Z',
      rows: [is(2, 'Robert')],
    });
    assert.equal((await warehouse.load(late)).inserted, 0);
    await plain(6, [], { columns: before });
    assert.deepEqual((await people()).length, 4);
    assert.deepEqual((await warehouse.trace(PEOPLE, { id: 2 })).length, 1);
  });
}

function historyContract(open: OpenWarehouse): void {
  const versions = 'id, name, _valid_from::DATE, _valid_to::DATE, _object';

  test('a deleted row ends the version of its key, and a later row begins a new one', async (t) => {
    const { warehouse, load, people } = await opened(t, open, SNAPSHOT);
    await load(1, [is(1, 'Ann'), is(2, 'Bob')]);
    const second = await load(2, [gone(1), gone(3)]);
    assert.deepEqual([second.inserted, second.deduplicated, second.replaced], [2, 0, 1]);
    const third = await load(3, [gone(1), gone(2), gone(3)]);
    assert.deepEqual([third.inserted, third.deduplicated], [1, 2]);
    await load(4, [is(1, 'Ann')]);
    const history = [
      [1, 'Ann', '2026-01-01', '2026-01-02', 'o1'],
      [1, 'Ann', '2026-01-04', null, 'o4'],
      [2, 'Bob', '2026-01-01', '2026-01-03', 'o1'],
    ];
    assert.deepEqual(await people(versions), history);
    assert.deepEqual(
      (await warehouse.trace(PEOPLE, { id: 2 })).map((r) => [r.object, r.line, r.deleted, r.row['_valid_from']]),
      [
        ['o1', 2, undefined, '2026-01-01 00:00:00'],
        ['o3', 2, true, '2026-01-03 00:00:00'],
      ],
    );
    // Says again what was said: the whole history is made anew, from the same objects.
    await load(3, [gone(1), gone(2), gone(3)], { curationId: 'c2' });
    assert.deepEqual(await people(versions), history);
  });

  test('a complete object ends the versions of keys that it lacks', async (t) => {
    const { load, people } = await opened(t, open, { ...SNAPSHOT, deleted: undefined });
    await load(1, [is(1, 'Ann'), is(2, 'Bob')]);
    await load(2, [is(3, 'Cat')]);
    const complete = await load(4, [is(2, 'Bob')], { complete: true });
    assert.deepEqual([complete.inserted, complete.deduplicated, complete.replaced], [0, 1, 2]);
    await load(3, [is(4, 'Dan')]);
    await load(5, [is(1, 'Ann')]);
    assert.deepEqual(await people(versions), [
      [1, 'Ann', '2026-01-01', '2026-01-04', 'o1'],
      [1, 'Ann', '2026-01-05', null, 'o5'],
      [2, 'Bob', '2026-01-01', null, 'o1'],
      [3, 'Cat', '2026-01-02', '2026-01-04', 'o2'],
      [4, 'Dan', '2026-01-03', '2026-01-04', 'o3'],
    ]);
  });
}
