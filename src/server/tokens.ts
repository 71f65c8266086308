/** Tokens of the API: made, listed, revoked and checked. `gra_<id>_<secret>`: 32 random bytes, of which the state store has the SHA-256 only. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { GranaryError } from '../lib/errors.ts';
import { sha256 } from '../lib/hash.ts';
import { registerSecret } from '../lib/redact.ts';
import { API_TOKENS, type ApiTokenDoc, type Scope } from '../model/api-tokens.ts';
import { type Clock, isoNow } from '../ports/clock.ts';
import type { StateStore } from '../ports/state-store.ts';

/** A token as people see it. */
export type TokenInfo = Omit<ApiTokenDoc, 'hash'>;

export interface Caller {
  name: string;
  scopes: readonly Scope[];
}

const USED_EVERY_MS = 60_000;

export class Tokens {
  readonly #state: StateStore;
  readonly #clock: Clock;
  /** Hash of the token of this owner's own command line; none in a process that only manages tokens. */
  readonly #owner: Buffer | undefined;

  constructor(state: StateStore, clock: Clock, ownerToken?: string) {
    this.#state = state;
    this.#clock = clock;
    this.#owner = ownerToken === undefined ? undefined : Buffer.from(sha256(ownerToken), 'hex');
  }

  /** The token is returned here and never again. Errors: `state.conflict` when there is one of this name. */
  async create(name: string, scopes: readonly Scope[], by: string): Promise<TokenInfo & { token: string }> {
    for (const other of await this.list())
      if (other.name === name)
        throw new GranaryError('state.conflict', `There is a token ${name} already.`, {
          hint: 'Revoke it first, or take another name.',
        });
    const id = randomBytes(6).toString('hex');
    const token = `gra_${id}_${randomBytes(32).toString('base64url')}`;
    const doc: ApiTokenDoc = {
      id,
      name,
      scopes: [...new Set(scopes)],
      hash: sha256(token),
      createdAt: isoNow(this.#clock),
      createdBy: by,
      lastUsedAt: null,
    };
    await this.#state.put(API_TOKENS, doc, { absent: true });
    return { ...infoOf(doc), token };
  }

  async list(): Promise<TokenInfo[]> {
    const out: TokenInfo[] = [];
    for await (const doc of this.#state.query(API_TOKENS)) out.push(infoOf(doc));
    return out.sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  /** By id or name. Errors: `api.not_found`. */
  async revoke(idOrName: string): Promise<TokenInfo> {
    const found = (await this.list()).find((t) => t.id === idOrName || t.name === idOrName);
    if (!found)
      throw new GranaryError('api.not_found', `There is no token ${idOrName}.`, {
        hint: '`granary token list` lists them.',
      });
    await this.#state.remove(API_TOKENS, found.id);
    return found;
  }

  /** Who bears the token; undefined when nobody does. */
  async bearer(token: string): Promise<Caller | undefined> {
    const hash = Buffer.from(sha256(token), 'hex');
    if (this.#owner && timingSafeEqual(hash, this.#owner)) return { name: 'owner', scopes: ['admin'] };
    const id = /^gra_([0-9a-f]{12})_[\w-]{43}$/.exec(token)?.[1];
    const doc = id === undefined ? undefined : await this.#state.get(API_TOKENS, id);
    if (!doc || !timingSafeEqual(hash, Buffer.from(doc.hash, 'hex'))) return undefined;
    await this.#used(doc);
    return { name: doc.name, scopes: doc.scopes };
  }

  async #used(doc: ApiTokenDoc & { rev: number }): Promise<void> {
    const now = this.#clock.now();
    if (doc.lastUsedAt !== null && now - Date.parse(doc.lastUsedAt) < USED_EVERY_MS) return;
    const { rev, ...rest } = doc;
    const write = this.#state.put(API_TOKENS, { ...rest, lastUsedAt: new Date(now).toISOString() }, { rev });
    // Another request has written it, or the token was revoked meanwhile: that stands.
    await write.catch((e: unknown) => {
      if (!(e instanceof GranaryError && e.code === 'state.conflict')) throw e;
    });
  }
}

function infoOf({ id, name, scopes, createdAt, createdBy, lastUsedAt }: ApiTokenDoc): TokenInfo {
  return { id, name, scopes, createdAt, createdBy, lastUsedAt };
}

/** A token of this process alone. */
export function newOwnerToken(): string {
  const token = `gra_owner_${randomBytes(32).toString('base64url')}`;
  registerSecret(token);
  return token;
}
