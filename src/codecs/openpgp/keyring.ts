/** The keys and the passphrase of a configuration. */
import { readFile } from 'node:fs/promises';
import { GranaryError } from '../../lib/errors.ts';
import { unarmoredKeys } from './armor.ts';
import { readSigningKeys, type SigningKey } from './certificate.ts';
import { Malformed, Unsupported } from './faults.ts';
import { Layer } from './layer.ts';
import { heldBody, nextPacket, TAG } from './packet.ts';
import { readSecretKey, type SecretKey } from './secret-key.ts';

export interface Keyring {
  secretKeys: SecretKey[];
  /** Unlocks keys, and messages that are encrypted with one. */
  passphrase: string | undefined;
}

/** One field's value: key material itself, or the file that holds it. */
export interface KeySource {
  /** Of the field, for messages. */
  field: string;
  text?: string;
  /** Absolute. */
  file?: string;
}

/** Every secret key and subkey in the sources. Throws `codec.bad_key`. */
export async function readSecretKeys(sources: KeySource[]): Promise<SecretKey[]> {
  const keys: SecretKey[] = [];
  for (const source of sources) {
    const found = await read(source, secretKeysIn);
    if (found.length === 0)
      throw badKey(source, 'holds no private key', 'Export it with `gpg --export-secret-keys --armor`.');
    keys.push(...found);
  }
  return keys;
}

/** Every key in the sources that may sign. Throws `codec.bad_key`. */
export async function readSigners(sources: KeySource[]): Promise<SigningKey[]> {
  const keys: SigningKey[] = [];
  for (const source of sources) {
    const found = await read(source, readSigningKeys);
    if (found.length === 0)
      throw badKey(source, 'holds no key that may sign', 'Ask the sender for the public key they sign with.');
    keys.push(...found);
  }
  return keys;
}

async function secretKeysIn(packets: Buffer): Promise<SecretKey[]> {
  const layer = Layer.held(packets, 'the key');
  const keys: SecretKey[] = [];
  let fault: Unsupported | undefined;
  for (let packet = await nextPacket(layer); packet; packet = await nextPacket(layer)) {
    const body = await heldBody(packet, 'the key');
    if (packet.tag !== TAG.secretKey && packet.tag !== TAG.secretSubkey) continue;
    try {
      keys.push(readSecretKey(body, packet.tag));
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error;
      fault = error;
    }
  }
  // One subkey of a newer kind does not matter; only such do.
  if (keys.length === 0 && fault) throw fault;
  return keys;
}

async function read<T>(source: KeySource, parse: (packets: Buffer) => Promise<T>): Promise<T> {
  const data = source.file === undefined ? Buffer.from(source.text ?? '', 'utf8') : await keyFile(source, source.file);
  try {
    return await parse(await unarmoredKeys(data));
  } catch (error) {
    if (error instanceof Unsupported) throw badKey(source, `cannot be used: ${error.message}`, error.hint);
    if (error instanceof Malformed) throw badKey(source, `is damaged: ${error.message}`, EXPORT_AGAIN, error);
    if (error instanceof GranaryError) throw badKey(source, 'is damaged', EXPORT_AGAIN, error);
    throw error;
  }
}

const EXPORT_AGAIN = 'Export the key again, whole, with its BEGIN and END lines and the empty line behind the first.';

async function keyFile(source: KeySource, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw badKey(source, `cannot be read from ${path}`, 'Check the path, and that this user may read it.', cause);
  }
}

function badKey({ field, file }: KeySource, problem: string, hint: string, cause?: unknown): GranaryError {
  return new GranaryError('codec.bad_key', `The OpenPGP key in \`${field}\` ${problem}`, {
    hint,
    cause,
    ...(file !== undefined && { where: { file } }),
  });
}
