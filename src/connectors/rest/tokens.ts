/**
 * OAuth 2.0 (RFC 6749): tokens are renewed before they expire or when the server refuses them; one renewal at a time. Those of the client
 * credentials are in memory only.
 */
import { GranaryError } from '../../lib/errors.ts';
import { registerSecret } from '../../lib/redact.ts';
import { HttpClient, type Reply } from '../http/client.ts';
import { authFailed, protocol, unavailable } from '../lib/faults.ts';
import { bodyOf, said } from './answers.ts';
import type { OAuth2Config } from './config.ts';
import { type Kept, KeptTokens } from './kept-tokens.ts';
import { retryAfter } from './limiter.ts';

/** A token is renewed so long before it expires. */
const EARLY_MS = 30_000;
/** How long a token lives where the server does not say. */
const USUAL_SECONDS = 3600;
/** Of an answer. */
const MOST_BYTES = 1e6;

interface Token {
  value: string;
  /** By `Date.now()`. */
  until: number;
}

/** The server gives out no token for now, and says for how long, in milliseconds, where it does. */
export class TokensLimited extends GranaryError {
  readonly waitMs: number | undefined;

  constructor({ code, message, cause }: GranaryError, waitMs: number | undefined) {
    super(code, message, { transient: true, cause });
    this.waitMs = waitMs;
  }
}

interface Given extends Token {
  /** The refresh token to use from now on, where the server gives one. */
  next: string | undefined;
}

export class Tokens {
  readonly #config: OAuth2Config;
  readonly #client: HttpClient;
  /** Undefined: there is no refresh token, or no place to keep another one. */
  readonly #kept: KeptTokens | undefined;
  #refreshToken: string | undefined;
  #token: Token | undefined;
  #renewing: Promise<Token> | undefined;
  /** The last one that the server refused. */
  #refused: string | undefined;
  /** The server has given out another refresh token, which ends with this process. */
  lost = false;

  private constructor(config: OAuth2Config, client: HttpClient, kept: KeptTokens | undefined) {
    this.#config = config;
    this.#client = client;
    this.#kept = kept;
    this.#refreshToken = config.refresh_token;
  }

  /** `dataDir`: where refresh tokens are kept that the server gives out in place of the configured one. */
  static async create(
    config: OAuth2Config,
    settings: { ca_file: string | undefined; timeout: number; projectDir: string; dataDir: string | undefined },
  ): Promise<Tokens> {
    const { ca_file, timeout, projectDir, dataDir } = settings;
    const { refresh_token } = config;
    const url = new URL(config.token_url);
    const kept =
      refresh_token === undefined || dataDir === undefined
        ? undefined
        : await KeptTokens.open(dataDir, { ...config, refresh_token });
    return new Tokens(
      config,
      await HttpClient.create({ url: url.origin, headers: {}, ca_file, timeout, connections: 1 }, projectDir),
      kept,
    );
  }

  /** Errors: those of the connection; `connector.auth_failed`, `connector.unavailable`, `connector.protocol`. */
  async current(signal: AbortSignal | undefined): Promise<string> {
    if (this.#token && Date.now() < this.#token.until) return this.#token.value;
    return (await this.#renew(signal)).value;
  }

  /** The server refused this token: it is not used again. */
  refused(value: string): void {
    this.#refused = value;
    if (this.#token?.value === value) this.#token = undefined;
  }

  #renew(signal: AbortSignal | undefined): Promise<Token> {
    this.#renewing ??= this.#next(signal).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #next(signal: AbortSignal | undefined): Promise<Token> {
    if (!this.#kept) {
      const { next, ...token } = await this.#ask(this.#refreshToken, signal);
      if (this.#refreshToken !== undefined && next !== undefined && next !== this.#refreshToken) {
        this.#refreshToken = next;
        this.lost = true;
      }
      this.#token = token;
      return token;
    }
    const { access, until } = await this.#kept.renew(async (kept) => {
      // Another process has renewed it meanwhile.
      if (kept && kept.access !== this.#refused && Date.now() < kept.until) return kept;
      const refresh = kept?.refresh ?? this.#config.refresh_token!;
      // Not to be broken off: the answer may be the only one with a refresh token that is of use.
      const { value, until, next = refresh } = await this.#ask(refresh, undefined);
      return { refresh: next, access: value, until } satisfies Kept;
    }, signal);
    this.#token = { value: access, until };
    return this.#token;
  }

  async #ask(refreshToken: string | undefined, signal: AbortSignal | undefined): Promise<Given> {
    const { token_url, client_id, client_secret, scope, audience, client_in } = this.#config;
    const fields: [string, string | undefined][] = [
      ['grant_type', refreshToken === undefined ? 'client_credentials' : 'refresh_token'],
      ['refresh_token', refreshToken],
      ['scope', scope],
      ['audience', audience],
      ...(client_in === 'body'
        ? ([
            ['client_id', client_id],
            ['client_secret', client_secret],
          ] as [string, string | undefined][])
        : []),
    ];
    const form = new URLSearchParams(fields.filter((f): f is [string, string] => f[1] !== undefined));
    // RFC 6749, 2.3.1: both are written as in a form before they are joined.
    const pair = `${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret ?? '')}`;
    const url = new URL(token_url);
    const reply = await this.#client.send({
      method: 'POST',
      url,
      body: Buffer.from(form.toString()),
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      credentials: client_in === 'header' ? { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } : {},
      ...(signal && { signal }),
    });
    const asked = `asking for a token at ${url.pathname}`;
    const body = await bodyOf(reply, { endpoint: this.#client.endpoint, asked, most: MOST_BYTES });
    return this.#read(reply, body, asked, refreshToken);
  }

  #read({ status, headers }: Reply, bytes: Buffer, asked: string, refreshToken: string | undefined): Given {
    const { endpoint } = this.#client;
    const body = bytes.toString('utf8');
    const problem = new Error(`HTTP status ${status}${said(bytes)}`);
    const waitMs = retryAfter(headers, Date.now());
    if (status === 429 || (status === 503 && waitMs !== undefined))
      throw new TokensLimited(unavailable(endpoint, asked, problem), waitMs);
    if (status === 408 || status >= 500) throw unavailable(endpoint, asked, problem);
    if (status !== 200)
      throw authFailed(
        endpoint,
        problem,
        refreshToken === this.#config.refresh_token
          ? 'Check client_id, client_secret, refresh_token and scope of this source.'
          : 'The refresh token that the server gave out last is of no use any more: authorise again, and put the new one into the secrets.',
      );
    let answer: Record<string, unknown>;
    try {
      answer = JSON.parse(body) as Record<string, unknown>;
    } catch (e) {
      throw protocol(endpoint, `${asked}: the answer is no JSON`, e);
    }
    const { access_token: value, expires_in: seconds, refresh_token: next } = answer;
    if (typeof value !== 'string') throw protocol(endpoint, `${asked}: the answer has no access_token`);
    registerSecret(value);
    if (typeof next === 'string') registerSecret(next);
    const told = Number(seconds ?? USUAL_SECONDS);
    const lifeMs = (told > 0 ? told : USUAL_SECONDS) * 1000;
    const until = Date.now() + Math.max(lifeMs - EARLY_MS, lifeMs / 2);
    return { value, until, next: typeof next === 'string' && next !== '' ? next : undefined };
  }

  /** Waits for a renewal that goes on: what it gives may be the only refresh token that is of use. */
  async close(): Promise<void> {
    await this.#renewing?.catch(() => undefined);
    this.#client.close();
  }
}
