import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBzip2 } from '../src/codecs/bzip2/decode.ts';
import { decode, GpgHome, whyNoGpg } from '../src/codecs/openpgp/test-gpg.ts';

test('an OpenPGP message that is compressed with bzip2 is read with the bzip2 codec’s decoder', {
  skip: whyNoGpg(),
}, async () => {
  const gpg = new GpgHome();
  try {
    const plain = Buffer.from('id,amount\n1,10.50\n'.repeat(100_000));
    const message = gpg.run(['--symmetric', '--passphrase', 'x', '--compress-algo', 'bzip2'], plain);
    assert.deepEqual(await decode(message, { passphrase: 'x' }, { bunzip2: async () => decodeBzip2 }), plain);
    message[message.length - 1]! ^= 1;
    await assert.rejects(decode(message, { passphrase: 'x' }, { bunzip2: async () => decodeBzip2 }), {
      code: 'codec.corrupt',
    });
  } finally {
    gpg.close();
  }
});
