/**
 * The encrypted form of a secrets file: AES-256-GCM under a key that scrypt derives from a passphrase. Salt and nonce are new with
 * every sealing; the parameters in the clear are authenticated, so none can be changed unnoticed.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { GranaryError } from '../../lib/errors.ts';

interface Envelope {
  granary_secrets: 1;
  scrypt: ScryptCost;
  /** These four in base64. */
  salt: string;
  nonce: string;
  tag: string;
  data: string;
}

interface ScryptCost {
  N: number;
  r: number;
  p: number;
}

/** OWASP's recommendation at 32 MiB of memory: about a quarter of a second for each guess. */
const COST: ScryptCost = { N: 2 ** 15, r: 8, p: 3 };
/** A file may ask for this much memory at most. */
const MAX_MEMORY_BYTES = 256 * 2 ** 20;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Text of a file that only `passphrase` opens. */
export async function seal(plain: string, passphrase: string): Promise<string> {
  const salt = randomBytes(16);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', await deriveKey(passphrase, salt, COST), nonce);
  cipher.setAAD(authenticated(COST, salt));
  const data = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
  const envelope: Envelope = {
    granary_secrets: 1,
    scrypt: COST,
    salt: salt.toString('base64'),
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    data: data.toString('base64'),
  };
  return `${JSON.stringify(envelope, null, 2)}\n`;
}

/** The inverse of `seal`. Errors: `secrets.invalid` when `text` is no such file, `secrets.wrong_key`. `file` is for messages. */
export async function unseal(text: string, passphrase: string, file: string): Promise<string> {
  const envelope = parseEnvelope(text, file);
  const salt = Buffer.from(envelope.salt, 'base64');
  const key = await deriveKey(passphrase, salt, envelope.scrypt);
  try {
    const nonce = Buffer.from(envelope.nonce, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(authenticated(envelope.scrypt, salt));
    decipher.setAuthTag(Buffer.from(envelope.tag, 'base64'));
    return Buffer.concat([decipher.update(Buffer.from(envelope.data, 'base64')), decipher.final()]).toString('utf8');
  } catch (e) {
    throw new GranaryError('secrets.wrong_key', 'the key does not open the secrets file, or the file is damaged', {
      where: { file },
      hint: 'Give the passphrase the file was made with; if it is lost, remove the file and set the secrets again.',
      cause: e,
    });
  }
}

function parseEnvelope(text: string, file: string): Envelope {
  let found: Partial<Envelope> | null = null;
  try {
    found = JSON.parse(text) as Partial<Envelope> | null;
  } catch {
    // What is no JSON is reported below like any other file that is not ours.
  }
  const { N, r, p } = found?.scrypt ?? {};
  const whole = [N, r, p].every((n) => Number.isSafeInteger(n) && n! > 0);
  const texts = [found?.salt, found?.nonce, found?.tag, found?.data].every((s) => typeof s === 'string');
  if (found?.granary_secrets !== 1 || !whole || !texts || memoryOf(found.scrypt!) > MAX_MEMORY_BYTES || p! > 16)
    throw new GranaryError('secrets.invalid', 'this is not a secrets file that this version of Granary can read', {
      where: { file },
    });
  return found as Envelope;
}

function deriveKey(passphrase: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(passphrase, salt, 32, { ...cost, maxmem: 2 * MAX_MEMORY_BYTES }, (e, key) => (e ? reject(e) : resolve(key))),
  );
}

/** https://www.rfc-editor.org/rfc/rfc7914#section-2 */
function memoryOf({ N, r }: ScryptCost): number {
  return 128 * N * r;
}

function authenticated(cost: ScryptCost, salt: Buffer): Buffer {
  return Buffer.from(JSON.stringify(['granary_secrets', 1, cost.N, cost.r, cost.p, salt.toString('base64')]));
}
