/** String-to-key: from a passphrase to the key of a cipher (RFC 9580, 3.7). */
import { argon2Sync, createHash } from 'node:crypto';
import { hashOf } from './algorithms.ts';
import { Malformed, Unsupported } from './faults.ts';
import type { FieldReader } from './fields.ts';

export type S2k =
  | { kind: 'simple'; hash: string }
  | { kind: 'salted'; hash: string; salt: Buffer }
  | { kind: 'iterated'; hash: string; salt: Buffer; bytes: number }
  | { kind: 'argon2'; salt: Buffer; passes: number; lanes: number; memoryKib: number }
  /** GnuPG's mark for a secret key that is not in the file: kept elsewhere, or on a card. */
  | { kind: 'absent' };

/** A sender may not make the reader use more than this for one passphrase. */
const MAX_ARGON2_KIB = 2 ** 21;
const GNU_EXTENSION = 101;

/** Reads a specifier. Throws `Malformed` and `Unsupported`. */
export function readS2k(fields: FieldReader): S2k {
  const type = fields.u8();
  switch (type) {
    case 0:
      return { kind: 'simple', hash: hashOf(fields.u8()) };
    case 1:
      return { kind: 'salted', hash: hashOf(fields.u8()), salt: fields.take(8) };
    case 3: {
      const hash = hashOf(fields.u8());
      const salt = fields.take(8);
      return { kind: 'iterated', hash, salt, bytes: iteratedBytes(fields.u8()) };
    }
    case 4: {
      const salt = fields.take(16);
      const [passes, lanes, exponent] = [fields.u8(), fields.u8(), fields.u8()];
      return { kind: 'argon2', salt, passes, lanes, memoryKib: 2 ** exponent };
    }
    case GNU_EXTENSION:
      fields.take(1);
      if (fields.take(3).toString('latin1') === 'GNU') {
        fields.rest();
        return { kind: 'absent' };
      }
  }
  throw new Unsupported(
    `it derives a key from a passphrase by method ${type}`,
    'Ask for a key or message made with gpg’s defaults.',
  );
}

/** The count of a "salted and iterated" specifier, in bytes to be hashed. */
export function iteratedBytes(coded: number): number {
  return (16 + (coded & 15)) << ((coded >> 4) + 6);
}

/** The key of `length` bytes for a passphrase. Throws `Unsupported` where deriving it takes more memory than a sender may ask for. */
export function deriveKey(s2k: Exclude<S2k, { kind: 'absent' }>, passphrase: string, length: number): Buffer {
  const secret = Buffer.from(passphrase, 'utf8');
  if (s2k.kind === 'argon2') return argon2(s2k, secret, length);
  const salt = s2k.kind === 'simple' ? Buffer.alloc(0) : s2k.salt;
  const unit = Buffer.concat([salt, secret]);
  const total = s2k.kind === 'iterated' ? Math.max(s2k.bytes, unit.length) : unit.length;
  const parts: Buffer[] = [];
  for (let have = 0; have < length; have += parts.at(-1)!.length) {
    // Each further digest begins with one more zero byte.
    parts.push(hashRepeated(s2k.hash, Buffer.alloc(parts.length), unit, total));
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** Digest of `prefix` and then `unit` over and over until `total` bytes of it are hashed. */
function hashRepeated(hash: string, prefix: Buffer, unit: Buffer, total: number): Buffer {
  const digest = createHash(hash).update(prefix);
  if (unit.length > 0) {
    const repeats = Math.max(1, Math.min(Math.ceil(total / unit.length), Math.ceil(2 ** 16 / unit.length)));
    const block = Buffer.alloc(repeats * unit.length, unit);
    for (let left = total; left > 0; left -= block.length)
      digest.update(block.subarray(0, Math.min(left, block.length)));
  }
  return digest.digest();
}

function argon2(s2k: Extract<S2k, { kind: 'argon2' }>, message: Buffer, tagLength: number): Buffer {
  if (s2k.memoryKib > MAX_ARGON2_KIB) {
    throw new Unsupported(
      `its passphrase needs ${s2k.memoryKib / 2 ** 10} MiB of memory to be tried`,
      'Ask the sender for a message with less costly passphrase settings.',
    );
  }
  const { salt: nonce, passes, lanes: parallelism, memoryKib: memory } = s2k;
  try {
    return argon2Sync('argon2id', { message, nonce, parallelism, tagLength, memory, passes });
  } catch (cause) {
    throw new Malformed('the settings for its passphrase are impossible', { cause });
  }
}
