import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KILL_TEST, mergeObject, warehouseOptions } from '../../../../test/contracts/warehouse-kill.ts';
import { rowsOf } from '../../../../test/contracts/warehouse-rows.ts';
import { literal, raw, sql } from '../../../lib/sql.ts';
import type { Engine } from '../../../ports/engine.ts';
import { openDuckDbEngine } from '../../engine/duckdb.ts';
import { openDuckDbWarehouse } from './duckdb.ts';

const LOADER = join(import.meta.dirname, '../../../../test/contracts/warehouse-kill-loader.ts');

test(`after a kill at any moment every object is there exactly once or not at all (${KILL_TEST.kills} kills)`, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-kill-'));
  t.after(() => rm(folder, { recursive: true }));
  const engine = await openDuckDbEngine({ memoryLimit: 256e6, threads: 1, scratch: folder });
  t.after(() => engine.close());
  let killed = 0;
  let amidst = 0;
  let round = 0;
  for (; killed < KILL_TEST.kills; round++) {
    await writeRound(engine, folder, round);
    const finished = await loadAndKill(folder, round, Math.random() * 1500);
    if (!finished) killed++;
    const loaded = await loadedOf(folder, round);
    if (loaded > 0 && loaded < KILL_TEST.objects) amidst++;
    await verify(folder);
  }
  t.diagnostic(`${amidst} of ${killed} kills came amidst a round`);
  assert.ok(amidst > 0, 'no kill came amidst the loads');
  await writeRound(engine, folder, round);
  assert.ok(await loadAndKill(folder, round, 60_000), 'the last round was not done in a minute');
  assert.equal(await loadedOf(folder, round), KILL_TEST.objects);
  await verify(folder);
});

/**
 * Objects of a round: all rows say which round they are of; objects to merge share three quarters of their keys with the next, and each tenth row says
 * that its key is deleted.
 */
async function writeRound(engine: Engine, folder: string, round: number): Promise<void> {
  for (let i = 0; i < KILL_TEST.objects; i++) {
    const write = (id: string, object: string, file: string) =>
      engine.run(sql`
        COPY (SELECT ${raw(id)} AS id, ${round}::INTEGER AS round, i % 10 = 0 AS gone, ${literal(object)} AS _object, i + 1 AS _line FROM range(${KILL_TEST.rows}) r(i))
        TO ${literal(join(folder, file))} (FORMAT parquet, COMPRESSION zstd)`);
    await write('i', `object-${i}`, `append-${i}-${round}.parquet`);
    await write(`i + ${i * KILL_TEST.keyStep}`, mergeObject(i, round), `merge-${i}-${round}.parquet`);
  }
}

/** True when the loader was done before the time came to kill it, which is counted from when it has opened the warehouse. */
async function loadAndKill(folder: string, round: number, afterMs: number): Promise<boolean> {
  const child = spawn(process.execPath, [LOADER, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await Promise.race([exited, once(child.stdout, 'data')]);
  const timer = new AbortController();
  const code = await Promise.race([exited, sleep(afterMs, 'late' as const, { signal: timer.signal })]);
  if (code === 'late') child.kill('SIGKILL');
  else timer.abort();
  const status = await exited;
  if (status !== null) assert.equal(status, 0, 'the loader failed');
  return status === 0;
}

/** How many objects to merge of a round are recorded. */
async function loadedOf(folder: string, round: number): Promise<number> {
  const warehouse = await openDuckDbWarehouse(warehouseOptions(folder));
  const [count] = await rowsOf(
    warehouse,
    sql`SELECT count(*) FROM granary.loads WHERE starts_with(object_id, ${literal(mergeObject(0, round).slice(0, -1))})`,
  );
  await warehouse.close();
  return Number(count![0]);
}

async function verify(folder: string): Promise<void> {
  const warehouse = await openDuckDbWarehouse(warehouseOptions(folder));
  try {
    const tables = await rowsOf(warehouse, 'SELECT table_name FROM duckdb_tables() WHERE schema_name = $$main$$');
    if (tables.length < 2) return;
    // Rows per object are those of the recorded curation, all of them, and there are no others.
    const wrong = await rowsOf(
      warehouse,
      `SELECT * FROM (FROM granary.loads WHERE table_name = 'appended') l
       FULL JOIN (SELECT _object, count(*) AS n, count(DISTINCT _line) AS lines, min('round-' || round) AS first, max('round-' || round) AS last
                  FROM appended GROUP BY ALL) r ON r._object = l.object_id
       WHERE NOT coalesce(l.inserted = ${KILL_TEST.rows} AND r.n = l.inserted AND r.lines = r.n AND r.first = l.curation_id AND r.last = l.curation_id, false)`,
    );
    assert.deepEqual(wrong, []);
    // Per key the row of the newest object that is recorded, once, or that it is deleted.
    const differences = await rowsOf(
      warehouse,
      `WITH expected AS (
         SELECT i + ${KILL_TEST.keyStep} * split_part(object_id, '-', 4)::BIGINT AS id, max(object_id) AS object, arg_max(i % 10 = 0, object_id) AS gone
         FROM granary.loads, range(${KILL_TEST.rows}) r(i) WHERE table_name = 'merged' GROUP BY 1),
       found AS (
         SELECT id, _object, false AS gone FROM merged UNION ALL SELECT id, _object, true FROM granary."deleted.main.merged")
       (FROM expected EXCEPT ALL FROM found) UNION ALL (FROM found EXCEPT ALL FROM expected) LIMIT 5`,
    );
    assert.deepEqual(differences, []);
  } finally {
    await warehouse.close();
  }
}
