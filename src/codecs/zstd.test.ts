import assert from 'node:assert/strict';
import { test } from 'node:test';
import { constants, zstdCompressSync } from 'node:zlib';
import { decodeAll, decodeOne, missing, sampleCsv, tool } from './shared/testing.ts';
import { zstd } from './zstd.ts';

const csv = sampleCsv(20_000);
const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

test('a file made by zstd comes out as it went in, without its ending', { skip: missing('zstd') }, async () => {
  for (const level of ['-1', '-19']) {
    const members = await decodeAll(zstd, tool('zstd', [level, '-c'], csv), { name: 'sales.csv.zst' });
    assert.deepEqual(Object.keys(members), ['sales.csv']);
    assert.ok(members['sales.csv']!.equals(csv));
  }
});

test('two files joined by cat give both contents', { skip: missing('zstd') }, async () => {
  const one = tool('zstd', ['-c'], csv);
  const two = tool('zstd', ['-c'], Buffer.from('the second file'));
  const expected = Buffer.concat([csv, Buffer.from('the second file'), csv]);
  for (const size of [1_000, one.length, 2 ** 20])
    assert.ok((await decodeOne(zstd, Buffer.concat([one, two, one]), { size })).equals(expected), `chunks of ${size}`);
});

test('frames of every shape are joined, wherever the stream is cut into chunks', async () => {
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const joined = Buffer.concat([
    skippable,
    zstdCompressSync('one,'),
    zstdCompressSync('', withChecksum),
    zstdCompressSync('a'.repeat(500), withChecksum),
    skippable,
    zstdCompressSync('two'),
  ]);
  for (let size = 1; size <= joined.length; size++)
    assert.equal(
      (await decodeOne(zstd, joined, { size })).toString(),
      `one,${'a'.repeat(500)}two`,
      `chunks of ${size}`,
    );
});

test('a file cut anywhere is truncated, never silently shorter', async () => {
  for (const options of [{}, withChecksum]) {
    const whole = Buffer.concat([
      zstdCompressSync('first', options),
      zstdCompressSync(csv.subarray(0, 1_500), options),
    ]);
    const boundary = zstdCompressSync('first', options).length;
    for (let cut = 0; cut < whole.length; cut++) {
      if (cut === boundary) continue;
      await assert.rejects(decodeOne(zstd, whole.subarray(0, cut)), { code: 'codec.truncated' }, `cut at ${cut}`);
    }
  }
});

test('no flipped bit of the data passes the checksum', async () => {
  const whole = zstdCompressSync(csv.subarray(0, 2_000), withChecksum);
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1 << (at % 8);
    const outcome = await decodeOne(zstd, damaged).catch((error: { name: string }) => error);
    // A few bits of a header may be flipped without changing what it means.
    if (Buffer.isBuffer(outcome)) assert.ok(outcome.equals(csv.subarray(0, 2_000)), `byte ${at}`);
    else assert.equal(outcome.name, 'GranaryError', `byte ${at}`);
  }
});

test('a window beyond the limit is refused, and taken after raising it', { skip: missing('zstd') }, async () => {
  const long = tool('zstd', ['-1', '--long=28', '-c'], Buffer.alloc(300_000_000));
  await assert.rejects(decodeOne(zstd, long), { code: 'codec.unsupported', hint: /max_window/ });
  let bytes = 0;
  const config = { max_window: '256 MiB' };
  for (const content of Object.values(await decodeAll(zstd, long, { config }))) bytes += content.length;
  assert.equal(bytes, 300_000_000);
});

test('what follows the data or is of another kind is an error', async () => {
  const trailing = Buffer.concat([zstdCompressSync('data'), Buffer.from('garbage')]);
  await assert.rejects(decodeOne(zstd, trailing), { code: 'codec.corrupt', message: /other bytes follow/ });
  await assert.rejects(decodeOne(zstd, csv), {
    code: 'codec.corrupt',
    message: /not in zstd format: it looks like plain text/,
  });
  await assert.rejects(decodeOne(zstd, Buffer.alloc(0)), { code: 'codec.truncated' });
});
