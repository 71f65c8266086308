/** Requests to the API until they are answered: authentication, limits, retries, whole bodies. */
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { registerSecret } from '../../lib/redact.ts';
import type { ConnectorContext } from '../../ports/connector.ts';
import { HttpClient } from '../http/client.ts';
import { authFailed, cancelled, denied, notFound, protocol, unavailable } from '../lib/faults.ts';
import { type Answer, BadAnswer, bodyOf, said } from './answers.ts';
import type { AuthConfig, RestConfig } from './config.ts';
import { exhausted, Limiter, retryAfter, sleep } from './limiter.ts';
import type { Preset } from './presets/preset.ts';
import { Tokens, TokensLimited } from './tokens.ts';

export interface ApiRequest {
  method: 'GET' | 'POST';
  /** Without the secret parameters of the connector. */
  url: URL;
  headers: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  accept: string;
  /** Statuses that are answers: of a page behind the last one. */
  allowed?: readonly number[];
}

const FIRST_BACKOFF_MS = 500;
const MOST_BACKOFF_MS = 60_000;
/** Shorter values of headers and parameters are ordinary words. */
const LIKE_A_SECRET = 12;
/** The server may have ended the pause a little later than it said. */
const SLACK_MS = 50;
/** How often a token that the server refuses is replaced, for one request: another process may have voided the first of them. */
const MOST_RENEWALS = 2;
/** So often "now" is taken for an answer to when a refused request may come again. */
const SOON = 30;

export class Requests {
  readonly base: URL;
  readonly endpoint: string;
  readonly #config: RestConfig;
  readonly #preset: Preset | undefined;
  readonly #client: HttpClient;
  readonly #limiter: Limiter;
  readonly #tokens: Tokens | undefined;

  private constructor(
    config: RestConfig,
    preset: Preset | undefined,
    base: string,
    client: HttpClient,
    tokens: Tokens | undefined,
  ) {
    this.#config = config;
    this.#preset = preset;
    this.base = new URL(base.endsWith('/') ? base : `${base}/`);
    this.#client = client;
    this.endpoint = client.endpoint;
    this.#tokens = tokens;
    const { per_second, per_minute, at_once } = config.rate;
    const known = per_second === undefined && per_minute === undefined ? preset?.perSecond : undefined;
    const perSecond = Math.min(per_second ?? Infinity, (per_minute ?? Infinity) / 60, known ?? Infinity);
    this.#limiter = new Limiter({ atOnce: at_once, intervalMs: 1000 / perSecond });
  }

  /** Error: `config.invalid` when neither the configuration nor the preset has a base. */
  static async create(
    config: RestConfig,
    preset: Preset | undefined,
    { projectDir, dataDir }: Pick<ConnectorContext, 'projectDir' | 'dataDir'>,
  ): Promise<Requests> {
    const base = config.base ?? preset?.base;
    if (base === undefined)
      throw new GranaryError('config.invalid', 'The connector has no base: the URL that paths are appended to.');
    const { ca_file, timeout } = config;
    const auth = config.auth as AuthConfig | undefined;
    for (const value of secretsOf(config, auth)) registerSecret(value);
    const client = await HttpClient.create(
      {
        url: base,
        headers: { ...preset?.headers, ...config.headers },
        ca_file,
        timeout,
        connections: config.rate.at_once,
        ...ofBasic(auth),
        ...ofBearer(auth),
      },
      projectDir,
    );
    const tokens =
      auth?.type === 'oauth2' ? await Tokens.create(auth, { ca_file, timeout, projectDir, dataDir }) : undefined;
    return new Requests(config, preset, base, client, tokens);
  }

  /** The server must answer and take the credentials. Errors: as of `send`; that there is nothing at the base is none. */
  async tryBase(signal: AbortSignal | undefined): Promise<void> {
    const request = {
      method: 'GET',
      url: this.base,
      headers: {},
      accept: '*/*',
      allowed: [400, 403, 404, 405, 406, 410, 422],
    } as const;
    await this.send(request, signal);
  }

