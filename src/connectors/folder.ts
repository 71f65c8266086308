/** Files of a folder on this machine or on a mounted share. */
import { lstat, mkdir, open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { GranaryError } from '../lib/errors.ts';
import { s } from '../lib/spec/fields.ts';
import type { Infer } from '../lib/spec/spec.ts';
import type { FileConnector, FileSource, ListRequest, RemoteFile } from '../ports/connector.ts';
import { denied, exists, lost, notFound } from './lib/faults.ts';
import { codeOf } from './lib/network.ts';
import { checkFolder, checkPath, joinPath } from './lib/paths.ts';
import { anySignal, CHUNK_BYTES, verified } from './lib/reading.ts';

const spec = s.object(
  {
    path: s.text({
      doc: 'The folder, absolute or relative to the project. Links are followed to files inside it, never out of it.',
      example: '/srv/drop/stores',
    }),
  },
  { doc: 'Reads files from a folder.' },
);
export type FolderConfig = Infer<typeof spec>;

export const folder: FileConnector<FolderConfig> = {
  kind: 'files',
  type: 'folder',
  title: 'Folder',
  spec,
  async open(config, context) {
    const path = resolve(context.projectDir, config.path);
    const root = await realpath(path).catch((e) => {
      throw fault(path, e);
    });
    if (!(await stat(root)).isDirectory()) throw denied(path, 'it is a file, not a folder');
    return new FolderSource(root, context.signal);
  },
};

class FolderSource implements FileSource {
  readonly capabilities = { resume: true, move: true, remove: true, parallelReads: 4 };
  /** Absolute, all links resolved. */
  readonly #root: string;
  readonly #signal: AbortSignal | undefined;

  constructor(root: string, signal: AbortSignal | undefined) {
    this.#root = root;
    this.#signal = signal;
  }

  async *list({ folder, depth }: ListRequest): AsyncGenerator<RemoteFile> {
    const real = await this.#locate(checkFolder(folder));
    if (real !== undefined) yield* this.#walk(folder, depth);
    // A folder below that is not there yet is as good as an empty one; the root that is gone is not.
    else if ((await this.#locate('')) === undefined) throw notFound(this.#root);
  }

  /** Linked folders are not entered: what they hold inside the root is listed where it is. */
  async *#walk(folder: string, depth: number): AsyncGenerator<RemoteFile> {
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch((e) => {
      throw fault(folder, e);
    });
    for (const entry of entries) {
      const path = joinPath(folder, entry.name);
      if (entry.isDirectory()) {
        if (depth > 0) yield* this.#walk(path, depth - 1);
      } else if (entry.isFile() || (entry.isSymbolicLink() && (await this.#leadsInside(path)))) {
        const file = await this.stat(path);
        if (file) yield file;
      }
    }
  }

  async stat(path: string): Promise<RemoteFile | undefined> {
    const real = await this.#locate(checkPath(path));
    if (real === undefined) return undefined;
    const facts = await stat(real).catch((e) => {
      throw fault(path, e);
    });
    return facts.isFile() ? { path, bytes: facts.size, modifiedAt: facts.mtime.toISOString() } : undefined;
  }

  async *read(path: string, options: { offset?: number; signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const before = await this.stat(path);
    if (!before) throw notFound(path);
    const { offset = 0 } = options;
    const signal = anySignal(this.#signal, options.signal);
    const reading = { endpoint: this.#root, before, offset, after: () => this.stat(path), signal };
    yield* verified(reading, this.#bytes(path, offset));
  }

  async *#bytes(path: string, offset: number): AsyncGenerator<Uint8Array> {
    try {
      await using handle = await open((await this.#locate(path)) ?? join(this.#root, path));
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      for (let at = offset; ; ) {
        const { bytesRead } = await handle.read(buffer, 0, CHUNK_BYTES, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } catch (e) {
      throw fault(path, e);
    }
  }

  /** Checks, then renames: another writer of the same target in between would win. */
  async move(path: string, to: string): Promise<void> {
    if (!(await this.stat(path))) throw notFound(path);
    const target = await this.#locateNew(checkPath(to));
    try {
      await mkdir(dirname(target), { recursive: true });
      if (await lstat(target).catch(() => undefined)) throw exists(to);
      await rename(join(this.#root, path), target);
    } catch (e) {
      throw fault(to, e);
    }
  }

  async remove(path: string): Promise<void> {
    if (!(await this.stat(path))) throw notFound(path);
    await unlink(join(this.#root, path)).catch((e) => {
      throw fault(path, e);
    });
  }

  async close(): Promise<void> {}

  /** Where a path really is, or undefined when there is nothing. Throws `connector.denied` when a link leads out of the root. */
  async #locate(path: string): Promise<string | undefined> {
    try {
      const real = await realpath(join(this.#root, path));
      if (!this.#isInside(real)) throw denied(path, 'it is a link out of the folder');
      return real;
    } catch (e) {
      const f = fault(path, e);
      if (f.code === 'connector.not_found') return undefined;
      throw f;
    }
  }

  /** Where a path that need not exist will be: its nearest existing ancestor decides whether it is inside. */
  async #locateNew(path: string): Promise<string> {
    for (let at = dirname(path); at !== '.'; at = dirname(at)) if ((await this.#locate(at)) !== undefined) break;
    return join(this.#root, path);
  }

  async #leadsInside(path: string): Promise<boolean> {
    const real = await realpath(join(this.#root, path)).catch(() => undefined);
    return real !== undefined && this.#isInside(real);
  }

  #isInside(real: string): boolean {
    return real === this.#root || real.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep);
  }
}

function fault(path: string, e: unknown): GranaryError {
  if (e instanceof GranaryError) return e;
  switch (codeOf(e)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return notFound(path, e);
    case 'ENOSPC':
    case 'EDQUOT':
      return new GranaryError('store.disk_full', `the disk is full, at "${path}"`, { transient: true, cause: e });
    case 'EIO':
    case 'ESTALE':
    case 'ETIMEDOUT':
    case 'EMFILE':
      return lost('the file system', `accessing "${path}"`, e);
    default:
      return denied(path, e instanceof Error ? e.message : String(e), e);
  }
}
