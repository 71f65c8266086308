/** A single line of 2 GB, and what memory it takes. */
import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { column, openRoom, rawText, readFileAt } from './csv-reading.ts';

test('a line of 2 GB is one reject, the lines around it are rows, and memory stays under 500 MB', {
  timeout: 300_000,
}, async (t) => {
  await using room = await openRoom();
  const path = join(room.folder, 'payload.csv');
  const length = 2_000_000_000;
  const file = await open(path, 'w');
  await file.write('id,name\n1,before\n2,"');
  await file.write('x"\n3,after\n', 20 + length); // a hole of NUL bytes lies between
  await file.close();
  const reading = await readFileAt(room, path, {}, [column('id', 0, 'integer'), column('name', 1)]);
  assert.deepEqual(
    reading.rows.map((r) => [r.line, r['c0'], r['c1']]),
    [
      [2, '1', 'before'],
      [4, '3', 'after'],
    ],
  );
  assert.deepEqual(
    reading.rejects.map((r) => [r.line, r.rule, r.reason, r.raw.length]),
    [[3, 'too_long', 'the line has 2.0 GB; at most 16.0 MB are allowed', 65_536]],
  );
  assert.deepEqual(await rawText(reading, [2, 4]), ['1,before', '3,after']);
  const peak = process.resourceUsage().maxRSS / 1000;
  t.diagnostic(`peak resident memory: ${Math.round(peak)} MB`);
  assert.ok(peak < 500, `${peak} MB`);
});
