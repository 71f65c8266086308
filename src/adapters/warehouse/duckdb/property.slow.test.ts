import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ObjectMaker } from '../../../../test/contracts/warehouse-objects.ts';
import { CASES, loadAtRandom } from '../../../../test/contracts/warehouse-property.ts';
import { openDuckDbWarehouse } from './duckdb.ts';

/** Random sequences of each kind; more of them at night. */
const SEEDS = Number(process.env['SEEDS'] ?? 3);

for (const [name, c] of Object.entries(CASES)) {
  test(`${name}: ${SEEDS} random sequences of loads, replays and re-sent files equal the model after every load`, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'granary-property-'));
    t.after(() => rm(folder, { recursive: true }));
    const maker = await ObjectMaker.open(folder);
    t.after(() => maker.close());
    const path = join(folder, 'warehouse.duckdb');
    const options = { path, memoryLimit: 500e6, threads: 2, scratch: join(folder, 'scratch'), folders: [folder] };
    const warehouse = await openDuckDbWarehouse(options);
    t.after(() => warehouse.close());
    for (let seed = 1001; seed <= 1000 + SEEDS; seed++) await loadAtRandom(warehouse, maker, c, seed);
  });
}
