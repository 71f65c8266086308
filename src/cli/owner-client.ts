/** The API of the process that owns a data directory, for commands: by its socket, or on TCP with the token that it leaves for its own user. */
import { readFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { GranaryError, reviveError, type SerializedError } from '../lib/errors.ts';
import type { QueryOptions, QueryResult } from '../ports/warehouse.ts';
import { type ApiNote, apiPaths } from '../runtime/api-note.ts';
import { type Holder, readHolder } from '../runtime/lock.ts';
import type { FollowedEvent } from '../runtime/operations.ts';

type Parameters = Record<string, string | number | boolean | readonly string[] | undefined>;
interface Asking {
  query?: Parameters;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** The running owner, if there is one that has an API: `granary up`. Another owner, such as `granary gc`, has none. */
export async function findOwner(dataDir: string): Promise<OwnerClient | undefined> {
  const holder = await readHolder(dataDir);
  if (!holder) return undefined;
  const { note, token } = apiPaths(dataDir);
  try {
    const place = JSON.parse(await readFile(note, 'utf8')) as ApiNote;
    return new OwnerClient(holder, place, (await readFile(token, 'utf8')).trim());
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'EACCES')
      throw new GranaryError('api.unreachable', `"${holder.command}" (process ${holder.pid}) runs as another user.`, {
        hint: 'Run this command as the user who owns the data directory.',
      });
    return undefined;
  }
}

/** Errors of every call: those of the operation; `api.unreachable` (transient). */
export class OwnerClient {
  readonly holder: Holder;
  readonly #place: ApiNote;
  readonly #token: string;

  constructor(holder: Holder, place: ApiNote, token: string) {
    this.holder = holder;
    this.#place = place;
    this.#token = token;
  }

  async get<T>(path: string, query?: Parameters): Promise<T> {
    return JSON.parse(await text(await this.#ask('GET', path, { ...(query && { query }) }))) as T;
  }

  async text(path: string): Promise<string> {
    return text(await this.#ask('GET', path, {}));
  }

  async post<T>(path: string, body?: unknown): Promise<T> {
    return JSON.parse(await text(await this.#ask('POST', path, { body }))) as T;
  }

  async remove<T>(path: string): Promise<T> {
    return JSON.parse(await text(await this.#ask('DELETE', path, {}))) as T;
  }

  /** Lines of JSON, until the answer ends or `signal` aborts. */
  async *lines<T>(path: string, asking: { query?: Parameters; signal?: AbortSignal }): AsyncGenerator<T> {
    for await (const line of readLines(await this.#ask('GET', path, asking)))
      if (line !== '') yield JSON.parse(line) as T;
  }

  /** What a run tells, to its end. Errors: `api.unreachable` when the owner ends before the run. */
  async *follow(run: string, signal: AbortSignal): AsyncGenerator<FollowedEvent> {
    const path = `/v1/runs/${encodeURIComponent(run)}/events`;
    let seq = 0;
    for await (const line of readLines(await this.#ask('GET', path, { signal }))) {
      if (line.startsWith('id: ')) seq = Number(line.slice(4));
      if (line.startsWith('data: ')) yield { seq, event: JSON.parse(line.slice(6)) as FollowedEvent['event'] };
    }
  }

  /** As `Warehouse.query`. */
  async query(sql: string, { maxRows, signal }: QueryOptions = {}): Promise<QueryResult> {
    const answer = await this.#ask('POST', '/v1/query', {
      body: { sql, ...(maxRows !== undefined && { maxRows }) },
      signal,
    });
    const lines = readLines(answer)[Symbol.asyncIterator]();
    const first = await lines.next();
    const { columns } = JSON.parse(first.value ?? '{}') as Pick<QueryResult, 'columns'>;
    let truncated = false;
    async function* batches(): AsyncGenerator<unknown[][]> {
      let batch: unknown[][] = [];
      for (let line = await lines.next(); !line.done; line = await lines.next()) {
        if (line.value === '') continue;
        const value = JSON.parse(line.value) as unknown[] | { end: { truncated: boolean } } | { error: Problem };
        if (Array.isArray(value)) {
          batch.push(value);
          if (batch.length < BATCH) continue;
        } else if ('error' in value) throw errorOf(value.error);
        yield batch;
        batch = [];
        if ('end' in value) {
          truncated = (value as { end: { truncated: boolean } }).end.truncated;
          return;
        }
      }
      throw new GranaryError('query.incomplete', 'The connection to the owner broke before the last row.', {
        transient: true,
      });
    }
    return { columns, batches: batches(), truncated: () => truncated };
  }

  async #ask(method: string, path: string, { query = {}, body, signal }: Asking): Promise<IncomingMessage> {
    const { socket, tcp } = this.#place;
    const url = new URL(path, socket ? 'http://granary' : tcp);
    for (const [name, value] of Object.entries(query))
      for (const v of Array.isArray(value) ? value : value === undefined ? [] : [value])
        url.searchParams.append(name, String(v));
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      ...(!socket && { authorization: `Bearer ${this.#token}` }),
      ...(sent !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
    };
    const answer = await new Promise<IncomingMessage>((done, fail) => {
      const options = { method, headers, ...(socket && { socketPath: socket }), ...(signal && { signal }) };
      request(url, options, done)
        .on('error', (e) => fail(this.#unreachable(e, signal)))
        .end(sent);
    });
    if (answer.statusCode! < 400) return answer;
    throw errorOf(JSON.parse(await text(answer)) as Problem);
  }

  #unreachable(cause: Error, signal: AbortSignal | undefined): GranaryError {
    if (signal?.aborted) return new GranaryError('cancelled', 'Stopped by request.');
    const { command, pid } = this.holder;
    return new GranaryError('api.unreachable', `"${command}" (process ${pid}) does not answer: ${cause.message}`, {
      transient: true,
      cause,
      hint: 'It may be starting or ending: try again.',
    });
  }
}

const BATCH = 2048;

type Problem = Omit<SerializedError, 'message'> & { detail: string; errors?: unknown };

function errorOf({ detail, errors, details, ...rest }: Problem): GranaryError {
  const all = { ...details, ...(errors !== undefined && { errors }) };
  return reviveError({ ...rest, message: detail, ...(Object.keys(all).length > 0 && { details: all }) });
}

/** Errors: `api.unreachable` when the connection breaks. */
async function* readLines(answer: IncomingMessage): AsyncGenerator<string> {
  const lines = createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) yield line;
  if (!answer.complete)
    throw new GranaryError('api.unreachable', 'The connection to the owner broke.', {
      transient: true,
      hint: 'What was started goes on when the owner is started again: `granary runs` shows it.',
    });
}
