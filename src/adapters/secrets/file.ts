/**
 * Secrets in an encrypted file of the project folder, `secrets.enc`, that may be committed with it: names and values are both
 * unreadable without the passphrase. The passphrase comes from the variable `GRANARY_SECRETS_KEY` or from a key file.
 */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GranaryError } from '../../lib/errors.ts';
import { registerSecret } from '../../lib/redact.ts';
import type { SecretStore } from '../../ports/secrets.ts';
import { seal, unseal } from './envelope.ts';

export const KEY_VARIABLE = 'GRANARY_SECRETS_KEY';
const MIN_PASSPHRASE = 12;

export interface SecretsFileOptions {
  /** The encrypted file. One that is not there holds no secrets; the first `set` makes it. */
  path: string;
  /** File with the passphrase, which only its owner may read. Asked after the environment. */
  keyFile?: string;
  environment?: Record<string, string | undefined>;
}

export interface SecretsFile extends SecretStore {
  /** Adds or replaces. Errors: `secrets.no_key`, `secrets.wrong_key`, `secrets.invalid` for a name or value that cannot be one. */
  set(name: string, value: string): Promise<void>;
  /** False when there is no such secret. */
  remove(name: string): Promise<boolean>;
  list(): Promise<string[]>;
}

/**
 * Nothing is read before the first call. The file is decrypted once and kept; `set` and `remove` read it again, so that what another
 * command has written meanwhile stays.
 */
export function openSecretsFile(options: SecretsFileOptions): SecretsFile {
  const { path } = options;
  let cached: Promise<Map<string, string>> | undefined;
  const read = () => {
    cached ??= load(options).catch((e) => {
      cached = undefined;
      throw e;
    });
    return cached;
  };
  const change = async (edit: (secrets: Map<string, string>) => boolean) => {
    cached = undefined;
    const secrets = new Map(await read());
    if (!edit(secrets)) return false;
    const plain = JSON.stringify(Object.fromEntries(secrets));
    await replaceFile(path, await seal(plain, await passphrase(options)));
    cached = Promise.resolve(secrets);
    return true;
  };
  return {
    description: path,
    async get(name) {
      const value = (await read()).get(name);
      if (value !== undefined) registerSecret(value);
      return value;
    },
    async list() {
      return [...(await read()).keys()].sort();
    },
    async set(name, value) {
      if (!/^[A-Za-z][A-Za-z0-9_.-]{0,99}$/.test(name))
        throw new GranaryError('secrets.invalid', `"${name}" cannot name a secret`, {
          hint: 'Use letters, digits, "_", "-" and ".", beginning with a letter.',
        });
      if (value === '') throw new GranaryError('secrets.invalid', `the value of secret "${name}" is empty`);
      registerSecret(value);
      await change((secrets) => Boolean(secrets.set(name, value)));
    },
    remove: (name) => change((secrets) => secrets.delete(name)),
  };
}

async function load(options: SecretsFileOptions): Promise<Map<string, string>> {
  const text = await readIfThere(options.path);
  if (text === undefined) return new Map();
  const plain = await unseal(text, await passphrase(options), options.path);
  return new Map(Object.entries(JSON.parse(plain) as Record<string, string>));
}

async function passphrase({ path, keyFile, environment = process.env }: SecretsFileOptions): Promise<string> {
  const found = environment[KEY_VARIABLE] || (keyFile && (await readKeyFile(keyFile)));
  if (!found)
    throw new GranaryError('secrets.no_key', `no key for the secrets file; looked in ${places(keyFile)}`, {
      where: { file: path },
      hint: `Set ${KEY_VARIABLE} to the file's passphrase.`,
    });
  registerSecret(found);
  if (found.length < MIN_PASSPHRASE)
    throw new GranaryError('secrets.invalid', `the passphrase is shorter than ${MIN_PASSPHRASE} characters`, {
      hint: 'Make one with `openssl rand -base64 24`.',
    });
  return found;
}

function places(keyFile: string | undefined): string {
  return [`the variable ${KEY_VARIABLE}`, keyFile && `the file ${keyFile}`].filter(Boolean).join(' and ');
}

/** The passphrase without the line end that editors add. */
async function readKeyFile(path: string): Promise<string | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const { mode } = await stat(path);
  if (mode & 0o077)
    throw new GranaryError('secrets.key_exposed', 'other users of this machine can read the key file', {
      where: { file: path },
      hint: `Run \`chmod 600 ${path}\`, and change the passphrase if others may have read it.`,
    });
  return text.replace(/\r?\n$/, '');
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw ioError('read', path, e);
  }
}

/** Readers see the old text or the new one, whole, whatever is killed when. */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
  } catch (e) {
    throw ioError('write', path, e);
  } finally {
    await rm(temporary, { force: true });
  }
}

function ioError(verb: string, path: string, e: unknown): GranaryError {
  return new GranaryError('secrets.io', `cannot ${verb} ${path}: ${(e as Error).message}`, { cause: e });
}
