import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { type OpenedWarehouse, warehouseContract } from '../../../../test/contracts/warehouse.ts';
import { ObjectMaker, type TestObject } from '../../../../test/contracts/warehouse-objects.ts';
import { rowsOf } from '../../../../test/contracts/warehouse-rows.ts';
import type { TableColumn } from '../../../model/schema.ts';
import type { Warehouse } from '../../../ports/warehouse.ts';
import { openDuckDbWarehouse } from './duckdb.ts';

async function open(t: TestContext): Promise<OpenedWarehouse & { folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-warehouse-'));
  const options = {
    path: join(folder, 'data', 'warehouse.duckdb'),
    memoryLimit: 500e6,
    threads: 2,
    scratch: join(folder, 'scratch'),
    folders: [folder],
  };
  const maker = await ObjectMaker.open(folder);
  const opened = [await openDuckDbWarehouse(options)];
  t.after(async () => {
    await opened.at(-1)!.close();
    await maker.close();
    await rm(folder, { recursive: true });
  });
  const reopen = async () => {
    await opened.at(-1)!.close();
    opened.push(await openDuckDbWarehouse(options));
    return opened.at(-1)!;
  };
  return { warehouse: opened[0]!, maker, reopen, folder };
}

warehouseContract('DuckDB', open);

describe('the DuckDB file', () => {
  test('cannot be opened a second time in the same process', async (t) => {
    const { folder, reopen } = await open(t);
    const again = { memoryLimit: 1e8, threads: 1, scratch: folder, folders: [] };
    const second = openDuckDbWarehouse({ ...again, path: join(folder, 'data', '..', 'data', 'warehouse.duckdb') });
    await assert.rejects(second, { code: 'owner.busy', transient: true });
    await reopen();
  });

  test('is free for another process after closing, even with queries half read', async (t) => {
    const { warehouse, folder } = await open(t);
    await rowsOf(warehouse, 'SELECT * FROM range(10000)');
    const halfRead = (await warehouse.query('SELECT * FROM range(10000000)')).batches[Symbol.asyncIterator]();
    await halfRead.next();
    await warehouse.close();
    await assert.rejects(async () => halfRead.next(), { code: 'query.incomplete' });
    const module = import.meta.resolve('./duckdb.ts');
    const path = join(folder, 'data', 'warehouse.duckdb');
    const options = JSON.stringify({ path, memoryLimit: 1e8, threads: 1, scratch: folder, folders: [] });
    const script = `const { openDuckDbWarehouse } = await import('${module}'); await (await openDuckDbWarehouse(${options})).close();`;
    await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  });

  test('that is no database is refused with its path', async (t) => {
    const { folder } = await open(t);
    const path = join(folder, 'text.duckdb');
    await writeFile(path, 'this is no database '.repeat(1000));
    const opening = openDuckDbWarehouse({ path, memoryLimit: 1e8, threads: 1, scratch: folder, folders: [] });
    await assert.rejects(opening, { code: 'load.failed', message: /text\.duckdb/ });
  });

  test('is read and written outside of its folders by nobody, loads included', async (t) => {
    const { warehouse, maker } = await open(t);
    const request = await maker.request(
      'a.b',
      [{ name: 'id', type: 'integer' }],
      { strategy: 'append' },
      { id: 'o1', order: '1', effective: '2026-01-01T00:00:00Z', rows: [{ id: 1 }] },
    );
    await assert.rejects(warehouse.load({ ...request, files: ['/etc/passwd'] }), {
      code: 'load.failed',
      message: /Permission/,
    });
    await assert.rejects(warehouse.exportTable({ schema: 'granary', name: 'loads' }, ['object_id'], '/tmp/x.parquet'), {
      code: 'query.failed',
    });
    assert.deepEqual(await rowsOf(warehouse, 'SELECT count(*) FROM granary.loads'), [[0]]);
  });

  test('of an earlier release gets the columns that its ledger lacks, and loads go on', async (t) => {
    const { warehouse, maker, folder, reopen } = await open(t);
    const request = (id: string, rows: Record<string, unknown>[]) =>
      maker.request(
        'a.b',
        [{ name: 'id', type: 'integer' }],
        { strategy: 'merge', key: ['id'] },
        {
          id,
          order: id,
          effective: '2026-01-01T00:00:00Z',
          rows,
        },
      );
    await warehouse.load(await request('o1', [{ id: 1 }, { id: 2 }]));
    await warehouse.close();
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const instance = await DuckDBInstance.create(join(folder, 'data', 'warehouse.duckdb'));
    const connection = await instance.connect();
    await connection.run('ALTER TABLE granary.loads DROP COLUMN complete');
    connection.closeSync();
    instance.closeSync();
    const again = await reopen();
    await again.load({ ...(await request('o2', [{ id: 2 }, { id: 3 }])), complete: true });
    assert.deepEqual(await rowsOf(again, 'SELECT object_id, complete FROM granary.loads ORDER BY 1'), [
      ['o1', null],
      ['o2', true],
    ]);
    assert.deepEqual(await rowsOf(again, 'SELECT id FROM a_b ORDER BY 1'), [[2], [3]]);
  });
});

