import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openpgp } from './openpgp.ts';
import { decode, GpgHome, input, whyNoGpg } from './test-gpg.ts';

const PLAIN = Buffer.from('id,name,amount\n1,Käthe,10.50\n2,"O\nNeil",-3\n'.repeat(4000));
const LOCK = 'correct horse';

/** Kinds of key that senders have, as gpg's batch language names them; the subkey decrypts. */
const KEYS: Record<string, string[]> = {
  rsa: ['Key-Type: RSA', 'Key-Length: 2048', 'Subkey-Type: RSA', 'Subkey-Length: 2048'],
  curve25519: ['Key-Type: EDDSA', 'Key-Curve: ed25519', 'Subkey-Type: ECDH', 'Subkey-Curve: cv25519'],
  p256: ['Key-Type: ECDSA', 'Key-Curve: nistp256', 'Subkey-Type: ECDH', 'Subkey-Curve: nistp256'],
  p384: ['Key-Type: ECDSA', 'Key-Curve: nistp384', 'Subkey-Type: ECDH', 'Subkey-Curve: nistp384'],
  p521: ['Key-Type: ECDSA', 'Key-Curve: nistp521', 'Subkey-Type: ECDH', 'Subkey-Curve: nistp521'],
  brainpool: ['Key-Type: ECDSA', 'Key-Curve: brainpoolP256r1', 'Subkey-Type: ECDH', 'Subkey-Curve: brainpoolP256r1'],
  elgamal: ['Key-Type: DSA', 'Key-Length: 2048', 'Subkey-Type: ELG-E', 'Subkey-Length: 2048'],
};

