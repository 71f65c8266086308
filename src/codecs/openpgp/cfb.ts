/** Encrypted data of version 1: a cipher in CFB mode, with a SHA-1 digest within that no change survives (RFC 9580, 5.13.1). */
import { createDecipheriv, createHash } from 'node:crypto';
import { corrupt } from '../shared/faults.ts';
import { cfbName, cipherOf } from './algorithms.ts';
import type { Layer } from './layer.ts';
import { badPassphrase, type SessionKey } from './session-key.ts';
import { WithoutTail } from './without-tail.ts';

/** The digest's packet: its header and 20 bytes. */
const MDC_HEADER = Buffer.from([0xd3, 0x14]);
const MDC_BYTES = MDC_HEADER.length + 20;

/**
 * The packets within; `layer` stands behind the version. Ends only when the digest matches.
 * Throws `codec.bad_passphrase` when no key fits and one came from a passphrase, else `codec.corrupt`; and `Unsupported`.
 */
export async function* decryptCfb(layer: Layer, keys: SessionKey[]): AsyncGenerator<Buffer> {
  const { decipher, prefix } = await begin(layer, keys);
  const digest = createHash('sha1').update(prefix);
  const clear = new WithoutTail(decrypted(layer, decipher), MDC_BYTES);
  for await (const chunk of clear) {
    digest.update(chunk);
    yield chunk;
  }
  const header = clear.tail.subarray(0, MDC_HEADER.length);
  const expected = digest.update(header).digest();
  if (!header.equals(MDC_HEADER) || !clear.tail.subarray(MDC_HEADER.length).equals(expected))
    throw corrupt(layer.name, 'its contents were changed after they were encrypted');
}

type Decipher = ReturnType<typeof createDecipheriv>;

async function* decrypted(layer: Layer, decipher: Decipher): AsyncGenerator<Buffer> {
  for (let chunk = await layer.reader.chunk(); chunk; chunk = await layer.reader.chunk()) yield decipher.update(chunk);
}

/** The data begins with a block of random bytes, the last two of which are repeated: by that the right key is known. */
async function begin(layer: Layer, keys: SessionKey[]): Promise<{ decipher: Decipher; prefix: Buffer }> {
  for (const { key, cipherId } of keys) {
    const cipher = cipherId === undefined ? undefined : cipherOf(cipherId);
    if (!cipher || cipher.keyBytes !== key.length) continue;
    const n = cipher.blockBytes;
    const sealed = await layer.exactly(n + 2);
    const decipher = createDecipheriv(cfbName(cipher), key, Buffer.alloc(n));
    const prefix = decipher.update(sealed);
    if (prefix.subarray(n - 2, n).equals(prefix.subarray(n))) return { decipher, prefix };
    layer.reader.unread(sealed);
  }
  if (keys.some(({ from }) => from === 'passphrase')) throw badPassphrase(layer.name);
  throw corrupt(layer.name, 'its session key does not fit its contents');
}
