import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { PartWriter } from './part-writer.ts';

it('parts that are read at once are one after the other in their place, with little kept in files', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-parts-'));
  t.after(() => rm(folder, { recursive: true }));
  let placed = '';
  let next = 0;
  const place = async (bytes: Uint8Array) => {
    placed += Buffer.from(bytes).toString();
  };
  const paths = ['0', '1', '2'].map((name) => join(folder, name));
  const [first, second, third] = paths.map((path, i) => new PartWriter(path, place, () => i === next));
  const write = (writer: PartWriter | undefined, text: string) => writer!.write(Buffer.from(text));

  await write(first, 'a');
  await write(second, 'd');
  await write(third, 'g');
  await write(first, 'b');
  await write(second, 'e');
  assert.equal(placed, 'ab');
  assert.deepEqual(paths.map(existsSync), [false, true, true]);
  await first!.close();
  await first!.flush();

  next = 1;
  await write(third, 'h');
  await write(second, 'f');
  assert.equal(placed, 'abdef', 'what was kept goes first');
  assert.deepEqual(paths.map(existsSync), [false, false, true]);
  await second!.close();
  await second!.flush();

  await third!.close();
  next = 2;
  await third!.flush();
  assert.equal(placed, 'abdefgh');
  assert.deepEqual(paths.map(existsSync), [false, false, false]);
});
