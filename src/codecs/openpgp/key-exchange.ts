/** Decrypting a session key with a secret key: RSA, Elgamal, ECDH, X25519 and X448 (RFC 9580, 5.1 and 11). */
import {
  constants,
  createDecipheriv,
  createDiffieHellman,
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
  privateDecrypt,
} from 'node:crypto';
import { cipherOf, hashOf } from './algorithms.ts';
import { Malformed } from './faults.ts';
import { type FieldReader, padStart } from './fields.ts';
import { fixed, nativePoint, type PublicKey, type PublicMaterial } from './public-key.ts';
import type { SecretMaterial } from './secret-key.ts';

type Of<K extends PublicMaterial['kind']> = Extract<PublicMaterial, { kind: K }>;
type Rsa = Extract<SecretMaterial, { kind: 'rsa' }>;

/**
 * What the sender encrypted, padding removed. `fields` stand at the algorithm's own fields; for X25519 and X448 `algorithmAside`
 * says that a cipher stands before the wrapped key, unencrypted, as in packets of version 3.
 * Throws `Malformed`; OpenSSL's errors pass through it as its cause.
 */
export function decryptSessionKey(
  fields: FieldReader,
  key: PublicKey,
  secret: SecretMaterial,
  algorithmAside: boolean,
): { clear: Buffer; cipherId?: number } {
  const m = key.material;
  if (m.kind === 'rsa' && secret.kind === 'rsa') return { clear: decryptRsa(fields.mpi(), m, secret) };
  if (secret.kind === 'scalar') {
    if (m.kind === 'elgamal') return { clear: decryptElgamal(fields.mpi(), fields.mpi(), m, secret.value) };
    if (m.kind === 'ecdh') return { clear: decryptEcdh(fields.mpi(), fields.take(fields.u8()), key, m, secret.value) };
    if (m.kind === 'montgomery') return decryptMontgomery(fields, m, secret.value, algorithmAside);
  }
  throw new Malformed(`its session key is encrypted to key ${key.keyId}, which is not for encryption`);
}

/** OpenSSL answers wrong padding with random bytes of the same secret, so that timing tells nothing; the checksum then fails. */
function decryptRsa(encrypted: Buffer, { n, e }: Of<'rsa'>, { d, p, q, u }: Rsa): Buffer {
  const exponent = big(d);
  const url = (bytes: Buffer) => bytes.toString('base64url');
  // OpenPGP's u is the inverse of p modulo q, JWK's qi that of q modulo p: the primes change places.
  const jwk = {
    kty: 'RSA',
    n: url(n),
    e: url(e),
    d: url(d),
    p: url(q),
    q: url(p),
    dp: url(bytesOf(exponent % (big(q) - 1n))),
    dq: url(bytesOf(exponent % (big(p) - 1n))),
    qi: url(u),
  };
  const key = createPrivateKey({ format: 'jwk', key: jwk });
  return privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, padStart(encrypted, n.length));
}

function decryptElgamal(c1: Buffer, c2: Buffer, { p, g }: Of<'elgamal'>, exponent: Buffer): Buffer {
  const group = createDiffieHellman(p, g);
  group.setPrivateKey(exponent);
  const modulus = big(p);
  const shared = big(group.computeSecret(c1));
  const padded = padStart(bytesOf((big(c2) * inverse(shared, modulus)) % modulus), p.length);
  const end = padded.indexOf(0, 2);
  if (padded[0] !== 0 || padded[1] !== 2 || end < 10)
    throw new Malformed('its session key is not padded as it should be');
  return padded.subarray(end + 1);
}

function decryptEcdh(ephemeral: Buffer, wrapped: Buffer, key: PublicKey, m: Of<'ecdh'>, scalar: Buffer): Buffer {
  const cipher = cipherOf(m.kdf.cipher);
  if (!cipher?.node?.startsWith('aes'))
    throw new Malformed(`OpenPGP key ${key.keyId} wraps keys with a cipher that is not AES`);
  const parameters = Buffer.concat([
    Buffer.from([m.oid.length]),
    m.oid,
    Buffer.from([key.algorithm, 3, 1, m.kdf.hash, m.kdf.cipher]),
    Buffer.from('Anonymous Sender    '),
    key.fingerprint,
  ]);
  const shared = sharedSecret(ephemeral, m, scalar);
  const hash = createHash(hashOf(m.kdf.hash))
    .update(Buffer.from([0, 0, 0, 1]))
    .update(shared)
    .update(parameters);
  const padded = unwrap(hash.digest().subarray(0, cipher.keyBytes), wrapped);
  const padding = padded.at(-1)!;
  if (padding < 1 || padding > 8 || padded.subarray(-padding).some((byte) => byte !== padding))
    throw new Malformed('its session key is not padded as it should be');
  return padded.subarray(0, -padding);
}

function sharedSecret(ephemeral: Buffer, m: Of<'ecdh'>, scalar: Buffer): Buffer {
  if (m.curve.name === 'x25519') {
    // The scalar is written the other way round, as a number.
    const own = Buffer.from(padStart(scalar, 32)).reverse();
    return agree('X25519', own, nativePoint(m.point), nativePoint(ephemeral));
  }
  const ecdh = createECDH(m.curve.name);
  ecdh.setPrivateKey(padStart(scalar, m.curve.bytes));
  return ecdh.computeSecret(ephemeral);
}

const MONTGOMERY = {
  X25519: { bytes: 32, hash: 'sha256', kekBytes: 16, info: 'OpenPGP X25519' },
  X448: { bytes: 56, hash: 'sha512', kekBytes: 32, info: 'OpenPGP X448' },
} as const;

function decryptMontgomery(
  fields: FieldReader,
  m: Of<'montgomery'>,
  secret: Buffer,
  algorithmAside: boolean,
): { clear: Buffer; cipherId?: number } {
  const { bytes, hash, kekBytes, info } = MONTGOMERY[m.curve];
  const ephemeral = fields.take(bytes);
  const following = fields.u8();
  const cipherId = algorithmAside ? fields.u8() : undefined;
  const wrapped = fields.take(following - (algorithmAside ? 1 : 0));
  const input = Buffer.concat([ephemeral, m.point, agree(m.curve, secret, m.point, ephemeral)]);
  const kek = Buffer.from(hkdfSync(hash, input, Buffer.alloc(0), info, kekBytes));
  return { clear: unwrap(kek, wrapped), cipherId };
}

function agree(crv: 'X25519' | 'X448', secret: Buffer, point: Buffer, theirs: Buffer): Buffer {
  const length = MONTGOMERY[crv].bytes;
  const own = { kty: 'OKP', crv, x: point.toString('base64url'), d: fixed(secret, length) };
  const peer = { kty: 'OKP', crv, x: theirs.toString('base64url') };
  return diffieHellman({
    privateKey: createPrivateKey({ format: 'jwk', key: own }),
    publicKey: createPublicKey({ format: 'jwk', key: peer }),
  });
}

/** AES key wrap (RFC 3394); OpenSSL checks its integrity. */
function unwrap(kek: Buffer, wrapped: Buffer): Buffer {
  const decipher = createDecipheriv(`id-aes${kek.length * 8}-wrap`, kek, Buffer.alloc(8, 0xa6));
  return Buffer.concat([decipher.update(wrapped), decipher.final()]);
}

function big(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex') || '0'}`);
}

function bytesOf(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
}

/** Modulo a prime, by the extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [r0, r1, t0, t1] = [modulus, value % modulus, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [t0, t1] = [t1, t0 - quotient * t1];
  }
  return ((t0 % modulus) + modulus) % modulus;
}
