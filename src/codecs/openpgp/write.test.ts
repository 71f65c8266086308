import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { decode, GpgHome, whyNoGpg } from './test-gpg.ts';
import { encryptWithPassphrase } from './write.ts';

const LOCK = 'correct horse';
/** Around the length of one part, where the last part begins, and what has none. */
const LENGTHS = [0, 1, 185, 186, 191, 192, 1_048_569, 1_048_570, 1_048_571, 2_097_152, 3_000_000];

test('what is encrypted with a passphrase is read back, whatever its length', async () => {
  for (const length of LENGTHS) {
    const plain = Buffer.alloc(length, 'a,b\n');
    assert.deepEqual(await decode(encryptWithPassphrase(plain, LOCK), { passphrase: LOCK }), plain, `${length} bytes`);
  }
});

test('gpg reads it', { skip: whyNoGpg() }, async () => {
  const gpg = new GpgHome();
  try {
    for (const length of LENGTHS) {
      const plain = Buffer.alloc(length, 'a,b\n');
      const message = await buffer(encryptWithPassphrase(plain, LOCK));
      assert.deepEqual(gpg.run(['--decrypt', '--passphrase', LOCK], message), plain, `${length} bytes`);
    }
  } finally {
    gpg.close();
  }
});

test('with its time and random bytes given, the same data makes the same message', async () => {
  const options = { now: new Date('2026-11-19T06:00:00Z'), random: (bytes: number) => Buffer.alloc(bytes, 7) };
  const plain = Buffer.from('a,b\n1,2\n');
  const [first, second] = [
    await buffer(encryptWithPassphrase(plain, LOCK, options)),
    await buffer(encryptWithPassphrase(plain, LOCK, options)),
  ];
  assert.deepEqual(first, second);
  assert.notDeepEqual(first, await buffer(encryptWithPassphrase(plain, LOCK)));
});
