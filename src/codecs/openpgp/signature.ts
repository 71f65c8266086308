/** Signature packets of versions 3, 4 and 6, and checking one against what it signs (RFC 9580, 5.2). */
import { createHash, createVerify, type Hash, type Verify, verify } from 'node:crypto';
import { hashOf, KEY } from './algorithms.ts';
import { integer, sequence } from './der.ts';
import { Malformed, Unsupported } from './faults.ts';
import { FieldReader, padStart } from './fields.ts';
import { type PublicKey, verificationKey } from './public-key.ts';

export const SIGNATURE = {
  binary: 0x00,
  text: 0x01,
  /** 0x10 to 0x13 certify a user id. */
  firstCertification: 0x10,
  lastCertification: 0x13,
  subkeyBinding: 0x18,
  primaryKeyBinding: 0x19,
  directKey: 0x1f,
  keyRevocation: 0x20,
  subkeyRevocation: 0x28,
} as const;

export interface Signature {
  version: 3 | 4 | 6;
  type: number;
  keyAlgorithm: number;
  /** Name in `node:crypto`. */
  hash: string;
  /** Seconds since 1970. */
  created: number;
  /** A hint where to look for the key; proves nothing. 16 upper-case hex digits. */
  issuer: string | undefined;
  /** Hashed before everything else; empty but for version 6. */
  salt: Buffer;
  /** Hashed after what is signed. */
  trailer: Buffer;
  values: FieldReader;
  claims: Claims;
}

/** What a signature says in its signed part. */
export interface Claims {
  /** Seconds after `created`; the signature counts no longer. */
  expiresAfter?: number;
  /** Seconds after the key's creation. */
  keyExpiresAfter?: number;
  keyFlags?: number;
  revocationReason?: number;
  /** Something the signer wants understood, and this codec does not. */
  unknownCritical?: boolean;
  /** By which a subkey that signs agrees to its binding; it proves itself, so it may stand in the unsigned part. */
  embedded?: Signature;
}

/** Reads a signature packet. Throws `Malformed` and `Unsupported`. */
export function readSignature(packet: Buffer): Signature {
  const fields = new FieldReader(packet, 'an OpenPGP signature');
  const version = fields.u8();
  if (version === 3) return readVersion3(fields);
  if (version !== 4 && version !== 6)
    throw new Unsupported(
      `an OpenPGP signature has version ${version}`,
      'Ask for a signature of version 4, which gpg makes by default.',
    );
  const type = fields.u8();
  const keyAlgorithm = fields.u8();
  const hash = hashOf(fields.u8());
  const areaLength = () => (version === 6 ? fields.u32() : fields.u16());
  const hashed = fields.take(areaLength());
  const signedPart = packet.subarray(0, fields.position);
  const unhashed = fields.take(areaLength());
  fields.take(2);
  const salt = version === 6 ? fields.take(fields.u8()) : Buffer.alloc(0);
  const end = Buffer.from([version, 0xff, 0, 0, 0, 0]);
  end.writeUInt32BE(signedPart.length, 2);
  const { created, issuer, claims } = readSubpackets(hashed, unhashed);
  const trailer = Buffer.concat([signedPart, end]);
  return { version, type, keyAlgorithm, hash, created, issuer, salt, trailer, values: fields, claims };
}

function readVersion3(fields: FieldReader): Signature {
  if (fields.u8() !== 5) throw new Malformed('an OpenPGP signature of version 3 signs something of another length');
  const trailer = fields.take(5);
  const issuer = fields.take(8).toString('hex').toUpperCase();
  const keyAlgorithm = fields.u8();
  const hash = hashOf(fields.u8());
  fields.take(2);
  const [type, created] = [trailer[0]!, trailer.readUInt32BE(1)];
  return {
    version: 3,
    type,
    keyAlgorithm,
    hash,
    created,
    issuer,
    salt: Buffer.alloc(0),
    trailer,
    values: fields,
    claims: {},
  };
}

const SUBPACKET = {
  created: 2,
  expires: 3,
  keyExpires: 9,
  issuer: 16,
  notation: 20,
  keyFlags: 27,
  revocationReason: 29,
  embedded: 32,
  issuerFingerprint: 33,
} as const;
/** Subpackets that change nothing for whoever verifies; known, so a signer may call them critical. */
const WITHOUT_EFFECT = new Set([4, 7, 11, 12, 21, 22, 23, 24, 25, 26, 28, 30, 31, 34, 35, 39]);

