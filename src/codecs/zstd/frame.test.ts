import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, zstdCompressSync } from 'node:zlib';
import { noise, sampleCsv } from '../shared/testing.ts';
import { beginsLikeFrame, FrameWalker, frameKind } from './frame.ts';

test('the end of a frame is found to the byte, for every kind of header and block', () => {
  const contents = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(300_000), noise(300_000), sampleCsv(10_000)];
  for (const content of contents) {
    for (const checksum of [0, 1]) {
      for (const contentSize of [0, 1]) {
        const { ZSTD_c_checksumFlag, ZSTD_c_contentSizeFlag } = constants;
        const params = { [ZSTD_c_checksumFlag]: checksum, [ZSTD_c_contentSizeFlag]: contentSize };
        const frame = zstdCompressSync(content, { params });
        for (const size of [1, 5, frame.length + 50])
          assert.equal(walk(Buffer.concat([frame, noise(50)]), size), frame.length);
      }
    }
  }
});

test('a skippable frame ends where its size says', () => {
  const frame = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 5, 0, 0, 0, 1, 2, 3, 4, 5]);
  for (const size of [1, 9, 100]) assert.equal(walk(Buffer.concat([frame, noise(20)]), size), frame.length);
});

/** Bytes that a walker takes of a stream cut into chunks. */
function walk(bytes: Buffer, size: number): number {
  const walker = new FrameWalker();
  let taken = 0;
  for (let at = 0; at < bytes.length && !walker.done; at += size) taken += walker.feed(bytes.subarray(at, at + size));
  assert.ok(walker.done);
  return taken;
}

test('magic numbers are told from other data, whole and cut short', () => {
  assert.equal(frameKind(zstdCompressSync('x')), 'data');
  assert.equal(frameKind(Buffer.from([0x5f, 0x2a, 0x4d, 0x18])), 'skippable');
  assert.equal(frameKind(Buffer.from('text')), undefined);
  assert.ok(beginsLikeFrame(Buffer.from([0x28, 0xb5])));
  assert.ok(beginsLikeFrame(Buffer.from([0x52, 0x2a, 0x4d])));
  assert.ok(!beginsLikeFrame(Buffer.from('te')));
  assert.ok(!beginsLikeFrame(Buffer.alloc(0)));
});
