/** Files of an FTP or FTPS server. */
import { PassThrough } from 'node:stream';
import type { Client, FileInfo } from 'basic-ftp';
import type { ConnectorContext, FileConnector, FileSource, ListRequest, RemoteFile } from '../ports/connector.ts';
import { endpointOf, type FtpConfig, ftpSpec } from './ftp/config.ts';
import { denied, exists, notFound } from './lib/faults.ts';
import { ancestorsOf, checkFolder, checkPath, isSafeName, joinPath, nameOf, parentOf } from './lib/paths.ts';
import { Pool } from './lib/pool.ts';
import { anySignal, CHUNK_BYTES, gathered, verified } from './lib/reading.ts';

type Session = typeof import('./ftp/session.ts');

export const ftp: FileConnector<FtpConfig> = {
  kind: 'files',
  type: 'ftp',
  title: 'FTP and FTPS',
  spec: ftpSpec,
  async open(config, context) {
    const [session, { tlsOptions }] = await Promise.all([import('./ftp/session.ts'), import('./ftp/tls.ts')]);
    const tls = config.tls === 'none' ? {} : await tlsOptions(config, context.projectDir);
    const pool = new Pool<Client>({
      limit: config.connections,
      open: () => session.openSession(config, tls),
      isAlive: (client) => !client.closed,
      close: (client) => client.close(),
    });
    const source = new FtpSource(config, context, session, pool);
    await source.enterRoot();
    return source;
  },
};

class FtpSource implements FileSource {
  readonly capabilities: FileSource['capabilities'];
  readonly #endpoint: string;
  readonly #session: Session;
  readonly #pool: Pool<Client>;
  readonly #signal: AbortSignal | undefined;
  /** Absolute, once `enterRoot` has run. */
  #root: string;

  constructor(config: FtpConfig, context: ConnectorContext, session: Session, pool: Pool<Client>) {
    this.capabilities = { resume: true, move: true, remove: true, parallelReads: config.connections };
    this.#endpoint = endpointOf(config);
    this.#root = config.root ?? '';
    this.#session = session;
    this.#pool = pool;
    this.#signal = context.signal;
  }

