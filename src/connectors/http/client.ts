/** Requests to one server: authentication, timeouts, redirects, and what statuses mean. */
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { resolve } from 'node:path';
import type { GranaryError } from '../../lib/errors.ts';
import { authFailed, changed, denied, notFound, protocol, unavailable } from '../lib/faults.ts';
import { requestFault } from '../lib/network.ts';
import { baseOf, type HttpConfig } from './config.ts';

const MAX_REDIRECTS = 5;

export interface Reply {
  status: number;
  headers: IncomingMessage['headers'];
  /** Of the last redirect. */
  url: URL;
  /** To be read to its end or destroyed. */
  body: IncomingMessage;
}

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST';
  url: URL;
  headers?: Record<string, string>;
  /** Headers for the configured origin only, as those of the configuration are. */
  credentials?: Record<string, string>;
  body?: Uint8Array;
  signal?: AbortSignal;
}

export type ClientConfig = Pick<HttpConfig, 'url' | 'headers' | 'ca_file' | 'connections' | 'timeout'> &
  Partial<Pick<HttpConfig, 'user' | 'password' | 'bearer_token'>>;

export class HttpClient {
  readonly endpoint: string;
  readonly #base: URL;
  readonly #timeoutMs: number;
  readonly #headers: Record<string, string>;
  readonly #agents: { 'http:': HttpAgent; 'https:': HttpsAgent };

  private constructor(config: ClientConfig, ca: Buffer | undefined) {
    this.#base = baseOf(config);
    this.endpoint = this.#base.origin;
    this.#timeoutMs = config.timeout * 1000;
    this.#headers = { ...config.headers, ...authorization(config) };
    const pooling = { keepAlive: true, maxSockets: config.connections };
    this.#agents = { 'http:': new HttpAgent(pooling), 'https:': new HttpsAgent({ ...pooling, ...(ca && { ca }) }) };
  }

  static async create(config: ClientConfig, projectDir: string): Promise<HttpClient> {
    const ca = config.ca_file === undefined ? undefined : await readFile(resolve(projectDir, config.ca_file));
    return new HttpClient(config, ca);
  }

  /**
   * Follows redirects; credentials go to the configured origin only, and never from https to http.
   * Any status is a reply; errors are those of the connection: `connector.unreachable`, `.tls`, `.lost`.
   */
  async send(request: HttpRequest): Promise<Reply> {
    const { url } = request;
    let at = url;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const body = await this.#once(request, at);
      const { statusCode: status = 0, headers: received } = body;
      const next = [301, 302, 303, 307, 308].includes(status) ? URL.parse(received.location ?? '', at.href) : null;
      if (!next) return { status, headers: received, url: at, body };
      body.resume();
      // What is sent again by 301 to 303 would be a GET without the body: another question.
      if (request.method === 'POST' && status < 307) throw protocol(this.endpoint, `${at.pathname} redirects a POST`);
      // The body may hold the secret of a client.
      if (request.method === 'POST' && next.origin !== at.origin)
        throw protocol(this.endpoint, `${at.pathname} redirects a POST to another server, ${next.host}`);
      if (next.protocol !== 'https:' && (at.protocol === 'https:' || next.protocol !== 'http:'))
        throw protocol(
          this.endpoint,
          `${at.pathname} redirects to ${next.protocol}//${next.host}, which is not secure`,
        );
      at = next;
    }
    throw protocol(this.endpoint, `${url.pathname} redirects more than ${MAX_REDIRECTS} times`);
  }

  #once({ method, headers, credentials, body, signal }: HttpRequest, url: URL): Promise<IncomingMessage> {
    const isHttps = url.protocol === 'https:';
    const options = {
      method,
      agent: this.#agents[isHttps ? 'https:' : 'http:'],
      headers: {
        'user-agent': 'granary',
        // A compressed transfer would hide the file's own length.
        'accept-encoding': 'identity',
        ...(url.origin === this.#base.origin && { ...this.#headers, ...credentials }),
        ...headers,
        ...(body && { 'content-length': String(body.length) }),
      },
      ...(signal && { signal }),
    };
    return new Promise((received, failed) => {
      const request = (isHttps ? httpsRequest : httpRequest)(url, options);
      let response: IncomingMessage | undefined;
      const onSilence = () => {
        // Silence that the reader makes, by not reading, is not the server's.
        if (response && response.readableLength > 0) request.setTimeout(this.#timeoutMs);
        else request.destroy(new Error(`silent for ${this.#timeoutMs / 1000} s`));
      };
      request
        .on('timeout', onSilence)
        .on('error', (e) => failed(requestFault(this.endpoint, `asking for ${url.pathname}`, e)))
        .on('response', (r) => {
          response = r;
          // Without a body, but the connection is free only once its end was seen.
          if (method === 'HEAD') r.resume();
          received(r);
        });
      request.setTimeout(this.#timeoutMs);
      request.end(body);
    });
  }

  /** The error that a status is. */
  fault({ status }: Reply, path: string): GranaryError {
    const cause = new Error(`HTTP status ${status}`);
    if (status === 401 || status === 407) return authFailed(this.endpoint, cause);
    if (status === 403) return denied(path, cause.message, cause);
    if (status === 404 || status === 410) return notFound(path, cause);
    if (status === 412 || status === 416) return changed(path);
    if (status === 408 || status === 425 || status === 429 || status >= 500)
      return unavailable(this.endpoint, `asking for "${path}"`, cause);
    return protocol(this.endpoint, `an answer that makes no sense here, to "${path}"`, cause);
  }

  close(): void {
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }
}

function authorization(config: ClientConfig): Record<string, string> {
  if (config.bearer_token !== undefined) return { authorization: `Bearer ${config.bearer_token}` };
  if (config.user === undefined) return {};
  const pair = Buffer.from(`${config.user}:${config.password ?? ''}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}
