/** Public keys and subkeys: reading them, their fingerprints, and the form `node:crypto` verifies with (RFC 9580, 5.5). */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { type Curve, curveOf, KEY } from './algorithms.ts';
import { bitString, integer, objectIdentifier, sequence } from './der.ts';
import { Malformed, Unsupported } from './faults.ts';
import { FieldReader, padStart } from './fields.ts';

export interface PublicKey {
  version: 4 | 6;
  /** Seconds since 1970. */
  created: number;
  algorithm: number;
  material: PublicMaterial;
  /** The packet's public part: what fingerprints and signatures over keys are made of. */
  body: Buffer;
  fingerprint: Buffer;
  /** 16 upper-case hex digits, as gpg shows them. */
  keyId: string;
}

export type PublicMaterial =
  | { kind: 'rsa'; n: Buffer; e: Buffer }
  | { kind: 'elgamal'; p: Buffer; g: Buffer; y: Buffer }
  | { kind: 'dsa'; p: Buffer; q: Buffer; g: Buffer; y: Buffer }
  | { kind: 'ecdsa'; oid: Buffer; curve: Curve; point: Buffer }
  /** `kdf` are the hash and the key-wrapping cipher, as numbers. */
  | { kind: 'ecdh'; oid: Buffer; curve: Curve; point: Buffer; kdf: { hash: number; cipher: number } }
  | { kind: 'edwards'; curve: 'Ed25519' | 'Ed448'; legacy: boolean; point: Buffer }
  | { kind: 'montgomery'; curve: 'X25519' | 'X448'; point: Buffer };

/** Reads the public fields of a key packet and leaves `fields` behind them. Throws `Malformed` and `Unsupported`. */
export function readPublicKey(packet: Buffer, fields: FieldReader): PublicKey {
  const version = fields.u8();
  if (version !== 4 && version !== 6)
    throw new Unsupported(
      `an OpenPGP key has version ${version}`,
      'Use a key of version 4, which gpg makes by default.',
    );
  const created = fields.u32();
  const algorithm = fields.u8();
  const materialBytes = version === 6 ? fields.u32() : undefined;
  const from = fields.position;
  const material = readMaterial(algorithm, fields);
  if (materialBytes !== undefined && fields.position - from !== materialBytes)
    throw new Malformed('the length of an OpenPGP key does not match its contents');
  const body = packet.subarray(0, fields.position);
  const fingerprint = createHash(version === 4 ? 'sha1' : 'sha256')
    .update(keyPrefix(version, body.length))
    .update(body)
    .digest();
  const id = version === 4 ? fingerprint.subarray(12) : fingerprint.subarray(0, 8);
  return { version, created, algorithm, material, body, fingerprint, keyId: id.toString('hex').toUpperCase() };
}

/** What stands before a key's body where it is hashed. */
export function keyPrefix(version: 4 | 6, bodyLength: number): Buffer {
  const prefix = Buffer.alloc(version === 4 ? 3 : 5);
  prefix[0] = version === 4 ? 0x99 : 0x9b;
  prefix.writeUIntBE(bodyLength, 1, prefix.length - 1);
  return prefix;
}

function readMaterial(algorithm: number, fields: FieldReader): PublicMaterial {
  switch (algorithm) {
    case KEY.rsa:
    case KEY.rsaEncryptOnly:
    case KEY.rsaSignOnly:
      return { kind: 'rsa', n: fields.mpi(), e: fields.mpi() };
    case KEY.elgamal:
      return { kind: 'elgamal', p: fields.mpi(), g: fields.mpi(), y: fields.mpi() };
    case KEY.dsa:
      return { kind: 'dsa', p: fields.mpi(), q: fields.mpi(), g: fields.mpi(), y: fields.mpi() };
    case KEY.ecdsa: {
      const oid = fields.take(fields.u8());
      return { kind: 'ecdsa', oid, curve: curveOf(oid), point: fields.mpi() };
    }
    case KEY.ecdh: {
      const oid = fields.take(fields.u8());
      const point = fields.mpi();
      const kdf = new FieldReader(fields.take(fields.u8()), 'an ECDH key');
      kdf.take(1);
      return { kind: 'ecdh', oid, curve: curveOf(oid), point, kdf: { hash: kdf.u8(), cipher: kdf.u8() } };
    }
    case KEY.eddsaLegacy: {
      if (curveOf(fields.take(fields.u8())).name !== 'ed25519')
        throw new Malformed('an EdDSA key is on a curve of another kind');
      return { kind: 'edwards', curve: 'Ed25519', legacy: true, point: nativePoint(fields.mpi()) };
    }
    case KEY.ed25519:
      return { kind: 'edwards', curve: 'Ed25519', legacy: false, point: fields.take(32) };
    case KEY.ed448:
      return { kind: 'edwards', curve: 'Ed448', legacy: false, point: fields.take(57) };
    case KEY.x25519:
      return { kind: 'montgomery', curve: 'X25519', point: fields.take(32) };
    case KEY.x448:
      return { kind: 'montgomery', curve: 'X448', point: fields.take(56) };
  }
  throw new Unsupported(`an OpenPGP key is for algorithm ${algorithm}`, 'Use an RSA or a Curve25519 key.');
}

/** A point of Curve25519 or Ed25519 from the form that older keys have: the byte 0x40 stands before it. */
export function nativePoint(mpi: Buffer): Buffer {
  if (mpi.length !== 33 || mpi[0] !== 0x40) throw new Malformed('a point on Curve25519 is not encoded as it should be');
  return mpi.subarray(1);
}

/** The key to verify signatures with. Throws `Malformed` for impossible numbers, `Unsupported` for keys that cannot sign. */
export function verificationKey(key: PublicKey): KeyObject {
  const m = key.material;
  try {
    switch (m.kind) {
      case 'rsa':
        return createPublicKey({
          format: 'jwk',
          key: { kty: 'RSA', n: m.n.toString('base64url'), e: m.e.toString('base64url') },
        });
      case 'edwards':
        return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: m.curve, x: m.point.toString('base64url') } });
      case 'ecdsa':
        return subjectPublicKey(objectIdentifier('2a8648ce3d0201'), objectIdentifier(m.oid), m.point);
      case 'dsa':
        return subjectPublicKey(
          objectIdentifier('2a8648ce380401'),
          sequence(integer(m.p), integer(m.q), integer(m.g)),
          integer(m.y),
        );
    }
  } catch (error) {
    throw new Malformed(`OpenPGP key ${key.keyId} holds impossible numbers`, { cause: error });
  }
  throw new Unsupported(`OpenPGP key ${key.keyId} is for encryption, not for signatures`, 'Name the key that signs.');
}

function subjectPublicKey(algorithm: Buffer, parameters: Buffer, key: Buffer): KeyObject {
  const der = sequence(sequence(algorithm, parameters), bitString(key));
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}

/** A number of `length` bytes that may have lost leading zeros, as base64url. */
export function fixed(bytes: Buffer, length: number): string {
  return padStart(bytes, length).toString('base64url');
}
