import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { GranaryError } from '../../lib/errors.ts';
import { ByteReader } from '../shared/byte-reader.ts';
import { readSecretKeys, readSigners } from './keyring.ts';
import { type MessageOptions, readMessage } from './message.ts';
import { decode, GpgHome, whyNoGpg } from './test-gpg.ts';

const PLAIN = Buffer.from('id,amount\n1,10.50\n2,7.25\n');
const LOCK = 'correct horse';

/** The data, when reading ended without an error; else the error's code. */
async function outcome(message: Buffer | AsyncIterable<Buffer>, options: MessageOptions): Promise<Buffer | string> {
  const chunks = Buffer.isBuffer(message) ? single(message) : message;
  try {
    return await buffer(readMessage(new ByteReader(chunks), 'sales.csv.pgp', options));
  } catch (error) {
    assert.ok(error instanceof GranaryError, String(error));
    return error.code;
  }
}

async function* single(bytes: Buffer) {
  yield bytes;
}

describe('damaged OpenPGP messages', { skip: whyNoGpg() }, () => {
  let gpg: GpgHome;
  const messages: { name: string; bytes: Buffer; options: MessageOptions }[] = [];

  before(async () => {
    gpg = new GpgHome();
    gpg.makeKey('a', ['Key-Type: EDDSA', 'Key-Curve: ed25519', 'Subkey-Type: ECDH', 'Subkey-Curve: cv25519']);
    const secretKeys = await readSecretKeys([{ field: 'private_key', text: gpg.secretKey('a') }]);
    const signers = await readSigners([{ field: 'signed_by', text: gpg.publicKey('a') }]);
    const keyring = { secretKeys, passphrase: LOCK };
    const to = ['--encrypt', '--recipient', 'a@test.invalid'];
    // A passphrase hashed once: the test tries it some thousand times.
    const symmetric = ['--symmetric', '--passphrase', LOCK, '--s2k-mode', '1'];
    const add = (name: string, args: string[], options: MessageOptions = { keyring }) =>
      messages.push({ name, bytes: gpg.run(args, PLAIN), options });
    add('encrypted with a passphrase', symmetric);
    add('not compressed', [...symmetric, '--compress-algo', 'none']);
    add('encrypted to a key', to);
    add('in armor', [...to, '--armor']);
    add('signed and encrypted', [...to, '--sign'], { keyring, signers });
    add('signed alone', ['--sign'], { keyring, signers });
  });
  after(() => gpg.close());

  test('no changed bit, wherever it is, gives other data with a clean end', async () => {
    for (const { name, bytes, options } of messages) {
      let refused = 0;
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Buffer.from(bytes);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        const result = await outcome(changed, options);
        if (typeof result !== 'string') assert.deepEqual(result, PLAIN, `${name}, bit ${bit}`);
        else {
          assert.match(
            result,
            /^codec\.(corrupt|truncated|unsupported|no_key|bad_passphrase|bad_signature)$/,
            `${name}, bit ${bit}`,
          );
          refused++;
        }
      }
      // Some bits mean nothing: those of armor's line ends, of unsigned hints, the unused one of a point.
      assert.ok(refused > bytes.length * 8 * 0.9, `${name}: ${refused} of ${bytes.length * 8}`);
    }
  });

  test('a message that is cut off, wherever that is, is told to be truncated', async () => {
    for (const { name, bytes, options } of messages) {
      // Of an armored message everything up to the END line matters, not the line end behind it.
      const whole = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
      for (let length = 0; length < whole; length++)
        assert.equal(await outcome(bytes.subarray(0, length), options), 'codec.truncated', `${name}, ${length} bytes`);
    }
  });

  test('bytes behind a message are refused', async () => {
    for (const { name, bytes, options } of messages.filter(
      ({ name }) => name !== 'in armor' && name !== 'signed alone',
    ))
      for (const more of [Buffer.from('\n'), bytes])
        assert.equal(await outcome(Buffer.concat([bytes, more]), options), 'codec.corrupt', name);
  });

  test('a file that is no OpenPGP message is told as what it looks like', async () => {
    await assert.rejects(decode(PLAIN, {}), { code: 'codec.corrupt', message: /plain text/ });
    await assert.rejects(decode(Buffer.from(gpg.publicKey('a')), {}), {
      code: 'codec.corrupt',
      message: /public key block/,
    });
  });

  test('where a message is cut into chunks does not matter', async () => {
    for (const { bytes, options } of messages) {
      async function* byteByByte() {
        for (const byte of bytes) yield Buffer.from([byte]);
      }
      assert.deepEqual(await outcome(byteByByte(), options), PLAIN);
    }
  });
});
