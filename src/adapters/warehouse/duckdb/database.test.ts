/** A defect of the engine closes the database. What it costs is the statement that met it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { defect } from '../../../lib/test-duckdb-defect.ts';
import { Database } from './database.ts';

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-database-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const count = (database: Database) =>
  database.read((session) => session.all<{ n: number }>('SELECT count(*) AS n FROM t')).then(([row]) => row!.n);

test('after a fatal error the file is opened anew: what was committed is there, and reads and writes under way go on', {
  skip: process.platform !== 'linux' && 'only Linux tells which files a process has open',
}, async (t) => {
  const folder = await folderOf(t);
  const options = { memoryLimit: 200e6, threads: 2, scratch: join(folder, 'scratch'), folders: [folder] };
  const database = await Database.open({ ...options, path: join(folder, 'w.duckdb') });
  t.after(() => database.close());
  await database.write((session) => session.run('CREATE TABLE t AS SELECT 1 AS a'));
  const statement = await defect(folder);
  for (let round = 1; round <= 3; round++) {
    const stream = await database.reader();
    await stream.stream('SELECT * FROM range(100000000)');
    assert.ok(await stream.next());
    const broken = database.write((session) => session.run(statement));
    const writes = [1, 2].map(() => database.write((session) => session.run('INSERT INTO t VALUES (1)')));
    await assert.rejects(broken, { code: 'load.failed', message: /^INTERNAL Error: [^\n]*$/ });
    const reads = await Promise.all([count(database), count(database)]);
    for (const n of reads) assert.ok(n >= 2 * round - 1 && n <= 2 * round + 1, String(n));
    await Promise.all(writes);
    assert.equal(await count(database), 1 + 2 * round);
    await stream.close();
  }
});
