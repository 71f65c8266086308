/**
 * Loads one round of a kill test, and prints `open` before and `done` after; meant to be killed between. Arguments: the folder, the round. Files of round r are
 * `<folder>/append-<object>-<r>.parquet` and `<folder>/merge-<object>-<r>.parquet`.
 */
import { join } from 'node:path';
import { openDuckDbWarehouse } from '../../src/adapters/warehouse/duckdb/duckdb.ts';
import type { LoadRequest } from '../../src/ports/warehouse.ts';
import { KILL_TEST, mergeObject, warehouseOptions } from './warehouse-kill.ts';

const folder = process.argv[2]!;
const round = Number(process.argv[3]);
const warehouse = await openDuckDbWarehouse(warehouseOptions(folder));
console.log('open');
const common = {
  tenant: 'main',
  supersedes: [],
  columns: [
    { name: 'id', type: 'bigint' as const },
    { name: 'round', type: 'integer' as const },
  ],
  rows: KILL_TEST.rows,
  rejects: [],
  evolve: true,
  siblings: async () => [],
};
for (let i = 0; i < KILL_TEST.objects; i++) {
  // The same objects again and again: replays.
  const replayed: LoadRequest = {
    ...common,
    dataset: 'kill.appended',
    table: { schema: 'main', name: 'appended' },
    strategy: { strategy: 'append' },
    objectId: `object-${i}`,
    curationId: `round-${round}`,
    order: String(i),
    effective: '2026-01-01T00:00:00Z',
    files: [join(folder, `append-${i}-${round}.parquet`)],
  };
  // New objects with old keys, some of them deleted.
  const merged: LoadRequest = {
    ...replayed,
    dataset: 'kill.merged',
    table: { schema: 'main', name: 'merged' },
    columns: [...common.columns, { name: 'gone', type: 'boolean' }],
    strategy: { strategy: 'merge', key: ['id'], deleted: 'gone' },
    objectId: mergeObject(i, round),
    order: mergeObject(i, round),
    files: [join(folder, `merge-${i}-${round}.parquet`)],
  };
  await warehouse.load(replayed);
  await warehouse.load(merged);
}
await warehouse.close();
console.log('done');
