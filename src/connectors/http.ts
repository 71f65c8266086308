/** Files of a web server. */
import { text } from 'node:stream/consumers';
import type { ConnectorContext, FileConnector, FileSource, ListRequest, RemoteFile } from '../ports/connector.ts';
import type { HttpClient, Reply } from './http/client.ts';
import { baseOf, type HttpConfig, httpSpec } from './http/config.ts';
import { expandPaths } from './http/date-paths.ts';
import { entriesOf, type IndexEntry, linksOf } from './http/index-page.ts';
import { changed, notFound, protocol, readOnly } from './lib/faults.ts';
import { requestFault } from './lib/network.ts';
import { checkFolder, checkPath, isSafePath, joinPath, parentOf } from './lib/paths.ts';
import { anySignal, gathered, sameVersion, verified } from './lib/reading.ts';

export const http: FileConnector<HttpConfig> = {
  kind: 'files',
  type: 'http',
  title: 'HTTP and HTTPS',
  spec: httpSpec,
  async open(config, context) {
    const { HttpClient } = await import('./http/client.ts');
    const source = new HttpSource(config, context, await HttpClient.create(config, context.projectDir));
    await source.tryBase();
    return source;
  },
};

class HttpSource implements FileSource {
  readonly capabilities: FileSource['capabilities'];
  readonly #config: HttpConfig;
  readonly #client: HttpClient;
  readonly #base: URL;
  readonly #signal: AbortSignal | undefined;

  constructor(config: HttpConfig, context: ConnectorContext, client: HttpClient) {
    this.capabilities = { resume: true, move: false, remove: false, parallelReads: config.connections };
    this.#config = config;
    this.#client = client;
    this.#base = baseOf(config);
    this.#signal = context.signal;
  }

  /** The server must answer and take the credentials; an index must be there if one is going to be read. */
  async tryBase(): Promise<void> {
    try {
      const reply = await this.#client.send({ method: 'HEAD', url: this.#base });
      const isFault = this.#config.paths ? reply.status === 401 || reply.status >= 500 : reply.status >= 400;
      if (isFault && reply.status !== 405) throw this.#client.fault(reply, this.#base.pathname);
    } catch (e) {
      this.#client.close();
      throw e;
    }
  }

  async *list({ folder, depth }: ListRequest): AsyncGenerator<RemoteFile> {
    checkFolder(folder);
    if (this.#config.paths) yield* this.#listPaths(this.#config.paths, folder, depth);
    else yield* this.#listIndex(folder, depth, new Set());
  }

  async *#listPaths(templates: string[], folder: string, depth: number): AsyncGenerator<RemoteFile> {
    for (const path of expandPaths(templates, new Date(), this.#config.look_back)) {
      if (folder !== '' && !path.startsWith(`${folder}/`)) continue;
      const levels = path.slice(folder === '' ? 0 : folder.length + 1).split('/').length - 1;
      const file = levels <= depth ? await this.stat(path) : undefined;
      if (file) yield file;
    }
  }

  /** What an index lists outside its own folder is not looked at. */
  async *#listIndex(folder: string, depth: number, entered: Set<string>): AsyncGenerator<RemoteFile> {
    entered.add(folder);
    for (const { below, bytes, modifiedAt } of await this.#readIndex(folder)) {
      const path = joinPath(folder, below.replace(/\/$/, ''));
      if (!isSafePath(path)) continue;
      if (!below.endsWith('/')) yield { path, bytes, modifiedAt };
      else if (depth > 0 && parentOf(path) === folder && !entered.has(path))
        yield* this.#listIndex(path, depth - 1, entered);
    }
  }

