/** Opening a small secret that is sealed with an authenticated mode: a session key, or the numbers of a private key. */
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { AEAD_TAG_BYTES } from './algorithms.ts';

/** `sealed` ends with its tag. Undefined when it is not sealed with this key, nonce and additional data. */
export function unseal(
  algorithm: string,
  key: Buffer,
  nonce: Buffer,
  additionalData: Buffer,
  sealed: Buffer,
): Buffer | undefined {
  // OCB and GCM have one interface; the types know each algorithm by name only.
  const decipher = createDecipheriv(algorithm as 'aes-256-ocb', key, nonce, { authTagLength: AEAD_TAG_BYTES });
  decipher.setAAD(additionalData);
  try {
    decipher.setAuthTag(sealed.subarray(-AEAD_TAG_BYTES));
    return Buffer.concat([decipher.update(sealed.subarray(0, -AEAD_TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** The key that seals, from one that a passphrase gave; `info` says what for (RFC 9580, 5.3.2 and 5.5.3). */
export function sealingKey(base: Buffer, info: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', base, Buffer.alloc(0), info, base.length));
}
