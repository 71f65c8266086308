/** Files of an SFTP server. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { FileEntry, Stats } from 'ssh2';
import { GranaryError } from '../lib/errors.ts';
import type { ConnectorContext, FileConnector, FileSource, ListRequest, RemoteFile } from '../ports/connector.ts';
import { authFailed, cancelled, exists, notFound } from './lib/faults.ts';
import { ancestorsOf, checkFolder, checkPath, isSafeName, joinPath } from './lib/paths.ts';
import { anySignal, verified } from './lib/reading.ts';
import { endpointOf, type SftpConfig, sftpSpec } from './sftp/config.ts';
import type { SftpSession } from './sftp/session.ts';

export const sftp: FileConnector<SftpConfig> = {
  kind: 'files',
  type: 'sftp',
  title: 'SFTP',
  spec: sftpSpec,
  async open(config, context) {
    const privateKey = await privateKeyOf(config, context.projectDir);
    const [{ openSession }, { pipelined }] = await Promise.all([
      import('./sftp/session.ts'),
      import('./sftp/pipeline.ts'),
    ]);
    const source = new SftpSource(config, context, () => openSession(config, privateKey), pipelined);
    await source.enterRoot();
    return source;
  },
};

async function privateKeyOf(config: SftpConfig, projectDir: string): Promise<string | undefined> {
  if (config.private_key !== undefined || config.private_key_file === undefined) return config.private_key;
  const path = resolve(projectDir, config.private_key_file);
  return readFile(path, 'utf8').catch((e) => {
    throw authFailed(endpointOf(config), e, `private_key_file "${path}" cannot be read.`);
  });
}

/** The library gives full Stats, its types say less. */
type Entry = FileEntry & { attrs: Stats };

class SftpSource implements FileSource {
  readonly capabilities: FileSource['capabilities'];
  readonly #endpoint: string;
  readonly #connect: () => Promise<SftpSession>;
  readonly #pipelined: typeof import('./sftp/pipeline.ts').pipelined;
  readonly #signal: AbortSignal | undefined;
  /** Absolute and free of links, once `enterRoot` has run. */
  #root: string;
  #session: Promise<SftpSession> | undefined;
  #closed = false;

  constructor(
    config: SftpConfig,
    context: ConnectorContext,
    connect: () => Promise<SftpSession>,
    pipelined: typeof import('./sftp/pipeline.ts').pipelined,
  ) {
    this.capabilities = { resume: true, move: true, remove: true, parallelReads: config.connections };
    this.#endpoint = endpointOf(config);
    this.#root = config.root ?? '.';
    this.#connect = connect;
    this.#pipelined = pipelined;
    this.#signal = context.signal;
  }

