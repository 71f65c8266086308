/** The numbers OpenPGP gives to algorithms (RFC 9580, 9), with the names `node:crypto` has for them. */
import { Unsupported } from './faults.ts';

export interface Cipher {
  /** As people call it. */
  name: string;
  /** In bytes. */
  keyBytes: number;
  blockBytes: number;
  /** Name in `node:crypto` without the mode; undefined where OpenSSL no longer has it. */
  node: string | undefined;
}

const CIPHERS: Record<number, Cipher> = {
  1: { name: 'IDEA', keyBytes: 16, blockBytes: 8, node: undefined },
  2: { name: '3DES', keyBytes: 24, blockBytes: 8, node: 'des-ede3' },
  3: { name: 'CAST5', keyBytes: 16, blockBytes: 8, node: undefined },
  4: { name: 'Blowfish', keyBytes: 16, blockBytes: 8, node: undefined },
  7: { name: 'AES-128', keyBytes: 16, blockBytes: 16, node: 'aes-128' },
  8: { name: 'AES-192', keyBytes: 24, blockBytes: 16, node: 'aes-192' },
  9: { name: 'AES-256', keyBytes: 32, blockBytes: 16, node: 'aes-256' },
  10: { name: 'Twofish', keyBytes: 32, blockBytes: 16, node: undefined },
  11: { name: 'Camellia-128', keyBytes: 16, blockBytes: 16, node: 'camellia-128' },
  12: { name: 'Camellia-192', keyBytes: 24, blockBytes: 16, node: 'camellia-192' },
  13: { name: 'Camellia-256', keyBytes: 32, blockBytes: 16, node: 'camellia-256' },
};

/** Undefined for a number that names no cipher: the bytes are then no session key. */
export function cipherOf(id: number): Cipher | undefined {
  return CIPHERS[id];
}

/** The name of a cipher in `node:crypto`, without the mode. Throws `Unsupported` for one that OpenSSL no longer has. */
export function nodeName(cipher: Cipher): string {
  if (!cipher.node) throw new Unsupported(`it uses the cipher ${cipher.name}`, 'Ask the sender to encrypt with AES.');
  return cipher.node;
}

/** Authenticated modes: name for `node:crypto` and length of the nonce in bytes. */
const AEAD_MODES: Record<number, { mode: 'ocb' | 'gcm'; nonceBytes: number }> = {
  2: { mode: 'ocb', nonceBytes: 15 },
  3: { mode: 'gcm', nonceBytes: 12 },
};
export const AEAD_TAG_BYTES = 16;

/** Throws `Unsupported` for EAX and unknown modes, and for ciphers that do not have the mode. */
export function aeadOf(cipherId: number, modeId: number): { name: string; keyBytes: number; nonceBytes: number } {
  const aead = AEAD_MODES[modeId];
  const cipher = CIPHERS[cipherId];
  if (!aead || !cipher?.node?.startsWith('aes')) {
    const mode = modeId === 1 ? 'EAX' : (aead?.mode.toUpperCase() ?? `mode ${modeId}`);
    throw new Unsupported(
      `it uses ${cipher?.name ?? `cipher ${cipherId}`} in ${mode} mode`,
      'Ask the sender to encrypt with AES in OCB mode, or without AEAD.',
    );
  }
  return { name: `${cipher.node}-${aead.mode}`, keyBytes: cipher.keyBytes, nonceBytes: aead.nonceBytes };
}

const HASHES: Record<number, string> = {
  1: 'md5',
  2: 'sha1',
  3: 'ripemd160',
  8: 'sha256',
  9: 'sha384',
  10: 'sha512',
  11: 'sha224',
  12: 'sha3-256',
  14: 'sha3-512',
};

/** Name in `node:crypto`. Throws `Unsupported`. */
export function hashOf(id: number): string {
  const name = HASHES[id];
  if (!name) throw new Unsupported(`it uses hash ${id}`, 'Ask the sender to use SHA-256.');
  return name;
}

/** Public-key algorithms. */
export const KEY = {
  rsa: 1,
  rsaEncryptOnly: 2,
  rsaSignOnly: 3,
  elgamal: 16,
  dsa: 17,
  ecdh: 18,
  ecdsa: 19,
  eddsaLegacy: 22,
  x25519: 25,
  x448: 26,
  ed25519: 27,
  ed448: 28,
} as const;

export interface Curve {
  /** Name in `node:crypto`. */
  name: string;
  /** Of a coordinate, in bytes. */
  bytes: number;
}

const CURVES: Record<string, Curve> = {
  '2a8648ce3d030107': { name: 'prime256v1', bytes: 32 },
  '2b81040022': { name: 'secp384r1', bytes: 48 },
  '2b81040023': { name: 'secp521r1', bytes: 66 },
  '2b8104000a': { name: 'secp256k1', bytes: 32 },
  '2b2403030208010107': { name: 'brainpoolP256r1', bytes: 32 },
  '2b240303020801010b': { name: 'brainpoolP384r1', bytes: 48 },
  '2b240303020801010d': { name: 'brainpoolP512r1', bytes: 64 },
  '2b06010401da470f01': { name: 'ed25519', bytes: 32 },
  '2b060104019755010501': { name: 'x25519', bytes: 32 },
};

/** By its object identifier. Throws `Unsupported`. */
export function curveOf(oid: Buffer): Curve {
  const curve = CURVES[oid.toString('hex')];
  if (!curve)
    throw new Unsupported(`it uses the elliptic curve ${oid.toString('hex')}`, 'Use a key on Curve25519 or P-256.');
  return curve;
}
