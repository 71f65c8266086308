import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { CfbDecipher } from './cfb-cipher.ts';

test('CFB decryption agrees with OpenSSL’s, however the data is cut', () => {
  for (const [cipher, keyBytes, blockBytes] of [
    ['aes-128', 16, 16],
    ['aes-256', 32, 16],
    ['camellia-192', 24, 16],
    ['des-ede3', 24, 8],
  ] as const) {
    const key = randomBytes(keyBytes);
    for (const length of [0, 1, 15, 16, 17, 1000, 4096]) {
      const plain = randomBytes(length);
      const sealed = createCipheriv(`${cipher}-cfb`, key, Buffer.alloc(blockBytes)).update(plain);
      for (const step of [1, 5, 16, 100, 5000]) {
        const decipher = new CfbDecipher(cipher, key, blockBytes);
        const clear: Buffer[] = [];
        for (let at = 0; at < sealed.length; at += step) clear.push(decipher.update(sealed.subarray(at, at + step)));
        clear.push(decipher.final());
        assert.deepEqual(Buffer.concat(clear), plain, `${cipher}, ${length} bytes in steps of ${step}`);
      }
    }
  }
});