describe('OpenPGP messages that gpg makes', { skip: whyNoGpg() }, () => {
  let gpg: GpgHome;

  before(() => {
    gpg = new GpgHome();
    for (const [name, lines] of Object.entries(KEYS)) gpg.makeKey(name, lines);
    gpg.makeKey('locked', KEYS['curve25519']!, LOCK);
  });
  after(() => gpg.close());

  const to = (name: string) => ['--recipient', `${name}@test.invalid`];
  const as = (name: string) => ['--local-user', `${name}@test.invalid`];
  const by = (name: string) => ['--sign', ...as(name)];

  for (const name of Object.keys(KEYS)) {
    test(`a message to a ${name} key is decrypted with its private key, and its signature is checked`, async () => {
      const message = gpg.run(['--encrypt', ...to(name), ...by(name)], PLAIN);
      const config = { private_key: gpg.secretKey(name), signed_by: [gpg.publicKey(name)] };
      assert.deepEqual(await decode(message, config), PLAIN);
    });
  }

  const passphraseVariants: Record<string, string[]> = {
    'as gpg makes it by default': [],
    'without compression': ['--compress-algo', 'none'],
    'compressed as ZIP': ['--compress-algo', 'zip'],
    'compressed as ZLIB': ['--compress-algo', 'zlib'],
    'in ASCII armor': ['--armor'],
    'with AES-192': ['--cipher-algo', 'AES192'],
    'with 3DES': ['--cipher-algo', '3DES'],
    'with Camellia': ['--cipher-algo', 'CAMELLIA256'],
    'with a passphrase hashed once': ['--s2k-mode', '1'],
    'with a passphrase hashed without salt': ['--s2k-mode', '0'],
  };
  for (const [how, args] of Object.entries(passphraseVariants)) {
    test(`a message encrypted with a passphrase, ${how}, is decrypted`, async () => {
      const message = gpg.run(['--symmetric', '--passphrase', LOCK, ...args], PLAIN);
      assert.deepEqual(await decode(message, { passphrase: LOCK }), PLAIN);
    });
  }

  test('a message compressed with bzip2 is refused by name when no decoder is lent', async () => {
    const message = gpg.run(['--symmetric', '--passphrase', LOCK, '--compress-algo', 'bzip2'], PLAIN);
    await assert.rejects(decode(message, { passphrase: LOCK }), { code: 'codec.unsupported', message: /bzip2/ });
  });

  test('a cipher that OpenSSL no longer has is refused by its name', async () => {
    const message = gpg.run(['--symmetric', '--passphrase', LOCK, '--cipher-algo', 'CAST5'], PLAIN);
    await assert.rejects(decode(message, { passphrase: LOCK }), { code: 'codec.unsupported', message: /CAST5/ });
  });

  test('encryption without protection against changes is refused with a hint', async () => {
    // gpg 2.2 no longer makes such; the packet is told by its first byte alone.
    const message = gpg.run(['--symmetric', '--passphrase', LOCK, '--compress-algo', 'none'], 'a,b\n');
    const from = message.indexOf(0xd2);
    message[from] = 0xc9;
    await assert.rejects(decode(message, { passphrase: LOCK }), { code: 'codec.unsupported', hint: /Ask the sender/ });
  });

  test('each of several recipients decrypts, also one who is not named', async () => {
    for (const recipient of ['--recipient', '--hidden-recipient']) {
      const message = gpg.run(['--encrypt', ...to('p256'), ...to('rsa'), recipient, 'curve25519@test.invalid'], PLAIN);
      assert.deepEqual(await decode(message, { private_key: gpg.secretKey('curve25519') }), PLAIN);
      assert.deepEqual(await decode(message, { private_key: gpg.secretKey('rsa') }), PLAIN);
    }
  });

  test('a message for a key and a passphrase is decrypted with either', async () => {
    const message = gpg.run(['--encrypt', ...to('rsa'), '--symmetric', '--passphrase', LOCK], PLAIN);
    assert.deepEqual(await decode(message, { private_key: gpg.secretKey('rsa') }), PLAIN);
    assert.deepEqual(await decode(message, { passphrase: LOCK }), PLAIN);
  });

  test('a locked private key is unlocked with its passphrase', async () => {
    const message = gpg.run(['--encrypt', ...to('locked')], PLAIN);
    const private_key = gpg.secretKey('locked', LOCK);
    assert.deepEqual(await decode(message, { private_key, passphrase: LOCK }), PLAIN);
    await assert.rejects(decode(message, { private_key, passphrase: 'wrong' }), { code: 'codec.bad_passphrase' });
    await assert.rejects(decode(message, { private_key }), { code: 'codec.no_key', hint: /passphrase/ });
  });

  test('keys are read from files, armored or binary, and several from one', async () => {
    const [secret, signers] = [join(gpg.folder, 'secret.gpg'), join(gpg.folder, 'signers.asc')];
    writeFileSync(secret, gpg.run(['--export-secret-keys', '--passphrase', LOCK]));
    writeFileSync(signers, `Our vendors\n${gpg.publicKey('p256')}\n${gpg.publicKey('rsa')}`);
    const message = gpg.run(['--encrypt', ...to('p384'), ...by('rsa')], PLAIN);
    assert.deepEqual(await decode(message, { private_key_file: secret, signed_by_file: [signers] }), PLAIN);
    await assert.rejects(decode(message, { private_key_file: '/nonexistent/key.asc' }), { code: 'codec.bad_key' });
  });

  test('subkeys that are exported without their primary key decrypt', async () => {
    const message = gpg.run(['--encrypt', ...to('curve25519')], PLAIN);
    const private_key = gpg.run(['--armor', '--export-secret-subkeys', 'curve25519@test.invalid']).toString();
    assert.deepEqual(await decode(message, { private_key }), PLAIN);
  });

  test('a wrong passphrase is told as such', async () => {
    const message = gpg.run(['--symmetric', '--passphrase', LOCK], PLAIN);
    for (const passphrase of ['wrong', '', `${LOCK} `])
      await assert.rejects(decode(message, { passphrase }), { code: 'codec.bad_passphrase' });
  });

  test('without the right key the error names the keys the message is for', async () => {
    const message = gpg.run(['--encrypt', ...to('rsa')], PLAIN);
    const subkey = /sub:[^:]*:[^:]*:[^:]*:([0-9A-F]{16})/.exec(
      gpg.run(['--with-colons', '--list-keys', 'rsa@test.invalid']).toString(),
    )![1]!;
    await assert.rejects(decode(message, { private_key: gpg.secretKey('p256') }), {
      code: 'codec.no_key',
      message: new RegExp(subkey),
    });
    await assert.rejects(decode(message, {}), { code: 'codec.no_key', message: new RegExp(subkey) });
  });

  describe('signatures', () => {
    const times = (at: string) => ['--faked-system-time', `${at}T000000!`, '--ignore-time-conflict'];
    const encrypted = (...args: string[]) => gpg.run(['--encrypt', ...to('rsa'), ...args], PLAIN);
    const read = (message: Buffer, ...signers: string[]) =>
      decode(message, { private_key: gpg.secretKey('rsa'), signed_by: signers.map((name) => gpg.publicKey(name)) });

    test('a message that is not signed is refused when a signer is named', async () => {
      await assert.rejects(read(encrypted(), 'p256'), { code: 'codec.bad_signature', message: /not signed/ });
    });

    test('a message signed by another key is refused, with the id of that key', async () => {
      const message = encrypted(...by('p384'));
      const keyId = gpg
        .run(['--with-colons', '--list-keys', 'p384@test.invalid'])
        .toString()
        .split('\npub:')[1]!
        .split(':')[3]!;
      await assert.rejects(read(message, 'p256'), { code: 'codec.bad_signature', message: new RegExp(keyId) });
      assert.deepEqual(await read(message, 'p256', 'p384'), PLAIN);
    });

    test('without a named signer signatures are ignored', async () => {
      const message = encrypted(...by('p384'));
      assert.deepEqual(await decode(message, { private_key: gpg.secretKey('rsa') }), PLAIN);
    });

    test('one good signature by a named key is enough beside others', async () => {
      const message = encrypted('--sign', ...as('p384'), ...as('curve25519'), ...as('elgamal'));
      assert.deepEqual(await read(message, 'curve25519'), PLAIN);
      assert.deepEqual(await read(message, 'elgamal', 'p384'), PLAIN);
    });

    test('a signature that uses SHA-1 is refused', async () => {
      const message = encrypted(...by('rsa'), '--digest-algo', 'SHA1');
      await assert.rejects(read(message, 'rsa'), { code: 'codec.bad_signature', message: /sha1/ });
    });

    test('a text signature is checked over lines that end in CR LF', async () => {
      const message = gpg.run(['--sign', '--textmode', ...by('p256')], 'a,b\n1,2\n');
      const text = await decode(message, { signed_by: [gpg.publicKey('p256')] });
      assert.equal(text.toString(), 'a,b\r\n1,2\r\n');
    });

    test('a signed message that is not encrypted is read when its signer is named, and only then', async () => {
      const message = gpg.run(by('p256'), PLAIN);
      assert.deepEqual(await decode(message, { signed_by: [gpg.publicKey('p256')] }), PLAIN);
      await assert.rejects(decode(message, { passphrase: LOCK }), { code: 'codec.unsupported', hint: /signed_by/ });
    });

    test('changed data under a good signature is refused', async () => {
      const message = gpg.run([...by('p256'), '--compress-algo', 'none'], PLAIN);
      message[message.indexOf('10.50')] = 0x39;
      await assert.rejects(decode(message, { signed_by: [gpg.publicKey('p256')] }), {
        code: 'codec.bad_signature',
        message: /over other data/,
      });
    });

    test('a subkey that its owner has bound for signing signs', async () => {
      gpg.makeKey('office', [
        'Key-Type: EDDSA',
        'Key-Curve: ed25519',
        'Key-Usage: cert',
        'Subkey-Type: RSA',
        'Subkey-Usage: sign',
      ]);
      assert.deepEqual(await read(encrypted(...by('office')), 'office'), PLAIN);
    });

    test('a signature made before its key was retired counts, one of a compromised key does not', async () => {
      for (const [name, reason, counts] of [
        ['retired', 3, true],
        ['stolen', 1, false],
      ] as const) {
        gpg.makeKey(name, [...KEYS['curve25519']!, 'Creation-Date: 20200101T000000']);
        const message = encrypted(...times('20200601'), ...by(name));
        const revocation = gpg.run(
          ['--command-fd', '0', '--no-batch', '--expert', '--generate-revocation', `${name}@test.invalid`],
          `y\n${reason}\n\ny\n`,
        );
        gpg.run(['--import'], revocation);
        if (counts) assert.deepEqual(await read(message, name), PLAIN);
        else await assert.rejects(read(message, name), { code: 'codec.bad_signature', message: /revoked/ });
      }
    });

    test('a signature that is made after its key expired is refused', async () => {
      gpg.makeKey('old', ['Key-Type: EDDSA', 'Key-Curve: ed25519', 'Creation-Date: 20200101T000000']);
      const fingerprint = /fpr:+([0-9A-F]{40})/.exec(
        gpg.run(['--with-colons', '--list-keys', 'old@test.invalid']).toString(),
      )![1]!;
      const [early, late] = ['20200601', '20220601'].map((at) => encrypted(...times(at), ...by('old')));
      gpg.run([...times('20200602'), '--quick-set-expire', fingerprint, '1y']);
      assert.deepEqual(await read(early!, 'old'), PLAIN);
      await assert.rejects(read(late!, 'old'), { code: 'codec.bad_signature', message: /expired/ });
    });
  });
});

test('reading the codec’s settings loads no part of the decoder, and its name goes without the ending', async () => {
  for await (const member of openpgp.decode(input(Buffer.alloc(0)), {} as never, { scratch: '' })) {
    assert.equal(member.name, 'sales.csv');
  }
});
