import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openFolderStore } from '../../adapters/object-store/folder.ts';
import type { LogRecord } from '../../lib/log.ts';
import { LogFiles } from './log-files.ts';
import { type LogQuery, readLogs } from './read.ts';

async function setUp(t: TestContext, maxFile = 1e6) {
  const dir = mkdtempSync(join(tmpdir(), 'granary-logs-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const objects = await openFolderStore(join(dir, 'objects'));
  const folder = join(dir, 'logs');
  let now = Date.parse('2026-11-25T10:00:00Z');
  const clock = { now: () => now++, sleep: async () => undefined };
  const config = { level: 'info', max_file: maxFile, keep: 86_400, archive: true, keep_archive: 8_640_000 } as const;
  const files = new LogFiles({ folder, config, clock, objects });
  t.after(() => files.close());
  const read = async (query: LogQuery, signal = new AbortController().signal) => {
    const out: LogRecord[] = [];
    for await (const record of readLogs(folder, objects, query, signal)) out.push(record);
    return out;
  };
  return { files, folder, objects, read };
}

test('lines are read back in order, over files that were ended and compressed', async (t) => {
  const { files, read } = await setUp(t, 2000);
  for (let i = 0; i < 200; i++) files.log('info', `line ${i}`, { run: `r${i % 2}` });
  await files.close();
  const all = await read({});
  assert.deepEqual(
    all.filter((r) => r.message.startsWith('line ')).map((r) => r.message),
    Array.from({ length: 200 }, (_, i) => `line ${i}`),
  );
  assert.equal((await read({ run: 'r1' })).length, 100);
  assert.deepEqual(
    (await read({ tail: 2 })).map((r) => r.message),
    ['line 198', 'line 199'],
  );
});

test('lines are chosen by level, dataset and time, and a damaged one is left out', async (t) => {
  const { files, folder, read } = await setUp(t);
  files.log('info', 'fine', { dataset: 'main/shop/sales' });
  files.log('warn', 'odd', { dataset: 'main/shop/stock' });
  await files.close();
  writeFileSync(join(folder, 'granary.jsonl'), '{"half', { flag: 'a' });
  assert.deepEqual(
    (await read({ level: 'warn' })).map((r) => r.message),
    ['odd'],
  );
  assert.deepEqual(
    (await read({ dataset: 'shop.sales' })).map((r) => r.message),
    ['fine'],
  );
  assert.equal((await read({ dataset: 'shop' })).length, 2);
  assert.equal((await read({ since: Date.parse('2026-11-26T00:00:00Z') })).length, 0);
});

test('who follows misses nothing when a file is ended and another one is begun', async (t) => {
  const { files, folder, objects } = await setUp(t, 1500);
  files.log('info', 'before');
  const stop = new AbortController();
  const seen: string[] = [];
  const following = (async () => {
    for await (const record of readLogs(folder, objects, { follow: true }, stop.signal)) {
      seen.push(record.message);
      if (record.message === 'last') stop.abort();
    }
  })();
  for (let i = 0; i < 60; i++) {
    files.log('info', `line ${i}`);
    if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 300));
  }
  files.log('info', 'last');
  await following;
  assert.deepEqual(seen, ['before', ...Array.from({ length: 60 }, (_, i) => `line ${i}`), 'last']);
});
