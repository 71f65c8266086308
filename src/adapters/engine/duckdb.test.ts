/** A defect of the engine closes an instance. The sessions after it get another. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defect } from '../../lib/test-duckdb-defect.ts';
import { duckDbEngines } from './duckdb.ts';

test('a session after a fatal error of another gets a new engine', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-engine-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const pool = duckDbEngines({ memoryLimit: 200e6, threads: 1, scratch: folder });
  t.after(() => pool.close());
  const first = await pool.open();
  await assert.rejects(first.run(await defect(folder)), { code: 'curate.failed' });
  await assert.rejects(first.run('SELECT 1'), { transient: true });
  const second = await pool.open();
  assert.deepEqual(await second.all('SELECT 1 AS a'), [{ a: 1 }]);
  await Promise.all([first.close(), second.close()]);
});

test('sessions that are asked for at once after it share one engine', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-engine-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const pool = duckDbEngines({ memoryLimit: 200e6, threads: 1, scratch: folder });
  t.after(() => pool.close());
  const first = await pool.open();
  await assert.rejects(first.run(await defect(folder)), { code: 'curate.failed' });
  const [second, third, fourth] = await Promise.all([pool.open(), pool.open(), pool.open()]);
  await second.run('CREATE TABLE shared AS SELECT 1 AS a');
  for (const session of [third, fourth]) assert.deepEqual(await session.all('FROM shared'), [{ a: 1 }]);
  await Promise.all([first, second, third, fourth].map((session) => session.close()));
});
