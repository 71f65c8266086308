import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lineBlocks, linesOf, MAX_RECORD_BYTES, printable, rawLines } from './lines.ts';

async function withFile(content: string | Buffer, use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-lines-'));
  try {
    const path = join(folder, 'file');
    await writeFile(path, content);
    await use(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function linesIn(path: string): Promise<[number, string | 'too long'][]> {
  const found: [number, string][] = [];
  for await (const block of lineBlocks(path)) {
    for (const { number, start, end } of linesOf(block)) {
      found.push([number, block.tooLong ? 'too long' : block.bytes.toString('utf8', start, end)]);
    }
  }
  return found;
}

test('lines end with LF or CRLF, the last one with nothing, and a lone CR is part of its line', async () => {
  await withFile('a\r\n\nb\rc\n\r\nd', async (path) => {
    assert.deepEqual(await linesIn(path), [
      [1, 'a'],
      [2, ''],
      [3, 'b\rc'],
      [4, ''],
      [5, 'd'],
    ]);
  });
  await withFile('', async (path) => assert.deepEqual(await linesIn(path), []));
});

test('lines of any length up to the limit come whole, longer ones are named, and numbers stay right', async () => {
  const sizes = [
    10,
    2 ** 20 - 1,
    2 ** 20,
    3 * 2 ** 20 + 5,
    MAX_RECORD_BYTES,
    MAX_RECORD_BYTES + 1,
    7,
    MAX_RECORD_BYTES + 3 * 2 ** 20,
    1,
  ];
  await withFile(sizes.map((n) => 'x'.repeat(n)).join('\n'), async (path) => {
    const lines = await linesIn(path);
    assert.deepEqual(
      lines.map(([number, text]) => [number, text === 'too long' ? text : text.length]),
      sizes.map((n, i) => [i + 1, n > MAX_RECORD_BYTES ? 'too long' : n]),
    );
  });
});

test('raw text is found by line, also of lines that are not UTF-8', async () => {
  await withFile(Buffer.from('a\nb\xe9\nc\n', 'latin1'), async (path) => {
    const found = [];
    for await (const raw of rawLines(path, [2, 3, 9])) found.push(raw);
    assert.deepEqual(found, [
      { line: 2, raw: 'b\\xE9' },
      { line: 3, raw: 'c' },
      { line: 9, raw: undefined },
    ]);
  });
  assert.equal(printable(Buffer.from('é')), 'é');
});
