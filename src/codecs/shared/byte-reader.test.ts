import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteReader } from './byte-reader.ts';
import { pieces } from './testing.ts';

const bytes = Buffer.from(Array.from({ length: 100 }, (_, i) => i));

test('peeking, reading and giving back see the same bytes, however the stream is cut', async () => {
  for (const size of [1, 3, 7, 100]) {
    const reader = new ByteReader(pieces(bytes, size));
    assert.deepEqual(await reader.peek(10), bytes.subarray(0, 10));
    assert.deepEqual(await reader.read(20), bytes.subarray(0, 20));
    const chunk = await reader.chunk(5);
    assert.ok(chunk && chunk.length >= 1 && chunk.length <= 5);
    reader.unread(chunk.subarray(1));
    assert.equal(reader.position, 21);
    assert.deepEqual(await reader.read(1_000), bytes.subarray(21));
    assert.equal(await reader.chunk(), undefined);
    assert.equal((await reader.peek(4)).length, 0);
    assert.equal(reader.position, 100);
  }
});

test('a source may reuse its buffer once it is asked for more', async () => {
  async function* reusing() {
    const buffer = Buffer.alloc(4);
    for (let at = 0; at < 100; at += 4) {
      bytes.copy(buffer, 0, at, at + 4);
      yield buffer;
    }
  }
  const reader = new ByteReader(reusing());
  assert.deepEqual(await reader.peek(10), bytes.subarray(0, 10));
  assert.deepEqual(await reader.read(50), bytes.subarray(0, 50));
});

test('a source is not opened before the first byte is asked for, and is closed on request', async () => {
  const events: string[] = [];
  async function* watched() {
    events.push('opened');
    try {
      yield bytes;
    } finally {
      events.push('closed');
    }
  }
  const reader = new ByteReader(watched());
  await reader.close();
  assert.deepEqual(events, []);
  await reader.peek(1);
  await reader.close();
  assert.deepEqual(events, ['opened', 'closed']);
});
