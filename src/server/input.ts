/** What a request brings, read and checked: the host it means, who sends it, its parameters and its body. */
import type { IncomingMessage } from 'node:http';
import { GranaryError } from '../lib/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { type InputProblem, problemsOf, readParameters } from './schema.ts';
import type { Caller, Tokens } from './tokens.ts';

export const MAX_BODY_BYTES = 2 * 2 ** 20;

/**
 * A page in a browser can make its own name point to this machine; its requests then carry that name. So a server on TCP answers only to
 * names that are its own. Errors: `api.host`.
 */
export function checkHost(request: IncomingMessage, hosts: ReadonlySet<string>): void {
  const name = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(:\d+)?$/i.exec(request.headers.host ?? '')?.[1]?.toLowerCase();
  const local = request.socket.localAddress?.replace(/^::ffff:/, '');
  const own = name !== undefined && (hosts.has(name) || name === local || name === `[${local}]`);
  if (!own)
    throw new GranaryError('api.host', `This server is not ${request.headers.host ?? 'a host without a name'}.`, {
      hint: 'Names by which it may be called are listed in `server.hosts` of granary.yaml.',
    });
}

/** Who sends a request. `local`: it came by the socket that only the owner of the data directory can open. Errors: `api.unauthorized`. */
export async function callerOf(request: IncomingMessage, local: boolean, tokens: Tokens): Promise<Caller | undefined> {
  const { authorization } = request.headers;
  if (authorization === undefined) return local ? { name: 'owner', scopes: ['admin'] } : undefined;
  const token = /^Bearer +([\w~+/.-]+=*)$/i.exec(authorization)?.[1];
  const caller = token === undefined ? undefined : await tokens.bearer(token);
  if (caller) return caller;
  throw new GranaryError('api.unauthorized', 'The token is not valid, or was revoked.', { hint: HINT });
}

export function unauthorized(): GranaryError {
  return new GranaryError('api.unauthorized', 'This needs a token: `Authorization: Bearer …`.', { hint: HINT });
}
const HINT = '`granary token create NAME --scope read` makes one.';

/** Errors: `api.invalid`. */
export function queryOf({ query }: Endpoint, parameters: URLSearchParams): Record<string, unknown> {
  const value = readParameters(query!.json, parameters);
  refuse('parameters', problemsOf(query!.json, value));
  return value;
}

/** Errors: `api.invalid`, `api.too_large`, `api.media_type`. */
export async function bodyOf({ body }: Endpoint, request: IncomingMessage): Promise<Record<string, unknown>> {
  const bytes = await readBody(request);
  if (!body) {
    if (bytes.length > 0 && bytes.toString().trim() !== '{}')
      throw new GranaryError('api.invalid', 'This request takes no body.');
    return {};
  }
  if (bytes.length > 0 && !/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new GranaryError('api.media_type', 'The body must be JSON: `Content-Type: application/json`.');
  const value = bytes.length === 0 ? {} : parsed(bytes);
  refuse('body', problemsOf(body.json, value));
  return value as Record<string, unknown>;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => new GranaryError('api.too_large', `A body may have ${MAX_BODY_BYTES / 2 ** 20} MiB.`);
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MAX_BODY_BYTES) throw tooLarge();
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new GranaryError('api.invalid', 'The body is not JSON.');
  }
}

function refuse(what: string, problems: readonly InputProblem[]): void {
  if (problems.length === 0) return;
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  throw new GranaryError(
    'api.invalid',
    `The ${what} are not right: ${first!.pointer || 'it'} ${first!.detail}${more}.`.replace('body are', 'body is'),
    {
      details: { errors: problems },
    },
  );
}
