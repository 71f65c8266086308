/** Requests to the API until they are answered: authentication, limits, retries, whole bodies. */
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { asGranaryError, GranaryError } from '../../lib/errors.ts';
import { redact } from '../../lib/redact.ts';
import { HttpClient, type Reply } from '../http/client.ts';
import { authFailed, cancelled, denied, lost, notFound, protocol, unavailable } from '../lib/faults.ts';
import { requestFault } from '../lib/network.ts';
import type { AuthConfig, RestConfig } from './config.ts';
import { exhausted, Limiter, retryAfter, sleep } from './limiter.ts';
import type { Preset } from './presets/preset.ts';
import { Tokens } from './tokens.ts';

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

export interface Answer {
  status: number;
  headers: Reply['headers'];
  body: Buffer;
  /** By the server's clock where it tells, milliseconds. */
  at: number;
}

const SHOWN = 200;
const FIRST_BACKOFF_MS = 500;
const MOST_BACKOFF_MS = 60_000;
/** The server may have ended the pause a little later than it said. */
const SLACK_MS = 50;

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
  static async create(config: RestConfig, preset: Preset | undefined, projectDir: string): Promise<Requests> {
    const base = config.base ?? preset?.base;
    if (base === undefined)
      throw new GranaryError('config.invalid', 'The connector has no base: the URL that paths are appended to.');
    const { ca_file, timeout } = config;
    const auth = config.auth as AuthConfig | undefined;
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
    const tokens = auth?.type === 'oauth2' ? await Tokens.create(auth, { ca_file, timeout, projectDir }) : undefined;
    return new Requests(config, preset, base, client, tokens);
  }

  get atOnce(): number {
    return this.#config.rate.at_once;
  }

  /** What an operator should know of the credentials, once. */
  problem(): string | undefined {
    if (!this.#tokens?.rotated) return undefined;
    this.#tokens.rotated = false;
    return `${this.endpoint} gives out a new refresh token each time: the one in the secrets may be of no use any more. Ask for one that stays valid, or use client credentials.`;
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
    let renewed = false;
    let waitedMs = 0;
    for (;;) {
      if (signal?.aborted) throw cancelled(`asking for ${request.url.pathname}`);
      const token = await this.#tokens?.current(signal);
      let fault: GranaryError;
      let waitMs: number | undefined;
      try {
        const answer = await this.#limiter.run(() => this.#once(request, token, signal), signal);
        const { status } = answer;
        if ((status >= 200 && status < 300) || request.allowed?.includes(status)) {
          this.#limiter.answered();
          return { ...answer, checked: check(answer) };
        }
        fault = this.#fault(answer, request);
        if (status === 401 && token !== undefined && !renewed) {
          renewed = true;
          this.#tokens!.refused(token);
          continue;
        }
        if (!fault.transient) throw fault;
        if (status === 429) this.#limiter.refused();
        // So long as the server says when to come back, it is not counted as a failure.
        if (status === 429 || status === 503) waitMs = retryAfter(answer.headers, Date.now());
        if (status === 429) waitMs ??= exhausted(answer.headers, Date.now()) ?? backoff(++refusals);
      } catch (e) {
        fault = asGranaryError(e);
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
      this.#limiter.pause(waitMs + SLACK_MS);
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
      body: await this.#bodyOf(reply, asked),
      at: Date.parse(reply.headers.date ?? '') || Date.now(),
    };
    const pause = exhausted(reply.headers, Date.now());
    if (pause !== undefined && reply.status < 400)
      this.#limiter.pause(Math.min(pause, this.#config.retries.max_wait * 1000));
    return answer;
  }

  async #bodyOf({ body, headers }: Reply, asked: string): Promise<Buffer> {
    const most = this.#config.page_max_bytes;
    const chunks: Buffer[] = [];
    let bytes = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > most) throw tooLarge(this.endpoint, asked, most);
        chunks.push(chunk);
      }
    } catch (e) {
      throw requestFault(this.endpoint, asked, e);
    } finally {
      body.destroy();
    }
    const whole = Buffer.concat(chunks);
    const length = headers['content-length'];
    if (length !== undefined && Number(length) !== bytes)
      throw lost(this.endpoint, `${asked}: ${bytes} of ${length} bytes came`);
    return decoded(
      whole,
      headers['content-encoding'],
      most,
      () => tooLarge(this.endpoint, asked, most),
      (e) => lost(this.endpoint, asked, e),
    );
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

  close(): void {
    this.#client.close();
    this.#tokens?.close();
  }
}

/** An answer with a good status that is not what was asked for: cut off, or a page of a proxy. */
export class BadAnswer extends GranaryError {
  constructor(endpoint: string, path: string, problem: string, body: Buffer) {
    super('connector.protocol', `${endpoint}: the answer to ${path} ${problem}${said(body)}`);
  }
}

/** The beginning of what a server says, on one line. */
function said(body: Buffer): string {
  const text = redact(body.toString('utf8', 0, 4096))
    .replaceAll(/[\s\x00-\x1f\x7f]+/g, ' ')
    .trim();
  return text === '' ? '' : `: ${text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text}`;
}

/** Exponential, with half of it by chance so that many readers do not come back together. */
function backoff(failures: number): number {
  const most = Math.min(MOST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (failures - 1));
  return most / 2 + Math.random() * (most / 2);
}

const tooLarge = (endpoint: string, asked: string, most: number): GranaryError =>
  new GranaryError('connector.protocol', `${endpoint}: the answer is larger than ${most} bytes, while ${asked}`, {
    hint: 'Ask for smaller pages, or raise page_max_bytes of the connector.',
  });

/** Nothing compressed is asked for; some servers compress all the same. */
function decoded(
  body: Buffer,
  encoding: string | undefined,
  most: number,
  large: () => GranaryError,
  damaged: (e: unknown) => GranaryError,
): Buffer {
  const decode = { gzip: gunzipSync, 'x-gzip': gunzipSync, deflate: inflateSync, br: brotliDecompressSync }[
    encoding?.toLowerCase() ?? ''
  ];
  if (!decode) return body;
  try {
    return decode(body, { maxOutputLength: most });
  } catch (e) {
    throw (e as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE' ? large() : damaged(e);
  }
}

const ofBasic = (auth: AuthConfig | undefined) =>
  auth?.type === 'basic' ? { user: auth.user, password: auth.password } : {};
const ofBearer = (auth: AuthConfig | undefined) => (auth?.type === 'bearer' ? { bearer_token: auth.token } : {});
