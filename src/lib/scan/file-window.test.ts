import assert from 'node:assert/strict';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { FileWindow } from './file-window.ts';

test('slices are those of the file, in any order, of any length, and end with the file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-window-'));
  try {
    const content = Buffer.from(Uint32Array.from({ length: 800_000 }, (_, i) => i).buffer);
    await writeFile(join(folder, 'file'), content);
    await using file = await open(join(folder, 'file'));
    const window = new FileWindow(file);
    for (const [from, to] of [
      [0, 10],
      [1_000_000, 1_100_000],
      [5, 3_000_000],
      [3_199_990, 3_300_000],
      [3_200_000, 3_200_010],
      [1_048_575, 1_048_577],
      [7, 7],
    ] as const)
      assert.ok((await window.slice(from, to)).equals(content.subarray(from, to)), `${from} to ${to}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
