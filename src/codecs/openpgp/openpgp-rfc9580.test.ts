/** What gpg 2.2 cannot make: messages of RFC 9580 and of GnuPG 2.3, made by another implementation. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as pgp from 'openpgp';
import { decode } from './test-gpg.ts';

const PLAIN = Buffer.from('id,name,amount\n1,Käthe,10.50\n2,"O\nNeil",-3\n'.repeat(2000));
const LOCK = 'correct horse';

async function encrypt(options: Omit<pgp.EncryptOptions, 'message' | 'format'>): Promise<Buffer> {
  const message = await pgp.createMessage({ binary: new Uint8Array(PLAIN) });
  return Buffer.from((await pgp.encrypt({ ...options, message, format: 'binary' })) as Uint8Array);
}

describe('messages in authenticated chunks', () => {
  // Chunks of 64 bytes, 4 KiB and 4 MiB: many, some and one.
  for (const aeadChunkSizeByte of [0, 6, 16]) {
    for (const mode of ['gcm', 'ocb'] as const) {
      const config = { aeadProtect: true, preferredAEADAlgorithm: pgp.enums.aead[mode], aeadChunkSizeByte };

      test(`AES in ${mode.toUpperCase()} mode with chunks of ${2 ** (aeadChunkSizeByte + 6)} bytes is decrypted`, async () => {
        assert.deepEqual(await decode(await encrypt({ passwords: LOCK, config }), { passphrase: LOCK }), PLAIN);
      });

      test(`chunks of ${2 ** (aeadChunkSizeByte + 6)} bytes as GnuPG 2.3 makes them, in ${mode.toUpperCase()} mode, are decrypted`, async () => {
        const message = await encryptAsGnuPG23(config);
        assert.deepEqual(await decode(message, { passphrase: LOCK }), PLAIN);
        await assert.rejects(decode(message, { passphrase: 'wrong' }), { code: 'codec.bad_passphrase' });
        message[message.length - 40]! ^= 1;
        await assert.rejects(decode(message, { passphrase: LOCK }), { code: 'codec.corrupt' });
      });
    }
  }

  test('neither a chunk that is changed nor chunks that are left out at the end pass', async () => {
    const config = { aeadProtect: true, aeadChunkSizeByte: 6 };
    const message = await encrypt({ passwords: LOCK, config });
    for (const at of [0.3, 0.5, 0.9].map((part) => Math.floor(message.length * part))) {
      const changed = Buffer.from(message);
      changed[at]! ^= 1;
      await assert.rejects(decode(changed, { passphrase: LOCK }), { code: 'codec.corrupt' });
      await assert.rejects(decode(message.subarray(0, at), { passphrase: LOCK }), { code: 'codec.truncated' });
    }
  });

  test('EAX mode is refused by its name', async () => {
    const config = { aeadProtect: true, preferredAEADAlgorithm: pgp.enums.aead.eax };
    await assert.rejects(decode(await encrypt({ passwords: LOCK, config }), { passphrase: LOCK }), {
      code: 'codec.unsupported',
      message: /EAX/,
    });
  });

  test('a passphrase hashed with Argon2 decrypts, a wrong one is told as such', async () => {
    const message = await encrypt({ passwords: LOCK, config: { aeadProtect: true, s2kType: pgp.enums.s2k.argon2 } });
    assert.deepEqual(await decode(message, { passphrase: LOCK }), PLAIN);
    await assert.rejects(decode(message, { passphrase: 'wrong' }), { code: 'codec.bad_passphrase' });
  });
});

describe('keys of RFC 9580', () => {
  const kinds: Record<string, Partial<pgp.KeyOptions>> = {
    'version 6 with X25519 and Ed25519': { type: 'curve25519', config: { v6Keys: true } },
    'version 6 with X448 and Ed448': { type: 'curve448', config: { v6Keys: true } },
    'version 6 with RSA': { type: 'rsa', rsaBits: 2048, config: { v6Keys: true } },
    'version 6 with P-256': { type: 'ecc', curve: 'nistP256', config: { v6Keys: true } },
    'version 4 with X25519 and Ed25519': { type: 'curve25519' },
  };
  for (const [name, options] of Object.entries(kinds)) {
    test(`a key of ${name} decrypts and verifies, open or locked`, async () => {
      const userIDs = [{ email: 'a@test.invalid' }];
      const { privateKey, publicKey } = await pgp.generateKey({ ...options, userIDs, format: 'object' });
      const signed_by = [publicKey.armor()];
      for (const aeadProtect of [true, false]) {
        const config = { aeadProtect };
        const message = await encrypt({ encryptionKeys: publicKey, signingKeys: privateKey, config });
        assert.deepEqual(await decode(message, { private_key: privateKey.armor(), signed_by }), PLAIN);
        const locked = (await pgp.encryptKey({ privateKey, passphrase: LOCK, config })).armor();
        assert.deepEqual(await decode(message, { private_key: locked, passphrase: LOCK, signed_by }), PLAIN);
        await assert.rejects(decode(message, { private_key: locked, passphrase: 'wrong' }), {
          code: 'codec.bad_passphrase',
        });
      }
    });
  }
});

/** What the library keeps out of its types. */
interface Sealer {
  sessionKey: Uint8Array;
  encrypted: unknown;
  encrypt(...args: unknown[]): Promise<void>;
}

/** The packets of draft-ietf-openpgp-rfc4880bis-10: a session key of version 5 and an "AEAD Encrypted Data Packet". */
async function encryptAsGnuPG23(config: {
  preferredAEADAlgorithm: pgp.enums.aead;
  aeadChunkSizeByte: number;
}): Promise<Buffer> {
  const full = { ...pgp.config, ...config };
  const aeadAlgorithm = config.preferredAEADAlgorithm;
  const aes256 = pgp.enums.symmetric.aes256;
  const key = new pgp.SymEncryptedSessionKeyPacket() as unknown as Sealer;
  Object.assign(key, { version: 5, aeadAlgorithm, sessionKeyAlgorithm: aes256, sessionKeyEncryptionAlgorithm: aes256 });
  await key.encrypt(LOCK, full);
  const data = new pgp.AEADEncryptedDataPacket() as unknown as Sealer;
  Object.assign(data, { aeadAlgorithm, packets: (await pgp.createMessage({ binary: new Uint8Array(PLAIN) })).packets });
  await data.encrypt(aes256, key.sessionKey, full);
  const pieces: Uint8Array[] = [];
  const reader = (data.encrypted as ReadableStream<Uint8Array>).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value);
  data.encrypted = Buffer.concat(pieces);
  const packets = new pgp.PacketList<pgp.AnyPacket>();
  packets.push(key as unknown as pgp.AnyPacket, data as unknown as pgp.AnyPacket);
  return Buffer.from(packets.write());
}
