import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { LineIndex } from './line-index.ts';
import { BLOCK_ROWS, lineBlocks, lineSteps } from './line-steps.ts';
import { RecordLocator } from './record-locator.ts';
import { RecordScanner, type ScanDialect } from './record-scanner.ts';

const COMMAS: ScanDialect = {
  delimiter: Buffer.from(','),
  quote: 34,
  escape: 34,
  comment: 0,
  decimal: 46,
  header: false,
};

test('a record is found by its byte and by its line in a file of many marks', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-locator-'));
  try {
    const records: { offset: number; line: number; text: string }[] = [];
    let text = '';
    for (let i = 0, line = 1; i < 60_000; i++) {
      const record = i % 100 === 7 ? `${i},"two\nlines, ${'x'.repeat(i % 50)}"` : `${i},plain value number ${i}`;
      const blank = i % 1000 === 3 ? '\r\n\r\n' : '\r\n';
      records.push({ offset: text.length, line, text: record });
      text += record + blank;
      line += record.split('\n').length + (blank.length > 2 ? 1 : 0);
    }
    const path = join(folder, 'file.csv');
    await writeFile(path, text);
    const scanner = new RecordScanner(COMMAS);
    scanner.push(Buffer.from(text));
    scanner.finish();
    const index = LineIndex.from(LineIndex.of(scanner).bytes());
    await using file = await open(path);
    for (const stride of [1, 97, 9001]) {
      const byByte = new RecordLocator(file, COMMAS, index, { offset: 0, line: 1 });
      const byLine = new RecordLocator(file, COMMAS, index, { offset: 0, line: 1 });
      for (let i = 0; i < records.length; i += stride) {
        const { offset, line, text: expected } = records[i]!;
        const found = await byByte.at(offset);
        assert.deepEqual([found?.record, found?.line, found?.bytes.toString()], [i, line, expected]);
        assert.equal((await byLine.onLine(line))?.bytes.toString(), expected);
      }
    }
    const locator = new RecordLocator(file, COMMAS, index, { offset: 0, line: 1 });
    assert.equal((await locator.at(records[5]!.offset - 1))?.record, 5, 'a line end before a record belongs to it');
    assert.equal(await locator.at(records[9]!.offset + 1), undefined, 'no record begins inside a record');
    assert.equal(await locator.at(text.length + 1), undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('records of megabytes, and line ends between any two records, hide no record', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-locator-'));
  try {
    const records: { offset: number; line: number; text: string }[] = [];
    const parts: string[] = ['\n\n'];
    for (let i = 0, line = 3, offset = 2; i < 300; i++) {
      const text = i % 60 === 11 ? `${i},"${'long\n'.repeat(400_000)}"` : `${i},short`;
      const ends = '\n'.repeat(1 + (i % 4));
      records.push({ offset, line, text });
      parts.push(text + ends);
      offset += text.length + ends.length;
      line += (text + ends).split('\n').length - 1;
    }
    const path = join(folder, 'file.csv');
    await writeFile(path, parts.join(''));
    const scanner = new RecordScanner(COMMAS);
    scanner.push(Buffer.from(parts.join('')));
    scanner.finish();
    await using file = await open(path);
    const start = { offset: 0, line: 1 };
    const byByte = new RecordLocator(file, COMMAS, LineIndex.of(scanner), start);
    const byGap = new RecordLocator(file, COMMAS, LineIndex.of(scanner), start);
    const byLine = new RecordLocator(file, COMMAS, LineIndex.of(scanner), start);
    for (const [i, { offset, line, text }] of records.entries()) {
      const found = await byByte.at(offset);
      assert.deepEqual([found?.record, found?.line, found?.offset], [i, line, offset]);
      assert.ok(found?.bytes.equals(Buffer.from(text)), `record ${i}`);
      assert.equal((await byGap.at(offset - 1))?.record, i, `the line end before record ${i} belongs to it`);
      assert.ok((await byLine.onLine(line))?.bytes.equals(Buffer.from(text)), `record ${i} by its line`);
    }
    assert.equal(await byLine.onLine(records.at(-1)!.line + 1), undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('steps lead from the number of a row to its line', () => {
  // Records 1 to 8 are data; 3 and 4 are rejected; 5 begins two lines late, 8 one.
  const jumps = [
    { record: 5, extra: 2 },
    { record: 8, extra: 1 },
  ];
  const steps = [...lineSteps(jumps, [3, 4], 1)];
  const lineOf = (row: number) => 2 + row + (steps.filter((s) => s.at <= row).at(-1)?.total ?? 0);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map(lineOf), [2, 3, 8, 9, 10, 12]);
});

test('blocks of rows lead to the same lines as steps', () => {
  const jumps = Array.from({ length: 40 }, (_, i) => ({ record: 3 + i * 17, extra: 1 + (i % 3) }));
  const rejected = Array.from({ length: 60 }, (_, i) => 2 + i * 11);
  const rows = 1000;
  const steps = [...lineSteps(jumps, rejected, 1)];
  const blocks = [...lineBlocks(steps, rows)];
  assert.deepEqual(
    blocks.map((b) => b.block),
    Array.from({ length: Math.ceil(rows / BLOCK_ROWS) }, (_, i) => i),
  );
  for (let row = 0; row < rows; row++) {
    const block = blocks[Math.floor(row / BLOCK_ROWS)]!;
    const within = block.rows.filter((r) => r <= row % BLOCK_ROWS).length;
    const total = steps.filter((s) => s.at <= row).at(-1)?.total ?? 0;
    assert.equal(block.base + (block.totals[within - 1] ?? 0), total, `row ${row}`);
  }
  assert.deepEqual([...lineBlocks(steps, 0)], []);
});
