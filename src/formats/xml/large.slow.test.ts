import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const TRANSACTIONS = 2000;
const LINES = 3;

/** Receipts of about half a megabyte; each has lines with the quantities 1, 2 and 3. */
function block(): Buffer {
  const line = (seq: number) =>
    `    <Line seq="${seq}" type="Sale">\n      <Sku>P${String(seq).padStart(6, '0')}</Sku>\n      <Desc>Café &amp; thé</Desc>\n      <Qty uom="EA">${seq}</Qty>\n      <UnitPrice currency="EUR">9.90</UnitPrice>\n    </Line>\n`;
  const lines = Array.from({ length: LINES }, (_, i) => line(i + 1)).join('');
  const one = (n: number) =>
    `  <Transaction id="T${n}">\n    <BeginDateTime>2024-01-01T10:20:00</BeginDateTime>\n${lines}  </Transaction>\n`;
  return Buffer.from(Array.from({ length: TRANSACTIONS }, (_, i) => one(i)).join(''));
}

test('a document of 2 GB becomes rows in less than 300 MB of memory, the engine’s among it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-xml-'));
  try {
    const path = join(folder, 'large.xml');
    const bytes = block();
    const blocks = Math.ceil(2e9 / bytes.length);
    const fd = openSync(path, 'wx');
    writeSync(fd, '<POSLog xmlns="urn:example">\n');
    for (let i = 0; i < blocks; i++) writeSync(fd, bytes);
    writeSync(fd, '</POSLog>\n');
    closeSync(fd);
    const helper = fileURLToPath(new URL('test-large.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [helper, path, folder]);
    const found = JSON.parse(stdout) as Record<'rows' | 'sum' | 'lines' | 'last' | 'parts' | 'bytes', number> & {
      balanced: boolean;
    };
    const transactions = blocks * TRANSACTIONS;
    const transactionLines = 3 + LINES * 6;
    assert.deepEqual(
      [found.rows, found.last + 1, found.sum, found.lines, found.balanced],
      [transactions * LINES, transactions * LINES, transactions * 6, 1 + transactions * transactionLines - 6, true],
    );
    assert.ok(found.parts > 10, `${found.parts} parts`);
    assert.ok(found.bytes < 300e6, `${Math.round(found.bytes / 1e6)} MB resident`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
