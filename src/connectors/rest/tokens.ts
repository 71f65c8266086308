/** OAuth 2.0 (RFC 6749): tokens in memory, renewed before they expire or when the server refuses them; one renewal at a time. */
import { text } from 'node:stream/consumers';
import { redact, registerSecret } from '../../lib/redact.ts';
import { HttpClient } from '../http/client.ts';
import { authFailed, protocol, unavailable } from '../lib/faults.ts';
import { requestFault } from '../lib/network.ts';
import type { OAuth2Config } from './config.ts';

/** A token is renewed so long before it expires. */
const EARLY_MS = 30_000;
const SHOWN = 200;

interface Token {
  value: string;
  /** By `Date.now()`. */
  until: number;
}

export class Tokens {
  readonly #config: OAuth2Config;
  readonly #client: HttpClient;
  #refreshToken: string | undefined;
  #token: Token | undefined;
  #renewing: Promise<Token> | undefined;
  /** The server gives out a new refresh token each time. */
  rotated = false;

  private constructor(config: OAuth2Config, client: HttpClient) {
    this.#config = config;
    this.#client = client;
    this.#refreshToken = config.refresh_token;
  }

  static async create(
    config: OAuth2Config,
    settings: { ca_file: string | undefined; timeout: number; projectDir: string },
  ): Promise<Tokens> {
    const { ca_file, timeout, projectDir } = settings;
    const url = new URL(config.token_url);
    return new Tokens(
      config,
      await HttpClient.create({ url: url.origin, headers: {}, ca_file, timeout, connections: 1 }, projectDir),
    );
  }

  /** Errors: those of the connection; `connector.auth_failed`, `connector.unavailable`, `connector.protocol`. */
  async current(signal: AbortSignal | undefined): Promise<string> {
    if (this.#token && Date.now() < this.#token.until) return this.#token.value;
    return (await this.#renew(signal)).value;
  }

  /** The server refused this token: it is not used again. */
  refused(value: string): void {
    if (this.#token?.value === value) this.#token = undefined;
  }

  #renew(signal: AbortSignal | undefined): Promise<Token> {
    this.#renewing ??= this.#ask(signal).finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #ask(signal: AbortSignal | undefined): Promise<Token> {
    const { token_url, client_id, client_secret, scope, audience, client_in } = this.#config;
    const fields: [string, string | undefined][] = [
      ['grant_type', this.#refreshToken === undefined ? 'client_credentials' : 'refresh_token'],
      ['refresh_token', this.#refreshToken],
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
    const body = await text(reply.body).catch((e) => {
      throw requestFault(this.#client.endpoint, `asking for a token at ${url.pathname}`, e);
    });
    return this.#read(reply.status, body, url.pathname);
  }

  #read(status: number, body: string, path: string): Token {
    const { endpoint } = this.#client;
    const asked = `asking for a token at ${path}`;
    const said = new Error(`HTTP status ${status}: ${redact(body).slice(0, SHOWN)}`);
    if (status === 429 || status >= 500) throw unavailable(endpoint, asked, said);
    if (status !== 200)
      throw authFailed(endpoint, said, 'Check client_id, client_secret, refresh_token and scope of this source.');
    let answer: Record<string, unknown>;
    try {
      answer = JSON.parse(body) as Record<string, unknown>;
    } catch (e) {
      throw protocol(endpoint, `${asked}: the answer is no JSON`, e);
    }
    const { access_token: value, expires_in: seconds, refresh_token: next } = answer;
    if (typeof value !== 'string') throw protocol(endpoint, `${asked}: the answer has no access_token`);
    registerSecret(value);
    if (typeof next === 'string' && this.#refreshToken !== undefined && next !== this.#refreshToken) {
      registerSecret(next);
      this.#refreshToken = next;
      this.rotated = true;
    }
    const lifeMs = Number(seconds ?? 3600) * 1000;
    this.#token = { value, until: Date.now() + Math.max(lifeMs - EARLY_MS, lifeMs / 2) };
    return this.#token;
  }

  close(): void {
    this.#client.close();
  }
}