function readSubpackets(
  hashed: Buffer,
  unhashed: Buffer,
): { created: number; issuer: string | undefined; claims: Claims } {
  const claims: Claims = {};
  let created = 0;
  let issuer: string | undefined;
  for (const [area, isSigned] of [[hashed, true] as const, [unhashed, false] as const]) {
    const all = new FieldReader(area, 'an OpenPGP signature');
    while (!all.atEnd) {
      const length = subpacketLength(all);
      if (length === 0) throw new Malformed('an OpenPGP signature has an empty subpacket');
      const fields = new FieldReader(all.take(length), 'an OpenPGP signature');
      const first = fields.u8();
      const type = first & 0x7f;
      if (type === SUBPACKET.issuer) issuer ??= fields.take(8).toString('hex').toUpperCase();
      else if (type === SUBPACKET.issuerFingerprint) issuer ??= keyIdOf(fields);
      else if (type === SUBPACKET.embedded) claims.embedded ??= readSignature(fields.rest());
      else if (!isSigned) continue;
      else if (type === SUBPACKET.created) created = fields.u32();
      else if (type === SUBPACKET.expires) claims.expiresAfter = fields.u32();
      else if (type === SUBPACKET.keyExpires) claims.keyExpiresAfter = fields.u32();
      else if (type === SUBPACKET.keyFlags) claims.keyFlags = fields.atEnd ? 0 : fields.u8();
      else if (type === SUBPACKET.revocationReason) claims.revocationReason = fields.u8();
      else if (first & 0x80 && !WITHOUT_EFFECT.has(type)) claims.unknownCritical = true;
    }
  }
  return { created, issuer, claims };
}

function subpacketLength(fields: FieldReader): number {
  const first = fields.u8();
  if (first < 192) return first;
  return first === 255 ? fields.u32() : ((first - 192) << 8) + fields.u8() + 192;
}

function keyIdOf(fields: FieldReader): string {
  const version = fields.u8();
  const fingerprint = fields.rest();
  return (version === 6 ? fingerprint.subarray(0, 8) : fingerprint.subarray(-8)).toString('hex').toUpperCase();
}

/** Takes what is signed piece by piece, then checks the signature. */
export class Verification {
  readonly #keyAlgorithm: number;
  /** Edwards curves sign a digest; for the others OpenSSL hashes and verifies in one. */
  readonly #digest: Hash | Verify;

  constructor({ hash, keyAlgorithm, salt }: Pick<Signature, 'hash' | 'keyAlgorithm' | 'salt'>) {
    this.#keyAlgorithm = keyAlgorithm;
    const signsDigest = [KEY.eddsaLegacy, KEY.ed25519, KEY.ed448].some((algorithm) => algorithm === keyAlgorithm);
    this.#digest = signsDigest ? createHash(hash) : createVerify(hash);
    this.#digest.update(salt);
  }

  update(bytes: Uint8Array): this {
    this.#digest.update(bytes);
    return this;
  }

  /** Is the signature by this key, over what was given? To be called once. Throws `Malformed` and `Unsupported`. */
  isBy(key: PublicKey, signature: Signature): boolean {
    if (signature.keyAlgorithm !== key.algorithm || signature.keyAlgorithm !== this.#keyAlgorithm) return false;
    this.#digest.update(signature.trailer);
    const value = signatureValue(key, signature.values.fork());
    const publicKey = verificationKey(key);
    try {
      return 'verify' in this.#digest
        ? this.#digest.verify(publicKey, value)
        : verify(null, this.#digest.digest(), publicKey, value);
    } catch {
      // OpenSSL throws for some numbers that no signature can have.
      return false;
    }
  }
}

/** The signature as `node:crypto` takes it. */
function signatureValue({ keyId, material }: PublicKey, values: FieldReader): Buffer {
  switch (material.kind) {
    case 'rsa':
      return padStart(values.mpi(), material.n.length);
    case 'dsa':
    case 'ecdsa':
      return sequence(integer(values.mpi()), integer(values.mpi()));
    case 'edwards':
      if (material.legacy) return Buffer.concat([padStart(values.mpi(), 32), padStart(values.mpi(), 32)]);
      return values.take(material.curve === 'Ed25519' ? 64 : 114);
  }
  throw new Unsupported(`OpenPGP key ${keyId} is for encryption, not for signatures`, 'Name the key that signs.');
}
