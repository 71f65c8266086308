/** Secret keys: reading them and unlocking them with a passphrase (RFC 9580, 5.5.3). */
import { createDecipheriv, createHash } from 'node:crypto';
import { aeadOf, cipherOf, KEY, nodeName } from './algorithms.ts';
import { Malformed, Unsupported } from './faults.ts';
import { FieldReader } from './fields.ts';
import { type PublicKey, readPublicKey } from './public-key.ts';
import { deriveKey, readS2k, type S2k } from './s2k.ts';
import { sealingKey, unseal } from './unseal.ts';

export interface SecretKey {
  public: PublicKey;
  lock: Lock;
}

/** How the secret numbers are kept. */
type Lock =
  | { kind: 'open'; numbers: Buffer }
  /** GnuPG left them out of the file. */
  | { kind: 'absent' }
  | { kind: 'locked'; open(passphrase: string): Buffer | undefined };

/** What decrypts: the numbers of the algorithm, in the order of the packet. */
export type SecretMaterial =
  | { kind: 'rsa'; d: Buffer; p: Buffer; q: Buffer; u: Buffer }
  /** Elgamal's exponent, an elliptic curve's scalar, or the raw key of an X25519 or X448 key. */
  | { kind: 'scalar'; value: Buffer };

/** Reads a secret key or subkey packet. Throws `Malformed` and `Unsupported`. */
export function readSecretKey(packet: Buffer, tag: number): SecretKey {
  const fields = new FieldReader(packet, 'an OpenPGP secret key');
  const publicKey = readPublicKey(packet, fields);
  return { public: publicKey, lock: readLock(fields, publicKey, tag) };
}

function readLock(fields: FieldReader, key: PublicKey, tag: number): Lock {
  const usage = fields.u8();
  if (usage === 0) {
    const rest = fields.rest();
    return { kind: 'open', numbers: key.version === 6 ? rest : withoutSum(rest) };
  }
  if (usage < 253)
    throw new Unsupported(
      'an OpenPGP secret key is locked in the way of PGP 2',
      'Change its passphrase with gpg and export it again.',
    );
  if (key.version === 6) fields.take(1);
  const cipherId = fields.u8();
  const modeId = usage === 253 ? fields.u8() : undefined;
  if (key.version === 6) fields.take(1);
  const s2k = readS2k(fields);
  if (s2k.kind === 'absent') return { kind: 'absent' };
  if (modeId !== undefined) return aeadLock(fields, key, tag, s2k, cipherId, modeId);
  const cipher = cipherOf(cipherId);
  if (!cipher) throw new Malformed(`an OpenPGP secret key is locked with cipher ${cipherId}, which does not exist`);
  const name = `${nodeName(cipher)}-cfb`;
  const iv = fields.take(cipher.blockBytes);
  const sealed = fields.rest();
  return {
    kind: 'locked',
    open(passphrase) {
      const clear = createDecipheriv(name, deriveKey(s2k, passphrase, cipher.keyBytes), iv).update(sealed);
      return usage === 254 ? withoutDigest(clear) : sumMatches(clear) ? clear.subarray(0, -2) : undefined;
    },
  };
}

function aeadLock(
  fields: FieldReader,
  key: PublicKey,
  tag: number,
  s2k: Exclude<S2k, { kind: 'absent' }>,
  cipherId: number,
  modeId: number,
): Lock {
  const aead = aeadOf(cipherId, modeId);
  const nonce = fields.take(aead.nonceBytes);
  const sealed = fields.rest();
  const info = Buffer.from([0xc0 | tag, key.version, cipherId, modeId]);
  return {
    kind: 'locked',
    open(passphrase) {
      const kek = sealingKey(deriveKey(s2k, passphrase, aead.keyBytes), info);
      return unseal(aead.name, kek, nonce, Buffer.concat([info.subarray(0, 1), key.body]), sealed);
    },
  };
}

function withoutDigest(clear: Buffer): Buffer | undefined {
  const numbers = clear.subarray(0, -20);
  return createHash('sha1').update(numbers).digest().equals(clear.subarray(-20)) ? numbers : undefined;
}

function sumMatches(clear: Buffer): boolean {
  const sum = clear.subarray(0, -2).reduce((total, byte) => (total + byte) & 0xffff, 0);
  return clear.length >= 2 && sum === clear.readUInt16BE(clear.length - 2);
}

function withoutSum(clear: Buffer): Buffer {
  if (!sumMatches(clear)) throw new Malformed('the checksum of an OpenPGP secret key does not match');
  return clear.subarray(0, -2);
}

/** Reads the secret numbers of an unlocked key that decrypts. Throws `Malformed` and `Unsupported`. */
export function readSecretMaterial(key: PublicKey, numbers: Buffer): SecretMaterial {
  const fields = new FieldReader(numbers, `OpenPGP secret key ${key.keyId}`);
  switch (key.algorithm) {
    case KEY.rsa:
    case KEY.rsaEncryptOnly:
      return { kind: 'rsa', d: fields.mpi(), p: fields.mpi(), q: fields.mpi(), u: fields.mpi() };
    case KEY.elgamal:
    case KEY.ecdh:
      return { kind: 'scalar', value: fields.mpi() };
    case KEY.x25519:
    case KEY.x448:
      return { kind: 'scalar', value: fields.rest() };
  }
  throw new Unsupported(
    `OpenPGP key ${key.keyId} is for signatures, not for encryption`,
    'Have the sender encrypt to an encryption key.',
  );
}
