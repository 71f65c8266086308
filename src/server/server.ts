/**
 * The HTTP API of an owner: on a socket in the data directory, which only its user can open, and where `listen` says so on TCP, where every
 * request needs a token. `<dataDir>/owner.api.json` says where it listens; it and the token in `<dataDir>/owner.token` end with the server.
 */
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { hostname } from 'node:os';
import { isAbsolute, resolve } from 'node:path';
import { GranaryError } from '../lib/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { StateStore } from '../ports/state-store.ts';
import { type ApiNote, apiPaths } from '../runtime/api-note.ts';
import type { LogEntry, Operations } from '../runtime/operations.ts';
import { requestHandler } from './handler.ts';
import { openApi } from './openapi.ts';
import { ENDPOINTS } from './routes.ts';
import { newOwnerToken, Tokens } from './tokens.ts';

export interface ServerSettings {
  /** Absolute. */
  dataDir: string;
  /** `127.0.0.1:4180`, `[::1]:4180`, or `unix:` and a path; only the socket of the data directory if not given. */
  listen?: string | undefined;
  /** Let other machines in: `listen` may be an address that is not of this machine alone. */
  expose?: boolean;
  /** Further names by which it is called. */
  hosts?: readonly string[];
  version: string;
  state: StateStore;
  clock: Clock;
  log(line: LogEntry): void;
  /** How long a reader may take nothing. */
  stallMs?: number;
}

export interface RunningServer {
  /** Where it listens. */
  addresses: ApiNote;
  /** Takes no more requests, ends streams, waits up to `graceMs` (5000) for answers, then breaks off what is left. */
  close(graceMs?: number): Promise<void>;
}

/** Errors: `api.listen`, for a place that is taken, or an address that other machines can reach without `expose`. */
export async function startServer(operations: Operations, settings: ServerSettings): Promise<RunningServer> {
  const { dataDir, log } = settings;
  const paths = apiPaths(dataDir);
  const extra = settings.listen === undefined ? undefined : placeOf(settings.listen, dataDir);
  if (extra?.kind === 'tcp' && !isLoopback(extra.host) && !settings.expose)
    throw new GranaryError('api.listen', `${settings.listen} can be reached by other machines.`, {
      hint: 'Set `server.expose: true` in granary.yaml if that is meant; requests then need a token, and TLS is best left to a proxy in front.',
    });
  const ownerToken = newOwnerToken();
  const closing = new AbortController();
  const description = openApi(ENDPOINTS, settings.version);
  const services = {
    operations,
    tokens: new Tokens(settings.state, settings.clock, ownerToken),
    describe: () => description,
    log,
    closing: closing.signal,
    ...(settings.stallMs !== undefined && { stallMs: settings.stallMs }),
  };
  const hosts = hostNames(extra?.kind === 'tcp' ? extra.host : undefined, settings);
  const servers: Server[] = [];
  const close = async (graceMs = 5000) => {
    closing.abort();
    await Promise.all([paths.note, paths.token].map((file) => rm(file, { force: true })));
    await Promise.all(servers.map((server) => closeServer(server, graceMs)));
  };
  try {
    const open = async (place: Place) => {
      const server = createServer(LIMITS, requestHandler({ ...services, local: place.kind === 'unix', hosts }));
      server.on('clientError', (_, socket) => {
        if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      });
      server.maxConnections = 512;
      await (place.kind === 'unix' ? listenOnSocket(server, place.path) : listenOnTcp(server, place));
      servers.push(server);
      return server;
    };
    // A path that is too long for a socket leaves TCP on this machine, with the token of the owner.
    const own: Place = fitsSocket(paths.socket)
      ? { kind: 'unix', path: paths.socket }
      : { kind: 'tcp', host: '127.0.0.1', port: 0 };
    const places = [own, ...(extra ? [extra] : [])];
    const note: ApiNote = { version: settings.version };
    for (const place of places) {
      const server = await open(place);
      if (place.kind === 'unix') note.socket ??= place.path;
      else note.tcp = urlOf(server);
    }
    await writePrivately(paths.token, `${ownerToken}\n`);
    await writePrivately(paths.note, `${JSON.stringify(note)}\n`);
    return { addresses: note, close };
  } catch (e) {
    await close(0);
    throw e;
  }
}

const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 2000,
  maxHeaderSize: 16_384,
};

type Place = { kind: 'unix'; path: string } | { kind: 'tcp'; host: string; port: number };

function placeOf(listen: string, dataDir: string): Place {
  const path = /^unix:(.+)$/.exec(listen)?.[1];
  if (path !== undefined) return { kind: 'unix', path: isAbsolute(path) ? path : resolve(dataDir, path) };
  const [, host, port] = /^(?:(\[[^\]]+\]|[^:]*):)?(\d+)$/.exec(listen) ?? [];
  if (port === undefined || Number(port) > 65_535)
    throw new GranaryError('api.listen', `"${listen}" is no place to listen at.`, {
      hint: 'Write host:port such as 127.0.0.1:4180, or unix:path.',
    });
  return { kind: 'tcp', host: (host || '127.0.0.1').replace(/^\[|\]$/g, ''), port: Number(port) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function hostNames(host: string | undefined, { expose, hosts = [] }: ServerSettings): Set<string> {
  const own = ['localhost', '127.0.0.1', '[::1]', ...(expose ? [hostname()] : []), ...(host ? [host] : []), ...hosts];
  return new Set(own.map((h) => h.toLowerCase()));
}

/** Linux takes 107 bytes, macOS 103. */
function fitsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= 103 && process.platform !== 'win32';
}

async function listenOnSocket(server: Server, path: string): Promise<void> {
  // The data directory is ours alone: a socket that is there is left over.
  await rm(path, { force: true });
  await listening(server, path, () => {
    // From its first moment nobody else may open it: binding happens within the call.
    const before = process.umask(0o177);
    server.listen(path);
    process.umask(before);
  });
  await chmod(path, 0o600);
}

async function listenOnTcp(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  await listening(server, `${host}:${port}`, () => server.listen(port, host));
}

async function listening(server: Server, where: string, listen: () => void): Promise<void> {
  await new Promise<void>((done, fail) => {
    server.once('listening', done).once('error', fail);
    listen();
  }).catch((cause: Error) => {
    throw new GranaryError('api.listen', `The API cannot listen at ${where}: ${cause.message}`, { cause });
  });
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/** By rename, so that nobody reads half of it, and never readable for others. */
async function writePrivately(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  await rm(temporary, { force: true });
  await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
  await rename(temporary, file);
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
}
