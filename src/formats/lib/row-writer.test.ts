import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openDuckDbEngine } from '../../adapters/engine/duckdb.ts';
import { rowsRelation } from './parsed-attempt.ts';
import { RowWriter } from './row-writer.ts';

test('the engine reads back every text exactly as it was written, in order', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-rows-'));
  const engine = await openDuckDbEngine({ memoryLimit: 500e6, threads: 2, scratch: folder });
  try {
    const texts = [
      '',
      ' ',
      '"',
      '""',
      ',',
      'a,b',
      '\n',
      '\r\n',
      'x\r',
      '\\N',
      '\\',
      'NULL',
      'é🎉',
      '\0',
      '#c',
      "'",
      '\t',
      'y'.repeat(3e6),
      undefined,
    ];
    const out = new RowWriter(folder);
    const rows = Array.from({ length: 3000 }, (_, i) => [texts[i % texts.length], texts[(i * 7) % (texts.length - 2)]]);
    const sent = rows.filter((r, i) => i < 40 || !r.some((t) => t && t.length > 100));
    for (const [i, row] of sent.entries()) {
      for (const text of row) {
        if (text === undefined) out.rows.missing();
        else out.rows.text(text);
      }
      out.endRow(i * 1_000_003);
    }
    out.close();
    const back: unknown[][] = [];
    for await (const batch of engine.batches<Record<string, unknown>>(`SELECT * FROM ${rowsRelation(out, 2)}`)) {
      back.push(...batch.map((r) => [r['c0'], r['c1'], r['_line']]));
    }
    assert.equal(back.length, sent.length);
    for (const [i, [a, b]] of sent.entries()) assert.deepEqual(back[i], [a ?? null, b ?? null, i * 1_000_003]);
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
});
