/**
 * Encrypted data in chunks that are authenticated one by one: version 2 (RFC 9580, 5.13.2) and the packet that GnuPG 2.3
 * makes, from a draft of that (draft-ietf-openpgp-rfc4880bis-10, 5.16).
 */
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { corrupt } from '../shared/faults.ts';
import { AEAD_TAG_BYTES, aeadOf } from './algorithms.ts';
import { Malformed } from './faults.ts';
import type { Layer } from './layer.ts';
import { TAG } from './packet.ts';
import type { SessionKey } from './session-key.ts';
import { WithoutTail } from './without-tail.ts';

/** How the chunks of one packet are sealed. */
interface Seal {
  algorithm: string;
  key: Buffer;
  /** Plain bytes of every chunk but the last, which may have fewer. */
  chunkBytes: number;
  nonce(index: bigint): Buffer;
  /** Authenticated with each chunk. */
  chunkData(index: bigint): Buffer;
  /** Authenticated with the empty chunk at the end, so that none can be cut off. */
  finalData(chunks: bigint, bytes: bigint): Buffer;
}

/** The packets within a version 2 packet; `layer` stands behind the version. Errors as `decryptChunks`. */
export async function* decryptAead(layer: Layer, keys: SessionKey[]): AsyncGenerator<Buffer> {
  const [cipherId, modeId, chunkCode] = await layer.exactly(3);
  const salt = await layer.exactly(32);
  const aead = aeadOf(cipherId!, modeId!);
  const info = Buffer.from([0xc0 | TAG.encrypted, 2, cipherId!, modeId!, chunkCode!]);
  const ivBytes = aead.nonceBytes - 8;
  const derived = hkdfSync('sha256', fittingKey(keys, aead.keyBytes), salt, info, aead.keyBytes + ivBytes);
  const iv = Buffer.from(derived, aead.keyBytes);
  yield* decryptChunks(layer, {
    algorithm: aead.name,
    key: Buffer.from(derived, 0, aead.keyBytes),
    chunkBytes: chunkSize(chunkCode!, 16),
    nonce: (index) => Buffer.concat([iv, uint64(index)]),
    chunkData: () => info,
    finalData: (_, bytes) => Buffer.concat([info, uint64(bytes)]),
  });
}

/** The packets within a packet of GnuPG 2.3; `layer` stands behind the version. Errors as `decryptChunks`. */
export async function* decryptAeadDraft(layer: Layer, keys: SessionKey[]): AsyncGenerator<Buffer> {
  const [cipherId, modeId, chunkCode] = await layer.exactly(3);
  const aead = aeadOf(cipherId!, modeId!);
  const iv = await layer.exactly(aead.nonceBytes);
  const info = Buffer.from([0xc0 | TAG.encryptedAeadDraft, 1, cipherId!, modeId!, chunkCode!]);
  yield* decryptChunks(layer, {
    algorithm: aead.name,
    key: fittingKey(keys, aead.keyBytes),
    chunkBytes: chunkSize(chunkCode!, 56),
    nonce(index) {
      const nonce = Buffer.from(iv);
      nonce.writeBigUInt64BE(nonce.readBigUInt64BE(nonce.length - 8) ^ index, nonce.length - 8);
      return nonce;
    },
    chunkData: (index) => Buffer.concat([info, uint64(index)]),
    finalData: (chunks, bytes) => Buffer.concat([info, uint64(chunks), uint64(bytes)]),
  });
}

function fittingKey(keys: SessionKey[], bytes: number): Buffer {
  const fitting = keys.find(({ key }) => key.length === bytes);
  if (!fitting) throw new Malformed('its session key does not fit its cipher');
  return fitting.key;
}

function chunkSize(code: number, maxCode: number): number {
  if (code > maxCode) throw new Malformed('the chunks of its encrypted data are impossibly large');
  return 2 ** (code + 6);
}

function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

/**
 * Yields what is decrypted before its chunk is authenticated, as chunks may be larger than memory; ends only when every chunk
 * and their number are. Throws `codec.corrupt`.
 */
async function* decryptChunks(layer: Layer, seal: Seal): AsyncGenerator<Buffer> {
  // Behind the last chunk stand its tag and the final one.
  const sealed = new WithoutTail(copies(layer), 2 * AEAD_TAG_BYTES);
  let index = 0n;
  let total = 0n;
  let left = seal.chunkBytes;
  let decipher = startChunk(seal, index, seal.chunkData(index));
  let tag: Buffer = Buffer.alloc(0);
  for await (const piece of sealed) {
    for (let at = 0; at < piece.length; ) {
      if (left > 0) {
        const taken = piece.subarray(at, at + left);
        at += taken.length;
        left -= taken.length;
        total += BigInt(taken.length);
        yield decipher.update(taken);
        continue;
      }
      const more = piece.subarray(at, at + AEAD_TAG_BYTES - tag.length);
      at += more.length;
      tag = Buffer.concat([tag, more]);
      if (tag.length < AEAD_TAG_BYTES) continue;
      yield finishChunk(layer, decipher, tag);
      tag = Buffer.alloc(0);
      index++;
      left = seal.chunkBytes;
      decipher = startChunk(seal, index, seal.chunkData(index));
    }
  }
  yield finishChunk(layer, decipher, Buffer.concat([tag, sealed.tail.subarray(0, AEAD_TAG_BYTES)]));
  const end = startChunk(seal, index + 1n, seal.finalData(index + 1n, total));
  finishChunk(layer, end, sealed.tail.subarray(AEAD_TAG_BYTES));
}

async function* copies(layer: Layer): AsyncGenerator<Buffer> {
  for await (const piece of layer.rest()) yield Buffer.from(piece);
}

type Decipher = ReturnType<typeof startChunk>;

function startChunk(seal: Seal, index: bigint, additionalData: Buffer) {
  const options = { authTagLength: AEAD_TAG_BYTES };
  // OCB and GCM have one interface; the types know each algorithm by name only.
  const decipher = createDecipheriv(seal.algorithm as 'aes-256-ocb', seal.key, seal.nonce(index), options);
  return decipher.setAAD(additionalData);
}

function finishChunk(layer: Layer, decipher: Decipher, tag: Buffer): Buffer {
  try {
    return decipher.setAuthTag(tag).final();
  } catch (cause) {
    throw corrupt(layer.name, 'its contents were changed after they were encrypted', { cause });
  }
}
