import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { ByteReader } from '../shared/byte-reader.ts';
import { unarmored, unarmoredKeys } from './armor.ts';
import { Crc24 } from './crc24.ts';
import { Malformed } from './faults.ts';

/** As RFC 9580, 6.2 describes it, told apart from the code under test: lines of 64 characters, then the checksum. */
function armor(
  data: Buffer,
  { headers = ['Comment: a: b'], checksum = true, eol = '\n', label = 'MESSAGE' } = {},
): string {
  const crc = new Crc24();
  crc.update(data);
  const sum = Buffer.alloc(3);
  sum.writeUIntBE(crc.value, 0, 3);
  const lines = data.toString('base64').match(/.{1,64}/g) ?? [];
  return [
    `-----BEGIN PGP ${label}-----`,
    ...headers,
    '',
    ...lines,
    ...(checksum ? [`=${sum.toString('base64')}`] : []),
    `-----END PGP ${label}-----`,
    '',
  ].join(eol);
}

function read(text: string | Buffer, chunkBytes = 1000): Promise<Buffer> {
  const bytes = Buffer.from(text);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  return buffer(unarmored(new ByteReader(chunks()), 'sales.csv.asc'));
}

test('the checksum is the CRC-24 that RFC 9580 defines', () => {
  const crc = new Crc24();
  crc.update(Buffer.from('123456789'));
  assert.equal(crc.value, 0x21cf02);
});

test('armored data of any length, cut into chunks of any size, is read back', async () => {
  for (const length of [1, 2, 3, 46, 47, 48, 49, 5000]) {
    const data = Buffer.concat([Buffer.from([0xc3]), randomBytes(length)]);
    for (const chunkBytes of [1, 7, 64, 100_000])
      assert.deepEqual(await read(armor(data), chunkBytes), data, `${length} in ${chunkBytes}`);
  }
});

test('Windows line ends, a byte order mark, text around the armor and a missing checksum do not matter', async () => {
  const data = Buffer.concat([Buffer.from([0xc3]), randomBytes(200)]);
  assert.deepEqual(await read(armor(data, { eol: '\r\n' })), data);
  assert.deepEqual(await read(`\ufeff${armor(data)}`), data);
  assert.deepEqual(await read(`Please find it below.\n\n${armor(data)}\nKind regards\n`), data);
  assert.deepEqual(await read(armor(data, { checksum: false, headers: [] })), data);
});

test('binary data passes as it is', async () => {
  const data = Buffer.concat([Buffer.from([0x85]), randomBytes(5000)]);
  assert.deepEqual(await read(data), data);
});

test('a checksum that does not match, a foreign character and a lost one are told as damage', async () => {
  const data = Buffer.concat([Buffer.from([0xc3]), randomBytes(200)]);
  const text = armor(data);
  const digit = text.indexOf('\n\n') + 20;
  const swapped = text[digit] === 'A' ? 'B' : 'A';
  for (const changed of [
    text.slice(0, digit) + swapped + text.slice(digit + 1),
    `${text.slice(0, digit)}?${text.slice(digit + 1)}`,
    text.slice(0, digit) + text.slice(digit + 1),
  ])
    await assert.rejects(read(changed), { code: 'codec.corrupt' });
});

test('what is armored but no message is told by its label', async () => {
  await assert.rejects(read(armor(randomBytes(20), { label: 'SIGNATURE' })), {
    code: 'codec.corrupt',
    message: /signature/,
  });
});

test('headers made to confuse a parser take no time', async () => {
  const start = performance.now();
  await assert.rejects(
    read(`-----BEGIN PGP MESSAGE-----\n${'a: b: c: d: e\n'.repeat(4000)}`),
    /truncated|ends|damaged/,
  );
  assert.ok(performance.now() - start < 1000);
});

test('several key blocks are read from one text, with whatever stands between them', async () => {
  const [first, second] = [randomBytes(100), randomBytes(101)];
  const text = `One\n${armor(first, { label: 'PUBLIC KEY BLOCK' })}Two\n${armor(second, { label: 'PUBLIC KEY BLOCK', eol: '\r\n' })}`;
  assert.deepEqual(await unarmoredKeys(Buffer.from(text)), Buffer.concat([first, second]));
  await assert.rejects(unarmoredKeys(Buffer.from('no key')), Malformed);
});
