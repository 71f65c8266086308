/** One request from its arrival to its answer, and the line about it in the log. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GranaryError } from '../lib/errors.ts';
import { allows, type Scope } from '../model/api-tokens.ts';
import type { LogEntry } from '../runtime/operations.ts';
import { type Endpoint, Reply, type Services } from './endpoint.ts';
import { bodyOf, callerOf, checkHost, queryOf, unauthorized } from './input.ts';
import { sendJson, sendProblem, sendStream, sendText } from './output.ts';
import { problemOf } from './problem.ts';
import { findRoute } from './routes.ts';
import type { Caller } from './tokens.ts';

export interface HandlerOptions extends Services {
  /** The socket that only the owner of the data directory can open: no token is needed there. */
  local: boolean;
  /** Names that this server has; on the local socket any. */
  hosts: ReadonlySet<string>;
  log(line: LogEntry): void;
  /** Aborts when the server closes: streams end. */
  closing: AbortSignal;
  stallMs?: number;
}

export function requestHandler(options: HandlerOptions): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const started = performance.now();
    const id = randomBytes(6).toString('hex');
    response.setHeader('X-Request-Id', id);
    const facts: { caller?: string; code?: string; message?: string } = {};
    response.on('close', () => {
      const { status, quiet } = {
        status: response.statusCode,
        quiet: /^\/(health|ready|metrics)\b/.test(request.url ?? ''),
      };
      options.log({
        level: status >= 500 ? 'error' : quiet ? 'debug' : 'info',
        message: `${request.method} ${pathOf(request)} ${status}`,
        request: id,
        ms: Math.round(performance.now() - started),
        by: facts.caller ?? null,
        from: options.local ? 'socket' : (request.socket.remoteAddress ?? null),
        ...(facts.code !== undefined && { code: facts.code, problem: facts.message }),
        ...(!response.writableFinished && { broken: true }),
      });
    });
    respond(request, response, options, (name) => {
      facts.caller = name;
    }).catch((e: unknown) => {
      const problem = problemOf(e);
      facts.code = problem.code;
      facts.message = problem.detail;
      sendProblem(response, problem);
    });
  };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: HandlerOptions,
  isBy: (name: string) => void,
): Promise<void> {
  if (!options.local) checkHost(request, options.hosts);
  const { pathname, searchParams } = urlOf(request);
  const { endpoint, path } = findRoute(request.method ?? 'GET', pathname);
  const caller = await callerOf(request, options.local, options.tokens);
  if (caller) isBy(caller.name);
  checkScope(endpoint, caller);
  const query = queryOf(endpoint, searchParams);
  const body = await bodyOf(endpoint, request);
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const signal = AbortSignal.any([gone.signal, options.closing]);
  const result = await endpoint.handle(
    {
      path,
      query,
      body,
      headers: request.headers,
      by: caller?.name ?? 'nobody',
      allows: (scope: Scope) => caller !== undefined && allows(caller.scopes, scope),
      signal,
    },
    options,
  );
  const { answer } = endpoint;
  const { body: value, status } = result instanceof Reply ? result : new Reply(result, endpoint.status ?? 200);
  if (answer.kind === 'json') sendJson(response, status, value);
  else if (answer.kind === 'text') sendText(response, status, answer.contentType, value as string);
  else
    await sendStream(response, answer.contentType, value as AsyncIterable<string>, {
      signal,
      ...(options.stallMs !== undefined && { stallMs: options.stallMs }),
    });
}

function checkScope({ scope }: Endpoint, caller: Caller | undefined): void {
  if (scope === null) return;
  if (!caller) throw unauthorized();
  if (!allows(caller.scopes, scope))
    throw new GranaryError(
      'api.forbidden',
      `This needs a token with the scope ${scope}; ${caller.name} has ${caller.scopes.join(', ') || 'none'}.`,
    );
}

function urlOf(request: IncomingMessage): URL {
  const url = URL.parse(request.url ?? '/', 'http://granary');
  if (!url || !request.url?.startsWith('/')) throw new GranaryError('api.invalid', 'The path is not encoded well.');
  return url;
}

/** Without parameters: they may hold names of files. */
function pathOf(request: IncomingMessage): string {
  return (request.url ?? '').split('?')[0]!.slice(0, 200);
}