  /** Finds out the absolute root. Throws `connector.not_found` when the configured one is not there. */
  async enterRoot(): Promise<void> {
    this.#root = await this.#ask(`entering "${this.#root}"`, async (client) => {
      if (this.#root) await client.cd(this.#root);
      return client.pwd();
    }).catch((e) => {
      this.#pool.closeAll();
      throw this.#session.isPathRefusal(e) ? notFound(this.#root, e) : e;
    });
  }

  async *list({ folder, depth }: ListRequest): AsyncGenerator<RemoteFile> {
    if (await this.#hasFolder(checkFolder(folder))) yield* this.#walk(folder, depth);
  }

  /** Linked files are listed, linked folders are not entered: where a link leads cannot be asked over FTP. */
  async *#walk(folder: string, depth: number): AsyncGenerator<RemoteFile> {
    for (const entry of await this.#entries(folder)) {
      const path = joinPath(folder, entry.name);
      if (entry.isDirectory && depth > 0) yield* this.#walk(path, depth - 1);
      else if (entry.isFile) yield describe(path, entry);
      else if (entry.isSymbolicLink) {
        const file = await this.stat(path);
        if (file) yield file;
      }
    }
  }

  /** A folder that is missing is seen so in the listing of the one above it. */
  async #hasFolder(folder: string): Promise<boolean> {
    for (const path of folder === '' ? [] : [...ancestorsOf(folder), folder]) {
      const entries = await this.#entries(parentOf(path));
      if (!entries.some((entry) => entry.name === nameOf(path) && !entry.isFile)) return false;
    }
    return true;
  }

  async #entries(folder: string): Promise<FileInfo[]> {
    const absolute = joinPath(this.#root, folder);
    const entries = await this.#ask(`listing "${folder}"`, async (client) => {
      await client.cd(absolute);
      return client.list();
    }).catch((e) => {
      throw this.#session.isPathRefusal(e) ? denied(folder, (e as Error).message, e) : e;
    });
    return entries.filter((entry) => isSafeName(entry.name));
  }

  async stat(path: string): Promise<RemoteFile | undefined> {
    const absolute = joinPath(this.#root, checkPath(path));
    const { isPathRefusal, isUnsupported } = this.#session;
    const isKnown = (e: unknown) => isPathRefusal(e) || isUnsupported(e);
    try {
      // SIZE and MDTM are answered for files only, links followed.
      const doing = `asking for "${path}"`;
      const bytes = await this.#ask(doing, (client) => client.size(absolute), isKnown);
      const modified = await this.#ask(doing, (client) => client.lastMod(absolute), isKnown).catch((e) => {
        if (isKnown(e)) return undefined;
        throw e;
      });
      return { path, bytes, modifiedAt: modified?.toISOString() };
    } catch (e) {
      if (isPathRefusal(e)) return undefined;
      if (!isUnsupported(e) || !(await this.#hasFolder(parentOf(path)))) throw e;
      const entry = (await this.#entries(parentOf(path))).find((entry) => entry.isFile && entry.name === nameOf(path));
      return entry && describe(path, entry);
    }
  }

  async *read(path: string, options: { offset?: number; signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const before = await this.stat(path);
    if (!before) throw notFound(path);
    const { offset = 0 } = options;
    const signal = anySignal(this.#signal, options.signal);
    const reading = { endpoint: this.#endpoint, before, offset, after: () => this.stat(path), signal };
    yield* verified(reading, gathered(this.#download(path, offset, signal)));
  }

  /** The bytes as they come. A connection whose transfer did not end well is closed: nobody knows what it will say next. */
  async *#download(path: string, offset: number, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const client = await this.#pool.acquire();
    let ended = false;
    const pipe = new PassThrough({ highWaterMark: CHUNK_BYTES, ...(signal && { signal }) });
    const transfer = client.downloadTo(pipe, joinPath(this.#root, path), offset).catch((e) => {
      pipe.destroy(e);
      throw e;
    });
    try {
      yield* pipe;
      await transfer;
      ended = true;
    } catch (e) {
      // It was there a moment ago.
      throw this.#session.isPathRefusal(e)
        ? denied(path, (e as Error).message, e)
        : this.#session.replyFault(this.#endpoint, `reading "${path}"`, e);
    } finally {
      if (ended) this.#pool.release(client);
      else this.#pool.discard(client);
      await transfer.catch(() => undefined);
    }
  }

  /** Looks whether the target is free, then renames: another writer of the same name in between would be overwritten by some servers. */
  async move(path: string, to: string): Promise<void> {
    if (!(await this.stat(path))) throw notFound(path);
    if (await this.stat(to)) throw exists(to);
    await this.#ask(`moving "${path}"`, async (client) => {
      // A folder that exists is refused, as is one that may not be made: then the rename fails.
      for (const folder of ancestorsOf(to)) await client.sendIgnoringError(`MKD ${joinPath(this.#root, folder)}`);
      await client.rename(joinPath(this.#root, path), joinPath(this.#root, to));
    }).catch((e) => {
      throw this.#session.isPathRefusal(e) ? denied(to, (e as Error).message, e) : e;
    });
  }

  async remove(path: string): Promise<void> {
    if (!(await this.stat(path))) throw notFound(path);
    await this.#ask(`removing "${path}"`, (client) => client.remove(joinPath(this.#root, path))).catch((e) => {
      throw this.#session.isPathRefusal(e) ? denied(path, (e as Error).message, e) : e;
    });
  }

  async close(): Promise<void> {
    this.#pool.closeAll();
  }

  /** One conversation on a connection of the pool. Replies that are `expected` come as they are, all other errors as GranaryErrors. */
  async #ask<T>(
    doing: string,
    talk: (client: Client) => Promise<T>,
    expected: (e: unknown) => boolean = this.#session.isPathRefusal,
  ): Promise<T> {
    return this.#pool.use(talk, expected).catch((e) => {
      throw expected(e) ? e : this.#session.replyFault(this.#endpoint, doing, e);
    });
  }
}

function describe(path: string, entry: FileInfo): RemoteFile {
  return { path, bytes: entry.size, modifiedAt: entry.modifiedAt?.toISOString() };
}