describe('a history of captured changes', () => {
  const columns: TableColumn[] = [
    { name: 'id', type: 'integer' },
    { name: 'word', type: 'text' },
    { name: 'at', type: 'timestamp' },
    { name: 'position', type: 'bigint' },
    { name: 'gone', type: 'boolean' },
  ];
  const strategy = { strategy: 'snapshot', key: ['id'], version: ['at', 'position'], deleted: 'gone' } as const;
  const minute = (n: number) => `2026-03-01 12:${String(n).padStart(2, '0')}:00`;
  /** Object `n` says at minute `n` what some ids are; null: deleted. */
  const object = (n: number, words: Record<string, string | null>): TestObject => ({
    id: `object${n}`,
    order: String(n).padStart(3, '0'),
    effective: '2026-03-02T00:00:00Z',
    rows: Object.entries(words).map(([id, word], i) => {
      return { id: Number(id), word, at: minute(n), position: n * 100 + i, gone: word === null };
    }),
  });
  const words = (n: number) => ({
    1: `word ${n}`,
    2: 'always the same',
    [n + 10]: 'new',
    ...(n > 3 && { [n + 8]: null }),
  });
  const history = (warehouse: Warehouse) =>
    rowsOf(warehouse, 'SELECT id, word, _valid_from::VARCHAR, _valid_to::VARCHAR FROM log ORDER BY id, _valid_from');

  test('goes on without the files of the objects before it, and is what they all make together', async (t) => {
    const [one, other] = [await open(t), await open(t)];
    const objects = Array.from({ length: 8 }, (_, i) => object(i + 1, words(i + 1)));
    for (const each of objects) {
      const request = await one.maker.request('log', columns, strategy, each);
      const siblings = () => Promise.reject(new Error('they are asked for'));
      const { inserted, deduplicated } = await one.warehouse.load({ ...request, siblings });
      if (each !== objects[0]) assert.deepEqual([inserted, deduplicated], [each.rows.length - 1, 1]);
    }
    for (const each of objects.toReversed())
      await other.warehouse.load(await other.maker.request('log', columns, strategy, each));
    assert.deepEqual(await history(one.warehouse), await history(other.warehouse));
    assert.equal((await history(one.warehouse)).filter(([id]) => id === 1).length, 8);
  });

  test('is settled from all files when a change comes late, or at the moment of another, and then goes on', async (t) => {
    const { warehouse, maker } = await open(t);
    let asked = 0;
    const load = async (each: TestObject) => {
      const request = await maker.request('log', columns, strategy, each);
      const siblings = () => {
        asked++;
        return request.siblings();
      };
      await warehouse.load({ ...request, siblings });
    };
    for (const n of [1, 2, 5]) await load(object(n, words(n)));
    assert.equal(asked, 0);
    await load({ ...object(3, { 1: 'late' }), order: '006' });
    assert.equal(asked, 1);
    const same = { id: 1, word: 'at the same moment', at: minute(5), position: 999, gone: false };
    await load({ ...object(7, {}), rows: [same] });
    assert.equal(asked, 2);
    await load(object(8, { 1: 'on' }));
    assert.equal(asked, 2);
    assert.deepEqual(
      (await history(warehouse)).filter(([id]) => id === 1).map(([, word, from]) => [word, from]),
      [
        ['word 1', minute(1)],
        ['word 2', minute(2)],
        ['late', minute(3)],
        ['at the same moment', minute(5)],
        ['on', minute(8)],
      ],
    );
  });

  test('of a warehouse that did not note versions goes on after one more look at all files', async (t) => {
    const { warehouse, maker, reopen, folder } = await open(t);
    for (const n of [1, 2]) await warehouse.load(await maker.request('log', columns, strategy, object(n, words(n))));
    await warehouse.close();
    const file = await DuckDBInstance.create(join(folder, 'data', 'warehouse.duckdb'));
    const connection = await file.connect();
    await connection.run('UPDATE granary.loads SET highest_version = NULL');
    connection.closeSync();
    file.closeSync();
    const again = await reopen();
    let asked = 0;
    for (const n of [3, 4, 5]) {
      const request = await maker.request('log', columns, strategy, object(n, words(n)));
      const siblings = () => {
        asked++;
        return request.siblings();
      };
      await again.load({ ...request, siblings });
    }
    assert.equal(asked, 1);
    assert.equal((await history(again)).filter(([id]) => id === 1).length, 5);
  });
});
