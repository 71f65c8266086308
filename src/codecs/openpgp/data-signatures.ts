/** The signatures over a message's data: hashed while the data streams, judged at the end. */
import { GranaryError } from '../../lib/errors.ts';
import { hashOf } from './algorithms.ts';
import type { SigningKey } from './certificate.ts';
import { Malformed, Unsupported } from './faults.ts';
import { FieldReader } from './fields.ts';
import { readSignature, SIGNATURE, type Signature, Verification } from './signature.ts';

/** One signature, from its announcement before the data to the verdict. */
interface Entry {
  /** 16 hex digits; undefined when the packet does not say or cannot be read. */
  keyId: string | undefined;
  /** Undefined for a key that is not configured: nothing is hashed for it. */
  running?: {
    verification: Verification;
    type: number;
    hash: string;
    salt: Buffer;
    text: LineEnds | undefined;
    signer: SigningKey;
  };
  /** Stood before the data, so the verdict needs nothing more. */
  early?: Signature;
  /** The signature announced has been met. */
  followed?: true;
  /** Undefined: not judged yet. `good`, or a clause that says what is wrong. */
  verdict?: string;
}

const GOOD = 'good';
const STRONG_HASHES = new Set(['sha256', 'sha384', 'sha512', 'sha224', 'sha3-256', 'sha3-512']);

export class DataSignatures {
  readonly #signers: SigningKey[];
  readonly #entries: Entry[] = [];

  /** Signatures count when one of these keys made them. */
  constructor(signers: SigningKey[]) {
    this.#signers = signers;
  }

  /** A one-pass packet before the data: its signature follows behind it. Throws `Malformed`. */
  announce(packet: Buffer): void {
    const fields = new FieldReader(packet, 'the announcement of an OpenPGP signature');
    const version = fields.u8();
    if (version !== 3 && version !== 6) {
      this.#entries.push({ keyId: undefined });
      return;
    }
    const [type, hashId, keyAlgorithm] = [fields.u8(), fields.u8(), fields.u8()];
    const salt = version === 6 ? fields.take(fields.u8()) : Buffer.alloc(0);
    const keyId = fields.take(8).toString('hex').toUpperCase();
    this.#begin(keyId, () => ({ type, hash: hashOf(hashId), keyAlgorithm, salt }));
  }

  /** A signature packet before the data, in the manner of PGP 2. Throws `Malformed`. */
  precede(packet: Buffer): void {
    const signature = readable(() => readSignature(packet));
    if (!signature) this.#entries.push({ keyId: undefined });
    else this.#begin(signature.issuer, () => signature).early = signature;
  }

  #begin(
    keyId: string | undefined,
    parameters: () => Pick<Signature, 'type' | 'hash' | 'keyAlgorithm' | 'salt'>,
  ): Entry {
    const entry: Entry = { keyId };
    this.#entries.push(entry);
    const signer = this.#signers.find(({ key }) => key.keyId === keyId);
    const known = signer && readable(parameters);
    if (!known) return entry;
    const { type, hash, salt } = known;
    if (type !== SIGNATURE.binary && type !== SIGNATURE.text) entry.verdict = 'it is not a signature over data';
    else if (!STRONG_HASHES.has(hash)) entry.verdict = `it uses ${hash}, with which signatures can be forged`;
    else {
      const text = type === SIGNATURE.text ? new LineEnds() : undefined;
      entry.running = { verification: new Verification(known), type, hash, salt, text, signer };
    }
    return entry;
  }

  update(chunk: Buffer): void {
    for (const { running } of this.#entries) running?.verification.update(running.text?.canonical(chunk) ?? chunk);
  }

  /** A signature packet behind the data; the one that was announced last comes first. Throws `Malformed`. */
  follow(packet: Buffer): void {
    const entry = this.#entries.findLast((e) => !e.early && !e.followed);
    if (!entry) throw new Malformed('it holds a signature that was not announced');
    entry.followed = true;
    const signature = readable(() => readSignature(packet));
    entry.verdict ??= signature ? judge(entry, signature) : 'it is of an unknown kind';
  }

  /**
   * Throws `codec.bad_signature` unless a configured key signed the data and none of its signatures is wrong. Signatures by
   * other keys beside it do not matter.
   */
  conclude(name: string): void {
    for (const entry of this.#entries) {
      if (entry.early) entry.verdict ??= judge(entry, entry.early);
      entry.verdict ??= 'it was announced and is missing';
    }
    const ours = this.#entries.filter((e) => this.#signers.some(({ key }) => key.keyId === e.keyId));
    const bad = ours.find((e) => e.verdict !== GOOD);
    if (bad) throw badSignature(name, `the signature of key ${bad.keyId} on "${name}" does not count: ${bad.verdict}`);
    if (ours.length > 0) return;
    const others = this.#entries.map((e) => e.keyId ?? 'an unknown one');
    if (others.length === 0) throw badSignature(name, `"${name}" is not signed`);
    throw badSignature(name, `"${name}" is signed by key ${others.join(', ')}, which \`signed_by\` does not name`);
  }
}

function judge({ running, keyId }: Entry, signature: Signature): string {
  if (!running) return 'its key is not configured';
  const { type, hash, salt, signer } = running;
  const isAnnounced = signature.type === type && signature.hash === hash && signature.salt.equals(salt);
  if (!isAnnounced || (signature.issuer !== undefined && signature.issuer !== keyId))
    return 'it is not the one announced';
  const { expiresAfter, unknownCritical } = signature.claims;
  if (unknownCritical) return 'it demands something that is not understood';
  if (expiresAfter && (signature.created + expiresAfter) * 1000 <= Date.now()) return 'it has expired';
  if (!running.verification.isBy(signer.key, signature)) return 'it is over other data or by another key';
  return signer.objection(signature.created) ?? GOOD;
}

/** Undefined for what this codec does not know: such signatures count no more than those of unknown keys. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

function badSignature(name: string, message: string): GranaryError {
  return new GranaryError('codec.bad_signature', message[0]!.toUpperCase() + message.slice(1), {
    where: { file: name },
    hint: 'Do not trust the file before its sender has confirmed it; when the sender has a new key, add it to `signed_by`.',
  });
}

const [CR, LF] = [0x0d, 0x0a];

/** Text signatures are over lines that end in CR LF, whatever the data has. */
class LineEnds {
  #lastWasCr = false;

  canonical(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(chunk.length * 2);
    let filled = 0;
    let previous = this.#lastWasCr ? CR : 0;
    for (const byte of chunk) {
      if (byte === LF && previous !== CR) out[filled++] = CR;
      out[filled++] = byte;
      previous = byte;
    }
    this.#lastWasCr = previous === CR;
    return out.subarray(0, filled);
  }
}
