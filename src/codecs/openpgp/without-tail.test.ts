import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { WithoutTail } from './without-tail.ts';

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('the last bytes are held back, whatever the chunks; a shorter stream is held back whole', async () => {
  for (const length of [0, 1, 21, 22, 23, 44, 1000]) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => i % 251));
    for (const size of [1, 10, 22, 23, 5000]) {
      const stream = new WithoutTail(chunks(bytes, size), 22);
      const end = Math.max(0, length - 22);
      assert.deepEqual(await buffer(stream), bytes.subarray(0, end), `${length} in ${size}`);
      assert.deepEqual(stream.tail, bytes.subarray(end), `${length} in ${size}`);
    }
  }
});
