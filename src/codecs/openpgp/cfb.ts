/** Encrypted data of version 1: a cipher in CFB mode, with a SHA-1 digest within that no change survives (RFC 9580, 5.13.1). */
import { createDecipheriv, createHash } from 'node:crypto';
import { corrupt } from '../shared/faults.ts';
import { type Cipher, cipherOf, nodeName } from './algorithms.ts';
import { CfbDecipher } from './cfb-cipher.ts';
import type { Layer } from './layer.ts';
import { badPassphrase, type SessionKey } from './session-key.ts';
import { WithoutTail } from './without-tail.ts';

/** The digest's packet: its header and 20 bytes. */
const MDC_HEADER = Buffer.from([0xd3, 0x14]);
const REPEATED_BYTES = 2;
const MDC_BYTES = MDC_HEADER.length + 20;

/**
 * The packets within; `layer` stands behind the version. Ends only when the digest matches.
 * Throws `codec.bad_passphrase` when no key fits and one came from a passphrase, else `codec.corrupt`; and `Unsupported`.
 */
export async function* decryptCfb(layer: Layer, keys: SessionKey[]): AsyncGenerator<Buffer> {
  const { cipher, key } = await fitting(layer, keys);
  const digest = createHash('sha1');
  const clear = new WithoutTail(decrypted(layer, new CfbDecipher(nodeName(cipher), key, cipher.blockBytes)), MDC_BYTES);
  let prefixLeft = cipher.blockBytes + REPEATED_BYTES;
  for await (const chunk of clear) {
    digest.update(chunk);
    const contents = chunk.subarray(prefixLeft);
    prefixLeft = Math.max(0, prefixLeft - chunk.length);
    if (contents.length > 0) yield contents;
  }
  const header = clear.tail.subarray(0, MDC_HEADER.length);
  const expected = digest.update(header).digest();
  if (!header.equals(MDC_HEADER) || !clear.tail.subarray(MDC_HEADER.length).equals(expected))
    throw corrupt(layer.name, 'its contents were changed after they were encrypted');
}

async function* decrypted(layer: Layer, decipher: CfbDecipher): AsyncGenerator<Buffer> {
  for await (const piece of layer.rest()) yield decipher.update(piece);
  yield decipher.final();
}

/** The data begins with a block of random bytes, the last two of which are repeated: by that the right key is known. */
async function fitting(layer: Layer, keys: SessionKey[]): Promise<{ cipher: Cipher; key: Buffer }> {
  for (const { key, cipherId } of keys) {
    const cipher = cipherId === undefined ? undefined : cipherOf(cipherId);
    if (!cipher || cipher.keyBytes !== key.length) continue;
    const n = cipher.blockBytes;
    const sealed = await layer.reader.peek(n + REPEATED_BYTES);
    const prefix = createDecipheriv(`${nodeName(cipher)}-cfb`, key, Buffer.alloc(n)).update(sealed);
    if (sealed.length < n + REPEATED_BYTES) throw layer.tooShort();
    if (prefix.subarray(n - REPEATED_BYTES, n).equals(prefix.subarray(n))) return { cipher, key };
  }
  if (keys.some(({ from }) => from === 'passphrase')) throw badPassphrase(layer.name);
  throw corrupt(layer.name, 'its session key does not fit its contents');
}
