/** Writes messages that are encrypted with a passphrase, readable by every OpenPGP program (RFC 4880: version 4, version 1). */
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { TAG } from './packet.ts';
import { deriveKey, iteratedBytes } from './s2k.ts';

export interface WriteOptions {
  /** The time the message says it was made at; the current one when not given. */
  now?: Date;
  /** Makes the salt and the random prefix; given only where the same bytes are wanted each time, as in a demo. */
  random?: (bytes: number) => Uint8Array;
}

const AES256 = 9;
const SHA256 = 8;
const BLOCK_BYTES = 16;
/** 16 MiB to hash for each try at the passphrase. */
const ITERATIONS = 0xe0;
/** A power of two: the length of a part must be one. */
const PART_BITS = 20;

/** Encrypts with AES-256, without compression. Yields the binary message in pieces; memory is bounded. */
export async function* encryptWithPassphrase(
  plain: AsyncIterable<Uint8Array> | Uint8Array,
  passphrase: string,
  options: WriteOptions = {},
): AsyncGenerator<Buffer> {
  const random = options.random ?? randomBytes;
  const salt = Buffer.from(random(8));
  const s2k = { kind: 'iterated', hash: 'sha256', salt, bytes: iteratedBytes(ITERATIONS) } as const;
  const key = deriveKey(s2k, passphrase, 32);
  yield packet(
    TAG.passphraseSessionKey,
    Buffer.concat([Buffer.from([4, AES256, 3, SHA256]), salt, Buffer.from([ITERATIONS])]),
  );
  const source = plain instanceof Uint8Array ? single(plain) : plain;
  const literal = inParts(TAG.literal, literalBody(source, options.now ?? new Date()));
  yield* inParts(TAG.encrypted, sealed(literal, key, Buffer.from(random(BLOCK_BYTES))));
}

async function* single(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

async function* literalBody(source: AsyncIterable<Uint8Array>, now: Date): AsyncGenerator<Uint8Array> {
  // Format "binary", an empty file name, a time.
  const header = Buffer.from([0x62, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Math.floor(now.getTime() / 1000), 2);
  yield header;
  yield* source;
}

/** The body of an encrypted packet of version 1: prefix, contents and the digest over both, in CFB mode. */
async function* sealed(contents: AsyncIterable<Uint8Array>, key: Buffer, prefix: Buffer): AsyncGenerator<Buffer> {
  const cipher = createCipheriv('aes-256-cfb', key, Buffer.alloc(BLOCK_BYTES));
  const digest = createHash('sha1');
  const seal = (bytes: Uint8Array) => {
    digest.update(bytes);
    return cipher.update(bytes);
  };
  yield Buffer.from([1]);
  yield seal(Buffer.concat([prefix, prefix.subarray(-2)]));
  for await (const chunk of contents) yield seal(chunk);
  yield seal(Buffer.from([0xc0 | TAG.modificationDetection, 20]));
  yield cipher.update(digest.digest());
}

/** A packet of known, small length. */
function packet(tag: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0xc0 | tag]), lengthBytes(body.length), body]);
}

/** A packet whose length is not known before its end, in parts of 1 MiB. */
async function* inParts(tag: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  const size = 2 ** PART_BITS;
  let header = [0xc0 | tag];
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for await (const chunk of body) {
    held.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes <= size) continue;
    const joined = Buffer.concat(held);
    const out: Uint8Array[] = [];
    // The last part may not be a partial one, so something is always kept for it.
    let at = 0;
    for (; joined.length - at > size; at += size) {
      out.push(Buffer.from([...header, 0xe0 | PART_BITS]), joined.subarray(at, at + size));
      header = [];
    }
    held = [joined.subarray(at)];
    heldBytes = joined.length - at;
    yield Buffer.concat(out);
  }
  yield Buffer.concat([Buffer.from(header), lengthBytes(heldBytes), ...held]);
}

function lengthBytes(length: number): Buffer {
  if (length < 192) return Buffer.from([length]);
  const bytes = Buffer.alloc(5, 0xff);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}
