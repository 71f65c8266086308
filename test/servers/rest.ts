/** An API over HTTP that pages in every way, limits, fails, lets its tokens expire, and changes under the reader. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { LOOPBACK } from './processes.ts';
import { type Api, type ApiAnswer, answerOf, CLIENT, type Record_ } from './rest-api.ts';

/** What goes wrong with one answer. `slow`: it comes after a while; `silent`: never; `gzip`: compressed, which nobody asked for. */
export type Fault =
  | 'status_500'
  | 'status_503'
  | 'cut'
  | 'half_chunked'
  | 'long'
  | 'html'
  | 'slow'
  | 'silent'
  | 'reset'
  | 'gzip';

export interface Call {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
  status: number;
}

export interface RestServer extends Api {
  url: string;
  /** All that were answered, refusals too. */
  calls: Call[];
  /** Answered at the same time, at most. */
  mostAtOnce: number;
  /** Requests are refused with 401 unless this holds. */
  authorize: ((request: IncomingMessage, url: URL) => boolean) | undefined;
  /** What is answered instead, when it does not hold. */
  refusal: { status: number; headers: Record<string, string> } | undefined;
  /** A bucket of so many tokens that is filled with so many a second; an empty one is a 429. */
  bucket: { size: number; perSecond: number; told: 'seconds' | 'date' | 'headers' | 'nothing' } | undefined;
  /** So many requests to come are refused with 429. */
  storm: number;
  /** What the storm says: the value of Retry-After. */
  retryAfter: string | undefined;
  /** Asked for each request in order, from 1. */
  faultOf: (request: number, url: URL) => Fault | undefined;
  /** Told of each page before it is sent. */
  onPage: (url: URL, server: RestServer) => void;
  /** Milliseconds that each answer takes. */
  delayMs: number;
  stop(): Promise<void>;
}

/** `rows`: contacts with ids from 1 and times of change a minute apart. */
export async function startRestServer(rows = 0): Promise<RestServer> {
  let tokens = Number.NaN;
  let filledAt = Date.now();
  let requests = 0;
  let atOnce = 0;
  const server: RestServer = {
    url: '',
    calls: [],
    mostAtOnce: 0,
    contacts: contacts(rows),
    orders: new Map(),
    tokens: new Map(),
    tokenSeconds: 3600,
    toldLife: undefined,
    rotates: false,
    asked: 0,
    refresh: CLIENT.refresh,
    most: 1000,
    authorize: undefined,
    refusal: undefined,
    bucket: undefined,
    storm: 0,
    retryAfter: '0',
    faultOf: () => undefined,
    onPage: () => undefined,
    delayMs: 0,
    stop: async () => undefined,
  };

  const refusal = (): { status: number; headers: Record<string, string> } | undefined => {
    if (server.storm > 0) {
      server.storm--;
      return { status: 429, headers: server.retryAfter === undefined ? {} : { 'retry-after': server.retryAfter } };
    }
    if (!server.bucket) return undefined;
    const { size, perSecond, told } = server.bucket;
    const now = Date.now();
    tokens = Math.min(size, (Number.isNaN(tokens) ? size : tokens) + ((now - filledAt) / 1000) * perSecond);
    filledAt = now;
    if (tokens >= 1) {
      tokens--;
      return undefined;
    }
    const wait = (1 - tokens) / perSecond;
    const at = new Date(now + wait * 1000 + 1000).toUTCString();
    const headers = {
      seconds: { 'retry-after': String(Math.ceil(wait)) },
      date: { 'retry-after': at },
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.ceil(wait)) },
      nothing: {},
    }[told];
    return { status: 429, headers: headers as Record<string, string> };
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url!, server.url);
    const number = ++requests;
    const body = await text(request);
    const call: Call = { method: request.method!, url: request.url!, headers: request.headers, body, status: 200 };
    server.calls.push(call);
    const fault = server.faultOf(number, url);
    if (server.delayMs > 0 || fault === 'slow')
      await new Promise((r) => setTimeout(r, fault === 'slow' ? 300 : server.delayMs));
    const refused = refusal();
    const isToken = url.pathname === '/oauth/token';
    let answer: ApiAnswer;
    if (refused) answer = { ...refused, body: { error: 'too many requests' } };
    else if (!isToken && server.authorize && !server.authorize(request, url))
      answer = { status: 401, ...server.refusal, body: { error: 'who are you?' } };
    else {
      answer = answerOf(server, { method: call.method, url, headers: request.headers, body });
      if (answer.status === undefined) server.onPage(url, server);
    }
    call.status = answer.status ?? 200;
    send(response, answer, fault, call);
  };

  const listener = createServer((request, response) => {
    atOnce++;
    server.mostAtOnce = Math.max(server.mostAtOnce, atOnce);
    response.on('close', () => atOnce--);
    handle(request, response).catch((e) => response.destroy(e as Error));
  });
  await new Promise<void>((listening) => listener.listen(0, LOOPBACK, listening));
  server.url = `http://${LOOPBACK}:${(listener.address() as AddressInfo).port}`;
  server.stop = async () => {
    listener.closeAllConnections();
    await new Promise((closed) => listener.close(closed));
  };
  return server;
}

function send(response: ServerResponse, answer: ApiAnswer, fault: Fault | undefined, call: Call): void {
  const body = Buffer.from(answer.raw ?? JSON.stringify(answer.body));
  const headers = { 'content-type': 'application/json', ...answer.headers };
  const half = body.subarray(0, Math.max(1, Math.floor(body.length / 2)));
  switch (fault) {
    case 'silent':
      return;
    case 'reset':
      response.socket!.resetAndDestroy();
      return;
    case 'status_500':
    case 'status_503':
      call.status = Number(fault.slice(-3));
      response.writeHead(call.status, { 'content-type': 'text/plain' }).end('a fault of the server');
      return;
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please log in</html>');
      return;
    case 'cut':
      response.writeHead(200, { ...headers, 'content-length': String(body.length) });
      response.write(half, () => response.socket?.destroy());
      return;
    case 'half_chunked':
      // The connection ends where the body says that it goes on.
      response.writeHead(200, headers);
      response.write(half, () => response.socket?.end());
      return;
    case 'gzip':
      response.writeHead(200, { ...headers, 'content-encoding': 'gzip' }).end(gzipSync(body));
      return;
    case 'long':
      // Half a page whose length says that it is whole.
      response.writeHead(200, { ...headers, 'content-length': String(half.length) }).end(half);
      return;
    default:
      response.writeHead(answer.status ?? 200, { ...headers, 'content-length': String(body.length) }).end(body);
  }
}

const START = Date.parse('2024-01-01T00:00:00Z');

export function contacts(rows: number, from = 1): Record_[] {
  return Array.from({ length: rows }, (_, i) => contact(from + i));
}

export function contact(id: number, minute = id): Record_ {
  return {
    id,
    name: `Contact ${id}`,
    // More digits than a double has.
    balance: `${id}.12345678901234567`,
    updated_at: new Date(START + minute * 60_000).toISOString(),
  };
}
