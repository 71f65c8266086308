import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RemoteFile } from '../../ports/connector.ts';
import { gathered, sameVersion, verified } from './reading.ts';

const file: RemoteFile = { path: 'a.csv', bytes: 10, modifiedAt: '2026-11-19T03:00:00.000Z' };

async function* body(...lengths: number[]): AsyncGenerator<Uint8Array> {
  for (const length of lengths) yield new Uint8Array(length);
}

async function readTo(after: RemoteFile | undefined, offset: number, ...lengths: number[]): Promise<number> {
  const reading = { endpoint: 'test://host', before: file, offset, after: async () => after };
  let received = 0;
  for await (const chunk of verified(reading, body(...lengths))) received += chunk.length;
  return received;
}

describe('a verified read', () => {
  it('ends when all announced bytes came and the file is the same', async () => {
    assert.equal(await readTo(file, 0, 4, 6), 10);
    assert.equal(await readTo(file, 4, 6), 6);
  });

  it('is a lost connection when bytes are missing from a file that is the same', async () => {
    await assert.rejects(readTo(file, 0, 4, 5), { code: 'connector.lost', transient: true });
  });

  it('is a changed file when its size, time or tag is another one at the end', async () => {
    const changed = { code: 'connector.changed', transient: true };
    await assert.rejects(readTo({ ...file, bytes: 9 }, 0, 4, 5), changed);
    await assert.rejects(readTo({ ...file, modifiedAt: '2026-11-19T03:00:01.000Z' }, 0, 10), changed);
    await assert.rejects(readTo(undefined, 0, 10), changed);
    await assert.rejects(readTo(file, 0, 11), changed);
  });

  it('compares only what both descriptions say', () => {
    assert.ok(sameVersion({ ...file, tag: '"1"' }, { ...file, modifiedAt: undefined }));
    assert.ok(!sameVersion({ ...file, tag: '"1"' }, { ...file, tag: '"2"' }));
  });
});

describe('gathered chunks', () => {
  it('are of 64 KiB to 1 MiB but for the last, and lose nothing', async () => {
    const sizes: number[] = [];
    const lengths = [1, 70_000, 65_536, 16_384, 3_000_000, 5, 0, 100_000];
    for await (const chunk of gathered(body(...lengths))) sizes.push(chunk.length);
    assert.equal(
      sizes.reduce((a, b) => a + b),
      lengths.reduce((a, b) => a + b),
    );
    for (const size of sizes.slice(0, -1)) assert.ok(size >= 65_536 && size <= 1_048_576, `${size}`);
  });

  it('keep the order of bytes', async () => {
    const whole = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) & 255));
    const parts = (async function* () {
      for (let at = 0; at < whole.length; at += 16_001) yield whole.subarray(at, at + 16_001);
    })();
    const out: Buffer[] = [];
    for await (const chunk of gathered(parts)) out.push(Buffer.from(chunk));
    assert.ok(Buffer.concat(out).equals(whole));
  });
});
