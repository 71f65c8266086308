import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineError } from './duckdb.ts';

test('a full disk is told as one wherever the engine met it', () => {
  for (const message of [
    'IO Error: Could not write file "/data/x.parquet": No space left on device',
    'TransactionContext Error: Failed to commit: Could not write file "/data/warehouse.duckdb.wal": No space left on device',
  ])
    assert.equal(engineError(new Error(message), 'load.failed').code, 'store.disk_full', message);
});

test('what closed the database is tried again later; a wrong value is not', () => {
  const fatal = engineError(new Error('FATAL Error: Failed: database has been invalidated'), 'load.failed');
  assert.deepEqual([fatal.code, fatal.transient], ['load.failed', true]);
  const wrong = engineError(new Error('Conversion Error: Could not convert string'), 'load.failed');
  assert.deepEqual([wrong.code, wrong.transient], ['load.failed', false]);
});
