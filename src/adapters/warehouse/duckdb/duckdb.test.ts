import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { type OpenedWarehouse, warehouseContract } from '../../../../test/contracts/warehouse.ts';
import { ObjectMaker } from '../../../../test/contracts/warehouse-objects.ts';
import { rowsOf } from '../../../../test/contracts/warehouse-rows.ts';
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