  /** Throws `connector.not_found` when the configured root is not there. */
  async enterRoot(): Promise<void> {
    try {
      const root = await this.#realpath(this.#root);
      if (!(await this.#attributes(root))?.isDirectory()) throw notFound(this.#root);
      this.#root = root;
    } catch (e) {
      await this.close();
      throw e;
    }
  }

  async *list({ folder, depth }: ListRequest): AsyncGenerator<RemoteFile> {
    const facts = await this.#attributes(this.#absolute(checkFolder(folder)));
    if (facts?.isDirectory()) yield* this.#walk(folder, depth);
  }

  /** Links are followed to files inside the root; linked folders are not entered. */
  async *#walk(folder: string, depth: number): AsyncGenerator<RemoteFile> {
    for (const entry of await this.#entries(folder)) {
      const path = joinPath(folder, entry.filename);
      if (entry.attrs.isDirectory()) {
        if (depth > 0) yield* this.#walk(path, depth - 1);
      } else if (entry.attrs.isFile()) yield describe(path, entry.attrs);
      else if (entry.attrs.isSymbolicLink()) {
        const file = await this.#linked(path);
        if (file) yield file;
      }
    }
  }

  async #entries(folder: string): Promise<Entry[]> {
    const session = await this.#connection();
    const entries = await session.call<FileEntry[]>(folder, `listing "${folder}"`, (done) =>
      session.sftp.readdir(this.#absolute(folder), done),
    );
    return (entries as Entry[]).filter((entry) => isSafeName(entry.filename));
  }

  async #linked(path: string): Promise<RemoteFile | undefined> {
    const real = await this.#realpath(this.#absolute(path)).catch((e) => {
      if (isNotFound(e)) return undefined;
      throw e;
    });
    const inside = this.#root.endsWith('/') ? this.#root : `${this.#root}/`;
    return real?.startsWith(inside) ? this.stat(path) : undefined;
  }

  async stat(path: string): Promise<RemoteFile | undefined> {
    const facts = await this.#attributes(this.#absolute(checkPath(path)), path);
    return facts?.isFile() ? describe(path, facts) : undefined;
  }

  async *read(path: string, options: { offset?: number; signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const before = await this.stat(path);
    if (!before) throw notFound(path);
    const { offset = 0 } = options;
    const signal = anySignal(this.#signal, options.signal);
    const reading = { endpoint: this.#endpoint, before, offset, after: () => this.stat(path), signal };
    yield* verified(reading, this.#download(path, offset, before.bytes ?? 0));
  }

  async *#download(path: string, offset: number, size: number): AsyncGenerator<Uint8Array> {
    const session = await this.#connection();
    const doing = `reading "${path}"`;
    const handle = await session.call<Buffer>(path, doing, (done) =>
      session.sftp.open(this.#absolute(path), 'r', done),
    );
    try {
      yield* this.#pipelined(session, handle, { path, offset, size });
    } finally {
      // What was read is checked by the caller; a handle that cannot be closed ends with its session.
      if (session.isAlive)
        await session
          .call<void>(path, doing, (done) => session.sftp.close(handle, done as () => void))
          .catch(() => undefined);
    }
  }

  /** Never overwrites: the protocol's rename refuses a name that is taken. */
  async move(path: string, to: string): Promise<void> {
    if (!(await this.stat(path))) throw notFound(path);
    if (await this.#attributes(this.#absolute(checkPath(to)), to)) throw exists(to);
    const session = await this.#connection();
    for (const folder of ancestorsOf(to)) {
      if (await this.#attributes(this.#absolute(folder), folder)) continue;
      await session.call<void>(folder, `making "${folder}"`, (done) =>
        session.sftp.mkdir(this.#absolute(folder), done as () => void),
      );
    }
    await session.call<void>(to, `moving "${path}"`, (done) =>
      session.sftp.rename(this.#absolute(path), this.#absolute(to), done as () => void),
    );
  }

  async remove(path: string): Promise<void> {
    if (!(await this.stat(path))) throw notFound(path);
    const session = await this.#connection();
    await session.call<void>(path, `removing "${path}"`, (done) =>
      session.sftp.unlink(this.#absolute(path), done as () => void),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    const session = await this.#session?.catch(() => undefined);
    session?.close();
  }

  /** The session, connected anew when it has died. Callers queue up behind one another, so only one of them connects. */
  #connection(): Promise<SftpSession> {
    const connect = () => {
      if (this.#closed || this.#signal?.aborted) throw cancelled('the source is closed: a request');
      return this.#connect();
    };
    this.#session = this.#session?.then((session) => (session.isAlive ? session : connect()), connect) ?? connect();
    return this.#session;
  }

  /** Of what a path leads to, links followed; undefined when there is nothing. */
  async #attributes(absolute: string, path: string = absolute): Promise<Stats | undefined> {
    const session = await this.#connection();
    try {
      return await session.call<Stats>(path, `asking for "${path}"`, (done) => session.sftp.stat(absolute, done));
    } catch (e) {
      if (isNotFound(e)) return undefined;
      throw e;
    }
  }

  async #realpath(path: string): Promise<string> {
    const session = await this.#connection();
    return session.call<string>(path, `entering "${path}"`, (done) => session.sftp.realpath(path, done));
  }

  #absolute(path: string): string {
    return joinPath(this.#root, path);
  }
}

function describe(path: string, facts: Stats): RemoteFile {
  return { path, bytes: facts.size, modifiedAt: new Date(facts.mtime * 1000).toISOString() };
}

function isNotFound(e: unknown): boolean {
  return e instanceof GranaryError && e.code === 'connector.not_found';
}