  get atOnce(): number {
    return this.#config.rate.at_once;
  }

  /** What an operator should know of the credentials, once. */
  problem(): string | undefined {
    if (!this.#tokens?.lost) return undefined;
    this.#tokens.lost = false;
    return `${this.endpoint} gives out a new refresh token each time, and there is no data directory to keep it in: the one in the secrets may be of no use any more.`;
  }

  /**
   * The answer, whole and decoded. Errors, after all retries: those of the connection; `connector.unavailable` (transient), `connector.auth_failed`,
   * `connector.denied`, `connector.not_found`, `connector.protocol`; `cancelled`.
   */
  async send(request: ApiRequest, signal?: AbortSignal): Promise<Answer> {
    return await this.sendUntil(request, () => undefined, signal);
  }

  /** As `send`; `check` throws for an answer that makes no sense, and it is asked again. */
  async sendUntil<T>(
    request: ApiRequest,
    check: (answer: Answer) => T,
    signal?: AbortSignal,
  ): Promise<Answer & { checked: T }> {
    const { attempts, max_wait } = this.#config.retries;
    let failures = 0;
    let refusals = 0;
    let renewals = 0;
    let waitedMs = 0;
    for (;;) {
      if (signal?.aborted) throw cancelled(`asking for ${request.url.pathname}`);
      let fault: GranaryError;
      let waitMs: number | undefined;
      let isAsked = false;
      try {
        const token = await this.#tokens?.current(signal);
        isAsked = true;
        const answer = await this.#limiter.run(() => this.#once(request, token, signal), signal);
        const { status } = answer;
        if ((status >= 200 && status < 300) || request.allowed?.includes(status)) {
          this.#limiter.answered();
          return { ...answer, checked: check(answer) };
        }
        fault = this.#fault(answer, request);
        if (status === 401 && token !== undefined && renewals < MOST_RENEWALS) {
          renewals++;
          this.#tokens!.refused(token);
          continue;
        }
        waitMs = waitOf(answer);
        if (waitMs === undefined && !fault.transient) throw fault;
        if (waitMs !== undefined || status === 429) {
          this.#limiter.refused();
          waitMs = patience(waitMs, ++refusals);
        }
      } catch (e) {
        fault = asGranaryError(e);
        if (e instanceof TokensLimited) waitMs = patience(e.waitMs, ++refusals);
        if (signal?.aborted || (!fault.transient && !(e instanceof BadAnswer)))
          throw signal?.aborted ? cancelled(`asking for ${request.url.pathname}`) : fault;
      }
      if (waitMs === undefined) {
        if (++failures >= attempts) throw fault;
        await sleep(backoff(failures), signal);
        continue;
      }
      waitedMs += waitMs + SLACK_MS;
      if (waitedMs > max_wait * 1000)
        throw new GranaryError(
          'connector.unavailable',
          `${fault.message}; it would have to be waited longer than max_wait`,
          {
            transient: true,
            hint: 'Give the connector a rate that the server allows, or a longer retries.max_wait.',
          },
        );
      if (isAsked) this.#limiter.pause(waitMs + SLACK_MS);
      else await sleep(waitMs + SLACK_MS, signal);
    }
  }

  async #once(request: ApiRequest, token: string | undefined, signal: AbortSignal | undefined): Promise<Answer> {
    const { url, method, headers, accept } = request;
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body));
    const asked = `asking for ${url.pathname}`;
    const reply = await this.#client.send({
      method,
      url: this.#withSecrets(url),
      headers: { accept, ...(body && { 'content-type': 'application/json' }), ...headers },
      credentials: this.#credentials(token),
      ...(body && { body }),
      ...(signal && { signal }),
    });
    const answer = {
      status: reply.status,
      headers: reply.headers,
      body: await bodyOf(reply, { endpoint: this.endpoint, asked, most: this.#config.page_max_bytes }),
      at: Date.parse(reply.headers.date ?? '') || Date.now(),
    };
    const pause = exhausted(reply.headers, Date.now());
    if (pause !== undefined && reply.status < 400)
      this.#limiter.pause(Math.min(pause, this.#config.retries.max_wait * 1000));
    return answer;
  }

  #withSecrets(url: URL): URL {
    const out = new URL(url);
    const auth = this.#config.auth as AuthConfig | undefined;
    for (const [name, value] of Object.entries({ ...this.#preset?.query, ...this.#config.query }))
      out.searchParams.set(name, value);
    if (auth?.type === 'api_key' && auth.in === 'query') out.searchParams.set(auth.name, auth.value);
    return out;
  }

  /** Names of parameters that the connector adds to every request: they are taken out of URLs that the server gives. */
  get added(): string[] {
    const auth = this.#config.auth as AuthConfig | undefined;
    const names = Object.keys({ ...this.#preset?.query, ...this.#config.query });
    return auth?.type === 'api_key' && auth.in === 'query' ? [...names, auth.name] : names;
  }

  #credentials(token: string | undefined): Record<string, string> {
    if (token !== undefined) return { authorization: `Bearer ${token}` };
    const auth = this.#config.auth as AuthConfig | undefined;
    return auth?.type === 'api_key' && auth.in === 'header' ? { [auth.name]: auth.value } : {};
  }

  #fault({ status, body }: Answer, { url }: ApiRequest): GranaryError {
    const cause = new Error(`HTTP status ${status}${said(body)}`);
    const path = url.pathname;
    const isPassing = status === 408 || status === 425 || status === 429 || status >= 500;
    if (isPassing || this.#config.retries.statuses.includes(status))
      return unavailable(this.endpoint, `asking for ${path}`, cause);
    if (status === 401) return authFailed(this.endpoint, cause, 'Check auth in the connector of this source.');
    if (status === 403) return denied(path, cause.message, cause);
    if (status === 404 || status === 410)
      return new GranaryError('connector.not_found', `${notFound(path).message}: ${cause.message}`, {
        where: { file: path },
        cause,
      });
    return protocol(this.endpoint, `${path} was refused`, cause);
  }

  async close(): Promise<void> {
    this.#client.close();
    await this.#tokens?.close();
  }
}

/** How long the server says that it limits, in milliseconds. Some do so with a 403. */
function waitOf({ status, headers }: Answer): number | undefined {
  if (status !== 429 && status !== 503 && status !== 403) return undefined;
  return retryAfter(headers, Date.now()) ?? (status === 503 ? undefined : exhausted(headers, Date.now()));
}

/** How long is waited after so many refusals: they are not counted as failures. Some servers say "now" for ever. */
function patience(told: number | undefined, refusals: number): number {
  return Math.max(told ?? backoff(refusals), refusals > SOON ? 1000 : 0);
}

/** Exponential, with half of it by chance so that many readers do not come back together. */
function backoff(failures: number): number {
  const most = Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
  return most / 2 + Math.random() * (most / 2);
}

/** A server may repeat what it was sent, in an error. */
function secretsOf({ headers, query }: RestConfig, auth: AuthConfig | undefined): string[] {
  const given = [...Object.values(headers), ...Object.values(query)].filter((value) => value.length >= LIKE_A_SECRET);
  if (auth?.type === 'bearer') return [...given, auth.token];
  if (auth?.type === 'api_key') return [...given, auth.value];
  if (auth?.type === 'basic')
    return [...given, auth.password, Buffer.from(`${auth.user}:${auth.password}`).toString('base64')];
  return [...given, auth?.client_secret ?? '', auth?.refresh_token ?? ''];
}

const ofBasic = (auth: AuthConfig | undefined) =>
  auth?.type === 'basic' ? { user: auth.user, password: auth.password } : {};
const ofBearer = (auth: AuthConfig | undefined) => (auth?.type === 'bearer' ? { bearer_token: auth.token } : {});
