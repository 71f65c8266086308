/** The frame of OpenPGP: packets with old and new headers, of definite, partial and indeterminate length (RFC 9580, 4.2). */
import { corrupt } from '../shared/faults.ts';
import { type Layer, PIECE_BYTES } from './layer.ts';

export const TAG = {
  publicKeySessionKey: 1,
  signature: 2,
  passphraseSessionKey: 3,
  onePassSignature: 4,
  secretKey: 5,
  publicKey: 6,
  secretSubkey: 7,
  compressed: 8,
  encryptedUnprotected: 9,
  marker: 10,
  literal: 11,
  trust: 12,
  userId: 13,
  publicSubkey: 14,
  userAttribute: 17,
  encrypted: 18,
  modificationDetection: 19,
  encryptedAeadDraft: 20,
  padding: 21,
} as const;

/** Packets that are held in memory (keys, signatures, session keys) are far smaller than this. */
const MAX_HELD_BYTES = 2 ** 20;

export interface Packet {
  tag: number;
  /** To be read to its end before the next packet is asked for. Chunks are valid until the next one is asked for. */
  body: AsyncGenerator<Buffer>;
}

/** The length of a whole body (or the last part of one), or of a part that others follow. */
interface Sized {
  kind: 'whole' | 'part';
  bytes: number;
}
/** `rest`: up to the end of the layer. */
type Length = Sized | { kind: 'rest' };

/** The next packet, undefined at the end of the layer. Throws `codec.corrupt` and `codec.truncated`. */
export async function nextPacket(layer: Layer): Promise<Packet | undefined> {
  if (await layer.atEnd()) return undefined;
  const first = (await layer.exactly(1))[0]!;
  if (!(first & 0x80)) throw corrupt(layer.name, 'a packet of its OpenPGP data does not begin as packets do');
  if (first & 0x40) {
    const tag = first & 0x3f;
    return { tag, body: packetBody(layer, await newLength(layer), tag !== TAG.literal) };
  }
  return { tag: (first >> 2) & 0x0f, body: packetBody(layer, await oldLength(layer, first & 3), false) };
}

/** The whole body of a small packet, in memory of its own. Throws `codec.corrupt` for one over 1 MB. */
export async function heldBody(packet: Packet, name: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of packet.body) {
    parts.push(Buffer.from(chunk));
    size += chunk.length;
    if (size > MAX_HELD_BYTES) throw corrupt(name, `an OpenPGP packet of type ${packet.tag} is impossibly long`);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** Reads a body that does not matter. */
export async function skipBody(packet: Packet): Promise<void> {
  for await (const _ of packet.body);
}

async function oldLength(layer: Layer, type: number): Promise<Length> {
  if (type === 3) return { kind: 'rest' };
  const size = 2 ** type;
  return { kind: 'whole', bytes: (await layer.exactly(size)).readUIntBE(0, size) };
}

async function newLength(layer: Layer): Promise<Sized> {
  const head = await layer.reader.peek(LONGEST_LENGTH);
  const found = lengthAt(head, 0);
  await layer.exactly(found?.size ?? LONGEST_LENGTH);
  return found!.length;
}

const LONGEST_LENGTH = 5;

/** The new-format length at `at`, with its size in bytes; undefined when the bytes end within it. */
function lengthAt(bytes: Buffer, at: number): { length: Sized; size: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 192) return { length: { kind: 'whole', bytes: first }, size: 1 };
  if (first >= 224 && first < 255) return { length: { kind: 'part', bytes: 2 ** (first & 0x1f) }, size: 1 };
  const size = first === 255 ? 5 : 2;
  if (bytes.length - at < size) return undefined;
  const whole = size === 5 ? bytes.readUInt32BE(at + 1) : ((first - 192) << 8) + bytes[at + 1]! + 192;
  return { length: { kind: 'whole', bytes: whole }, size };
}

async function* packetBody(layer: Layer, length: Length, mayReuse: boolean): AsyncGenerator<Buffer> {
  if (length.kind === 'part') yield* partialBody(layer, length.bytes, mayReuse);
  else if (length.kind === 'whole') {
    for (let left = length.bytes; left > 0; ) {
      const chunk = await layer.chunk(left);
      left -= chunk.length;
      yield chunk;
    }
  } else yield* layer.rest();
}

/**
 * A body in parts. gpg makes parts of 8 KB, so all parts that are at hand are joined, so that the layers above work on
 * larger pieces. With `mayReuse` they all have the same memory: not for what leaves the codec.
 */
async function* partialBody(layer: Layer, firstPart: number, mayReuse: boolean): AsyncGenerator<Buffer> {
  const memory = mayReuse ? Buffer.allocUnsafe(PIECE_BYTES) : undefined;
  let part: Sized = { kind: 'part', bytes: firstPart };
  for (let left = firstPart; ; ) {
    if (left === 0) {
      if (part.kind !== 'part') return;
      part = await newLength(layer);
      left = part.bytes;
      continue;
    }
    const chunk = await layer.chunk(PIECE_BYTES);
    if (chunk.length <= left) {
      left -= chunk.length;
      yield chunk;
      continue;
    }
    const joined = memory ?? Buffer.allocUnsafe(chunk.length);
    let filled = 0;
    let at = 0;
    while (at < chunk.length) {
      if (left === 0) {
        const next = part.kind === 'part' ? lengthAt(chunk, at) : undefined;
        if (!next) break;
        part = next.length;
        left = next.length.bytes;
        at += next.size;
      }
      const taken = Math.min(left, chunk.length - at);
      chunk.copy(joined, filled, at, at + taken);
      filled += taken;
      at += taken;
      left -= taken;
    }
    layer.reader.unread(chunk.subarray(at));
    if (filled > 0) yield joined.subarray(0, filled);
  }
}
