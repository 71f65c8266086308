/** The grammar of a message (RFC 9580, 10.3): what may stand within what, down to the literal data. */
import { ByteReader } from '../shared/byte-reader.ts';
import { corrupt, truncated, unsupported } from '../shared/faults.ts';
import { decryptAead, decryptAeadDraft } from './aead.ts';
import { unarmored } from './armor.ts';
import type { SigningKey } from './certificate.ts';
import { decryptCfb } from './cfb.ts';
import { type Bunzip2, decompressed } from './compression.ts';
import { DataSignatures } from './data-signatures.ts';
import { named } from './faults.ts';
import type { Keyring } from './keyring.ts';
import { Layer } from './layer.ts';
import { heldBody, nextPacket, type Packet, skipBody, TAG } from './packet.ts';
import { type KeyOffer, openSessionKeys, readKeyOffer } from './session-key.ts';

export interface MessageOptions {
  keyring: Keyring;
  /** When given, one of these must have signed. */
  signers?: SigningKey[];
  bunzip2?: Bunzip2;
}

/** Honest messages have three layers at most: encrypted, compressed, and once more by whoever passed them on. */
const MAX_DEPTH = 8;

/**
 * The data of a message, binary or armored. Ends only when its integrity is proved, by the encryption or by a signature, and
 * the signature counts if `signers` are given. `reader` stands at the start of the file and is read to its end; closing it is
 * the caller's. Throws `codec.*`.
 */
export async function* readMessage(reader: ByteReader, name: string, options: MessageOptions): AsyncGenerator<Buffer> {
  const signatures = options.signers && new DataSignatures(options.signers);
  try {
    if ((await reader.peek(1)).length === 0) throw truncated(name, 'OpenPGP');
    const file = Layer.file(new ByteReader(unarmored(reader, name)), name);
    yield* readLayer(file, { ...options, signatures, depth: 0, encrypted: false });
    signatures?.conclude(name);
  } catch (error) {
    throw named(error, name);
  }
}

interface Context extends MessageOptions {
  signatures: DataSignatures | undefined;
  depth: number;
  /** Is what is read within encrypted data, which proves its integrity? */
  encrypted: boolean;
}

/** The data of the one message that makes up a layer; ends at the end of the layer. */
async function* readLayer(layer: Layer, context: Context): AsyncGenerator<Buffer> {
  if (context.depth > MAX_DEPTH) throw corrupt(layer.name, `its OpenPGP data is wrapped more than ${MAX_DEPTH} times`);
  const offers: KeyOffer[] = [];
  let hasData = false;
  for (let packet = await nextPacket(layer); packet; packet = await nextPacket(layer)) {
    switch (packet.tag) {
      case TAG.marker:
      case TAG.padding:
        await skipBody(packet);
        break;
      case TAG.signature: {
        const body = await heldBody(packet, layer.name);
        if (hasData) context.signatures?.follow(body);
        else context.signatures?.precede(body);
        break;
      }
      default:
        if (hasData) throw corrupt(layer.name, 'other OpenPGP data follows its message');
        if (packet.tag === TAG.onePassSignature) {
          const body = await heldBody(packet, layer.name);
          context.signatures?.announce(body);
        } else if (packet.tag === TAG.publicKeySessionKey || packet.tag === TAG.passphraseSessionKey)
          offers.push(readKeyOffer(packet.tag, await heldBody(packet, layer.name)));
        else {
          yield* readData(packet, layer, offers, context);
          hasData = true;
        }
    }
  }
  if (!hasData) throw layer.tooShort();
}

/** The data within a literal, compressed or encrypted packet. */
async function* readData(packet: Packet, layer: Layer, offers: KeyOffer[], context: Context): AsyncGenerator<Buffer> {
  const body = Layer.inner(packet.body, layer.name);
  const deeper = { ...context, depth: context.depth + 1 };
  try {
    if (packet.tag === TAG.literal) yield* readLiteral(body, context);
    else if (packet.tag === TAG.compressed)
      yield* readInner(decompressed(body, layer, context.bunzip2), layer.name, deeper);
    else yield* readInner(decrypted(packet.tag, body, offers, context), layer.name, { ...deeper, encrypted: true });
  } finally {
    await body.close();
  }
}

async function* readInner(source: AsyncIterable<Uint8Array>, name: string, context: Context): AsyncGenerator<Buffer> {
  const inner = Layer.inner(source, name);
  try {
    yield* readLayer(inner, context);
  } finally {
    await inner.close();
  }
}

async function* decrypted(tag: number, body: Layer, offers: KeyOffer[], context: Context): AsyncGenerator<Buffer> {
  if (tag === TAG.encryptedUnprotected) {
    throw unsupported(
      body.name,
      'it is encrypted without protection against changes',
      'Ask the sender to encrypt with a program that is less than 20 years old, or without `--disable-mdc`.',
    );
  }
  if (tag !== TAG.encrypted && tag !== TAG.encryptedAeadDraft)
    throw corrupt(body.name, `an OpenPGP packet of type ${tag} stands where none should`);
  const keys = openSessionKeys(offers, context.keyring, body.name);
  const version = (await body.exactly(1))[0]!;
  if (tag === TAG.encrypted && version === 1) yield* decryptCfb(body, keys);
  else if (tag === TAG.encrypted && version === 2) yield* decryptAead(body, keys);
  else if (tag === TAG.encryptedAeadDraft && version === 1) yield* decryptAeadDraft(body, keys);
  else throw corrupt(body.name, `its encrypted data has version ${version}, which does not exist`);
}

const LITERAL_FORMATS = 'btul1m';

/** The file itself. Its name and time within the packet are the sender's business; text keeps the line ends it has. */
async function* readLiteral(body: Layer, context: Context): AsyncGenerator<Buffer> {
  if (!context.encrypted && !context.signatures) {
    throw unsupported(
      body.name,
      'it is not encrypted, so nothing tells whether it was changed',
      'Give `signed_by` if it is signed, or ask the sender to encrypt it.',
    );
  }
  const [format, nameBytes] = await body.exactly(2);
  if (!LITERAL_FORMATS.includes(String.fromCharCode(format!)))
    throw corrupt(body.name, 'its literal data is of no known format');
  await body.exactly(nameBytes! + 4);
  for await (const chunk of body.rest()) {
    context.signatures?.update(chunk);
    yield chunk;
  }
}
