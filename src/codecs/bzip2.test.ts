import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bzip2 } from './bzip2.ts';
import { decodeAll, decodeOne, missing, noise, sampleCsv, tool } from './shared/testing.ts';

const skip = missing('bzip2');
const compress = (bytes: Uint8Array, level = '-9') => tool('bzip2', [level, '-c'], bytes);
const csv = sampleCsv(50_000);

test('a file made by bzip2 comes out as it went in, at every block size', { skip }, async () => {
  for (const level of ['-1', '-5', '-9']) {
    const members = await decodeAll(bzip2, compress(csv, level), { name: 'sales.csv.bz2' });
    assert.deepEqual(Object.keys(members), ['sales.csv']);
    assert.ok(members['sales.csv']!.equals(csv), level);
  }
});

test('extreme contents come out as they went in', { skip }, async () => {
  const random = noise(300_000);
  const runs = Buffer.concat(Array.from({ length: 2_000 }, (_, i) => Buffer.alloc(i % 600, i)));
  const contents = [Buffer.alloc(0), Buffer.from('a'), Buffer.alloc(20_000_000), Buffer.alloc(259, 97), random, runs];
  for (const content of contents) assert.ok((await decodeOne(bzip2, compress(content))).equals(content));
});

test('several large blocks and streams in a row come out whole, wherever the stream is cut into chunks', {
  skip,
}, async () => {
  const joined = Buffer.concat([
    compress(Buffer.from('one,')),
    compress(Buffer.alloc(0)),
    compress(Buffer.from('two')),
  ]);
  for (let size = 1; size <= joined.length; size++)
    assert.equal((await decodeOne(bzip2, joined, { size })).toString(), 'one,two', `chunks of ${size}`);
  const mixed = Buffer.concat(Array.from({ length: 3 }, (_, i) => Buffer.from(csv.map((byte, at) => byte ^ (at * i)))));
  assert.ok(
    (await decodeOne(bzip2, Buffer.concat([compress(mixed), compress(csv)]))).equals(Buffer.concat([mixed, csv])),
  );
});

test('a file cut anywhere is truncated, never silently shorter', { skip }, async () => {
  const whole = compress(csv.subarray(0, 3_000));
  for (let cut = 0; cut < whole.length; cut++)
    await assert.rejects(decodeOne(bzip2, whole.subarray(0, cut)), { code: 'codec.truncated' }, `cut at ${cut}`);
});

test('no flipped bit passes the CRC', { skip }, async () => {
  const content = csv.subarray(0, 2_000);
  const whole = compress(content);
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1 << (at % 8);
    const outcome = await decodeOne(bzip2, damaged).catch((error: { name: string }) => error);
    // The block size and the padding may change without changing the content.
    if (Buffer.isBuffer(outcome)) assert.ok(outcome.equals(content), `byte ${at}`);
    else assert.equal(outcome.name, 'GranaryError', `byte ${at}`);
  }
});

test('what follows the data or is of another kind is an error', { skip }, async () => {
  const trailing = Buffer.concat([compress(Buffer.from('data')), Buffer.from('garbage')]);
  await assert.rejects(decodeOne(bzip2, trailing), { code: 'codec.corrupt', message: /other bytes follow/ });
  await assert.rejects(decodeOne(bzip2, csv), {
    code: 'codec.corrupt',
    message: /not in bzip2 format: it looks like plain text/,
  });
  await assert.rejects(decodeOne(bzip2, Buffer.alloc(0)), { code: 'codec.truncated' });
});
