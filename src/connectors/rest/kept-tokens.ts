/**
 * Tokens that outlive the process, for servers that void a refresh token when it was used: whoever renews next needs the last one. They
 * are kept in the data directory, encrypted under a key from the secrets of the configuration, so that the file is of no use without these;
 * with another refresh token in the configuration another file is used. A lock on the file lets one process ask for tokens at a time.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { GranaryError } from '../../lib/errors.ts';
import { idOf } from '../../lib/hash.ts';
import { registerSecret } from '../../lib/redact.ts';
import { sleep } from './limiter.ts';

export interface Kept {
  refresh: string;
  access: string;
  /** By `Date.now()`. */
  until: number;
}

export interface Credentials {
  token_url: string;
  client_id: string;
  client_secret: string | undefined;
  refresh_token: string;
}

const POLL_MS = 50;
const BUSY = 5;
/** 32 MiB of memory and about a tenth of a second, once for each process. */
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 2 ** 26 };
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export class KeptTokens {
  readonly #path: string;
  readonly #secret: string;
  #key: { salt: Buffer; bytes: Buffer } | undefined;

  private constructor(path: string, secret: string) {
    this.#path = path;
    this.#secret = secret;
  }

  /** Makes the file if it is not there; only its owner may read it. `dataDir`: of the project. Error: `secrets.io`. */
  static async open(dataDir: string, credentials: Credentials): Promise<KeptTokens> {
    const { token_url, client_id, client_secret, refresh_token } = credentials;
    const secret = JSON.stringify([refresh_token, client_secret ?? null]);
    const folder = join(dataDir, 'tokens');
    const path = join(folder, `${idOf('oauth2', token_url, client_id, secret)}.db`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await (await open(path, 'a', 0o600)).close();
    } catch (e) {
      throw ioError(path, e);
    }
    return new KeptTokens(path, secret);
  }

  /**
   * The tokens that `ask` gives for those that were kept, while no other process asks. They are on disk when the promise ends. Errors: those
   * of `ask`; `secrets.io`; `cancelled`.
   */
  async renew(ask: (kept: Kept | undefined) => Promise<Kept>, signal: AbortSignal | undefined): Promise<Kept> {
    const database = await this.#locked(signal);
    try {
      const kept = await this.#unsealed(sealedIn(database));
      const tokens = await ask(kept);
      if (tokens !== kept) await this.#write(database, tokens);
      return tokens;
    } finally {
      database.close();
    }
  }

  async #write(database: DatabaseSync, tokens: Kept): Promise<void> {
    const sealed = await this.#sealed(tokens);
    try {
      database.prepare('INSERT OR REPLACE INTO kept (id, sealed) VALUES (1, ?)').run(sealed);
      database.exec('COMMIT');
    } catch (e) {
      throw ioError(this.#path, e);
    }
  }

  async #locked(signal: AbortSignal | undefined): Promise<DatabaseSync> {
    const { DatabaseSync } = await import('node:sqlite');
    for (;;) {
      let database: DatabaseSync | undefined;
      try {
        database = new DatabaseSync(this.#path, { timeout: 0 });
        database.exec('PRAGMA synchronous = FULL; BEGIN IMMEDIATE');
        database.exec('CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, sealed BLOB NOT NULL)');
        return database;
      } catch (e) {
        database?.close();
        if (((e as { errcode?: number }).errcode ?? 0) % 256 !== BUSY) throw ioError(this.#path, e);
      }
      await sleep(POLL_MS, signal);
    }
  }

  /** Salt, nonce, tag and what is encrypted. */
  async #sealed(tokens: Kept): Promise<Buffer> {
    const salt = this.#key?.salt ?? randomBytes(SALT_BYTES);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', await this.#keyOf(salt), nonce);
    const data = Buffer.concat([cipher.update(JSON.stringify(tokens), 'utf8'), cipher.final()]);
    return Buffer.concat([salt, nonce, cipher.getAuthTag(), data]);
  }

  async #unsealed(sealed: Buffer | undefined): Promise<Kept | undefined> {
    if (!sealed) return undefined;
    const parts = [SALT_BYTES, NONCE_BYTES, TAG_BYTES].map((bytes, i, all) => {
      const from = all.slice(0, i).reduce((a, b) => a + b, 0);
      return sealed.subarray(from, from + bytes);
    });
    const [salt, nonce, tag] = parts as [Buffer, Buffer, Buffer];
    try {
      const decipher = createDecipheriv('aes-256-gcm', await this.#keyOf(salt), nonce, { authTagLength: TAG_BYTES });
      decipher.setAuthTag(tag);
      const data = sealed.subarray(SALT_BYTES + NONCE_BYTES + TAG_BYTES);
      const kept = JSON.parse(Buffer.concat([decipher.update(data), decipher.final()]).toString('utf8')) as Kept;
      registerSecret(kept.refresh);
      registerSecret(kept.access);
      return kept;
    } catch (e) {
      throw new GranaryError('secrets.invalid', `${this.#path} is damaged: the tokens in it cannot be read`, {
        hint: 'Authorise again, put the new refresh token into the secrets, and remove the file.',
        cause: e,
      });
    }
  }

  async #keyOf(salt: Buffer): Promise<Buffer> {
    if (this.#key?.salt.equals(salt)) return this.#key.bytes;
    const bytes = await new Promise<Buffer>((resolve, reject) =>
      scrypt(this.#secret, salt, 32, COST, (e, key) => (e ? reject(e) : resolve(key))),
    );
    this.#key = { salt: Buffer.from(salt), bytes };
    return bytes;
  }
}

function sealedIn(database: DatabaseSync): Buffer | undefined {
  const row = database.prepare('SELECT sealed FROM kept WHERE id = 1').get();
  return row && Buffer.from(row['sealed'] as Uint8Array);
}

const ioError = (path: string, e: unknown): GranaryError =>
  new GranaryError('secrets.io', `The tokens in ${path} cannot be kept: ${(e as Error).message}`, { cause: e });