  async #readIndex(folder: string): Promise<IndexEntry[]> {
    const url = this.#urlOf(folder === '' ? '' : `${folder}/`);
    const reply = await this.#client.send({ method: 'GET', url });
    if (reply.status !== 200) {
      reply.body.resume();
      const fault = this.#client.fault(reply, folder);
      if (folder !== '' && fault.code === 'connector.not_found') return [];
      throw fault;
    }
    const page = await text(reply.body).catch((e) => {
      throw requestFault(this.#client.endpoint, `listing "${folder}"`, e);
    });
    // A redirect may have led elsewhere, and the links are relative to there.
    if (this.#config.index === 'html') return linksOf(page, reply.url);
    const entries = entriesOf(page);
    if (!entries) throw protocol(this.#client.endpoint, `the index of "${folder}" is no JSON list of names`);
    return entries;
  }

  async stat(path: string): Promise<RemoteFile | undefined> {
    const url = this.#urlOf(checkPath(path));
    let reply = await this.#client.send({ method: 'HEAD', url });
    if (reply.status === 405 || reply.status === 501) {
      reply = await this.#client.send({ method: 'GET', url, headers: { range: 'bytes=0-0' } });
      reply.body.destroy();
    }
    if (reply.status === 200 || reply.status === 206) {
      // A folder redirects to its index.
      return reply.url.pathname.endsWith('/') ? undefined : describe(path, reply);
    }
    const fault = this.#client.fault(reply, path);
    if (fault.code === 'connector.not_found') return undefined;
    throw fault;
  }

  async *read(path: string, options: { offset?: number; signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const before = await this.stat(path);
    if (!before) throw notFound(path);
    const { offset = 0 } = options;
    const signal = anySignal(this.#signal, options.signal);
    const reading = { endpoint: this.#client.endpoint, before, offset, after: () => this.stat(path), signal };
    yield* verified(reading, gathered(this.#download(before, offset, signal)));
  }

  async *#download(file: RemoteFile, offset: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const { path } = file;
    const headers = offset > 0 ? rangeHeaders(file, offset) : {};
    const reply = await this.#client.send({ method: 'GET', url: this.#urlOf(path), headers, signal });
    try {
      let skip = 0;
      if (reply.status === 206) {
        if (rangeOf(reply)?.start !== offset)
          throw protocol(this.#client.endpoint, `"${path}": not the range that was asked for`);
      } else if (reply.status === 200) {
        // The whole file: the server knows no ranges, or the file is another one now.
        if (!sameVersion(file, describe(path, reply))) throw changed(path);
        skip = offset;
      } else throw this.#client.fault(reply, path);
      for await (const chunk of reply.body as AsyncIterable<Buffer>) {
        const skipped = Math.min(skip, chunk.length);
        skip -= skipped;
        if (skipped < chunk.length) yield chunk.subarray(skipped);
      }
    } catch (e) {
      throw requestFault(this.#client.endpoint, `reading "${path}"`, e);
    } finally {
      reply.body.destroy();
    }
  }

  async move(path: string): Promise<void> {
    throw readOnly(path, 'http');
  }

  async remove(path: string): Promise<void> {
    throw readOnly(path, 'http');
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  #urlOf(path: string): URL {
    return new URL(this.#base.href + path.split('/').map(encodeURIComponent).join('/'));
  }
}

function describe(path: string, reply: Reply): RemoteFile {
  const { etag, 'last-modified': lastModified, 'content-length': length } = reply.headers;
  const total = reply.status === 206 ? rangeOf(reply)?.total : length === undefined ? undefined : Number(length);
  const modified = lastModified === undefined ? undefined : new Date(lastModified);
  const modifiedAt = modified && !Number.isNaN(modified.getTime()) ? modified.toISOString() : undefined;
  return { path, bytes: total, modifiedAt, ...(etag !== undefined && { tag: etag }) };
}

/** Only a strong tag, or a time, may tell a server that the rest belongs to what was read before (RFC 9110). */
function rangeHeaders(file: RemoteFile, offset: number): Record<string, string> {
  const tag = file.tag?.startsWith('W/') ? undefined : file.tag;
  const validator = tag ?? (file.modifiedAt && new Date(file.modifiedAt).toUTCString());
  return { range: `bytes=${offset}-`, ...(validator && { 'if-range': validator }) };
}

function rangeOf(reply: Reply): { start: number; total: number | undefined } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(reply.headers['content-range'] ?? '');
  return match ? { start: Number(match[1]), total: match[2] === '*' ? undefined : Number(match[2]) } : undefined;
}
