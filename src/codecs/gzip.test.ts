import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { gzip } from './gzip.ts';
import { collect, decodeAll, decodeOne, missing, pieces, sampleCsv, tool } from './shared/testing.ts';

const csv = sampleCsv(20_000);

test('a file made by gzip comes out as it went in, without its ending', { skip: missing('gzip') }, async () => {
  const members = await decodeAll(gzip, tool('gzip', ['-c'], csv), { name: 'sales.csv.GZ' });
  assert.deepEqual(Object.keys(members), ['sales.csv']);
  assert.ok(members['sales.csv']!.equals(csv));
});

test('a .tgz becomes a .tar, and a name without the ending stays', async () => {
  assert.deepEqual(Object.keys(await decodeAll(gzip, gzipSync('x'), { name: 'a.tgz' })), ['a.tar']);
  assert.deepEqual(Object.keys(await decodeAll(gzip, gzipSync('x'), { name: 'a.dat' })), ['a.dat']);
});

test('members in a row are joined, wherever the stream is cut into chunks', async () => {
  const joined = Buffer.concat([gzipSync('one,'), gzipSync('two,'), gzipSync(''), gzipSync('three')]);
  for (let size = 1; size <= joined.length; size++)
    assert.equal((await decodeOne(gzip, joined, { size })).toString(), 'one,two,three', `chunks of ${size}`);
});

test('zero padding behind the data is no error, wherever the stream is cut into chunks', async () => {
  const padded = Buffer.concat([gzipSync('data'), Buffer.alloc(40)]);
  for (let size = 1; size <= padded.length; size++)
    assert.equal((await decodeOne(gzip, padded, { size })).toString(), 'data');
});

test('anything else behind the data is an error, also when it hides behind zeros or is a whole member', async () => {
  const tails = [
    Buffer.from('garbage'),
    Buffer.from('\0\0garbage'),
    Buffer.concat([Buffer.alloc(3), gzipSync('more')]),
  ];
  for (const tail of tails) {
    const bytes = Buffer.concat([gzipSync('data'), tail]);
    for (const size of [1, 7, bytes.length])
      await assert.rejects(decodeOne(gzip, bytes, { size }), { code: 'codec.corrupt', transient: false });
  }
});

test('a file cut anywhere is truncated, never silently shorter', async () => {
  const whole = gzipSync(csv.subarray(0, 4_000));
  for (let cut = 0; cut < whole.length; cut++)
    await assert.rejects(decodeOne(gzip, whole.subarray(0, cut)), { code: 'codec.truncated' }, `cut at ${cut}`);
});

test('a second member cut anywhere is truncated', async () => {
  const first = gzipSync('first');
  const second = gzipSync('second');
  for (let cut = 1; cut < second.length; cut++) {
    const bytes = Buffer.concat([first, second.subarray(0, cut)]);
    for (const size of [1, first.length, bytes.length])
      await assert.rejects(
        decodeOne(gzip, bytes, { size }),
        { code: 'codec.truncated' },
        `cut at ${cut}, chunks of ${size}`,
      );
  }
});

test('no flipped bit of the data passes the CRC', async () => {
  const whole = gzipSync(csv.subarray(0, 2_000));
  for (let at = 10; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1 << (at % 8);
    await assert.rejects(decodeOne(gzip, damaged), { name: 'GranaryError' }, `byte ${at}`);
  }
});

test('data of another kind is named for what it looks like', async () => {
  await assert.rejects(decodeOne(gzip, csv, { name: 'sales.csv.gz' }), {
    code: 'codec.corrupt',
    message: '"sales.csv.gz" is not in gzip format: it looks like plain text',
  });
  await assert.rejects(decodeOne(gzip, Buffer.from('PK\x03\x04rest')), { message: /looks like a zip archive/ });
  await assert.rejects(decodeOne(gzip, Buffer.from('<!DOCTYPE html><html>')), { message: /looks like a web page/ });
  await assert.rejects(decodeOne(gzip, Buffer.alloc(0)), { code: 'codec.truncated', message: /is empty/ });
});

test('a failure of the source is passed on as it is, and the source is closed when the reader stops early', async () => {
  const failure = new Error('the disk is on fire');
  async function* failing() {
    yield gzipSync(csv).subarray(0, 1_000);
    throw failure;
  }
  let closed = false;
  async function* watched() {
    try {
      yield* pieces(gzipSync(Buffer.alloc(50e6)), 1_000);
    } finally {
      closed = true;
    }
  }
  const input = (stream: () => AsyncIterable<Uint8Array>) => ({
    name: 'a.gz',
    stream,
    file: () => Promise.resolve(''),
  });
  for await (const member of gzip.decode(input(failing), {}, { scratch: '' }))
    await assert.rejects(collect(member.body), failure);
  for await (const member of gzip.decode(input(watched), {}, { scratch: '' })) for await (const _ of member.body) break;
  assert.ok(closed);
});
