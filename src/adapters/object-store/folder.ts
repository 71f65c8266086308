/**
 * Object store in a folder: the object `a/b` is the file `<root>/a/b`, so that engines and people can read it where it lies.
 *
 * What is being written lies in `<root>/.tmp`: `uploads/<name>` for resumable uploads, `scratch/<id>` for the rest. An object
 * appears by a hard link (which fails where the name is taken) or a rename, after its bytes were synced. One difference to
 * S3: a key cannot be an object and a folder of objects at once (`store.bad_key`).
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { GranaryError } from '../../lib/errors.ts';
import type { ObjectInfo, ObjectStore, Upload } from '../../ports/object-store.ts';
import { FileWriter } from './file-writer.ts';
import { asStoreError, errorCode, storeErrors } from './folder-errors.ts';
import {
  linkNew,
  makeFolder,
  measure,
  readFolder,
  removeIfEmpty,
  renameOver,
  statOrNothing,
  syncFile,
  syncFolder,
} from './folder-files.ts';
import { FolderUpload } from './folder-upload.ts';
import { checkKey, checkSegment, compareKeys, RESERVED } from './key.ts';

const READ_BYTES = 2 ** 20;

/** Opens the store in folder `root`, which is made if it is not there. Errors: `store.io`, `store.disk_full`. */
export async function openFolderStore(root: string): Promise<ObjectStore> {
  const store = new FolderStore(resolve(root));
  await store.prepare();
  return store;
}

class FolderStore implements ObjectStore {
  readonly capabilities = { localFiles: true };
  readonly #root: string;
  readonly #uploads: string;
  readonly #scratch: string;
  readonly #openUploads = new Set<string>();

  constructor(root: string) {
    this.#root = root;
    this.#uploads = join(root, RESERVED, 'uploads');
    this.#scratch = join(root, RESERVED, 'scratch');
  }

  async prepare(): Promise<void> {
    await storeErrors('open', this.#root, async () => {
      await makeFolder(this.#uploads);
      await makeFolder(this.#scratch);
    });
  }

  async put(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    { replace = false }: { replace?: boolean } = {},
  ): Promise<ObjectInfo> {
    checkKey(key);
    if (!replace && (await this.head(key))) throw alreadyExists(key);
    const file = join(this.#scratch, randomUUID());
    try {
      await writeFile(file, key, body);
      return await this.#publish(file, key, replace);
    } finally {
      await rm(file, { force: true });
    }
  }

  async upload(name: string): Promise<Upload> {
    checkSegment(name);
    if (this.#openUploads.has(name))
      throw new GranaryError('store.upload_open', `upload "${name}" is in progress`, { transient: true });
    this.#openUploads.add(name);
    const onClose = () => this.#openUploads.delete(name);
    try {
      return await FolderUpload.open({
        name,
        folder: join(this.#uploads, name),
        publish: (file, key) => this.#publish(file, key, false),
        onClose,
      });
    } catch (e) {
      onClose();
      throw e;
    }
  }

  async get(key: string, range: { offset?: number; length?: number } = {}): Promise<AsyncIterable<Uint8Array>> {
    const path = await this.localPath(key);
    const start = range.offset ?? 0;
    const end = start + (range.length ?? Number.MAX_SAFE_INTEGER - start) - 1;
    return readFile(path, key, start, end);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const found = await this.#stat(key);
    return found && info(key, found);
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (folder !== '') checkKey(folder.slice(0, -1));
    yield* this.#walk(folder, prefix);
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    await storeErrors('remove', key, async () => {
      if (!(await this.#stat(key))) return;
      await rm(path, { force: true });
      await this.#pruneFolders(dirname(path));
    });
  }

  async localPath(key: string): Promise<string> {
    if (!(await this.#stat(key))) throw notFound(key);
    return this.#path(key);
  }

  async writeLocal(prefix: string, write: (folder: string) => Promise<void>): Promise<ObjectInfo[]> {
    const folder = join(this.#scratch, randomUUID());
    await storeErrors('make', folder, () => mkdir(folder));
    try {
      await write(folder);
      return await storeErrors('write', prefix, () => this.#moveIn(folder, prefix));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async *leftovers(): AsyncIterable<{ name: string; bytes: number; ageSeconds: number; remove(): Promise<void> }> {
    for (const area of [this.#uploads, this.#scratch]) {
      for (const entry of await storeErrors('list', area, () => readFolder(area))) {
        const path = join(area, entry.name);
        const name = relative(join(this.#root, RESERVED), path);
        const usage = await storeErrors('measure', name, () => measure(path));
        if (!usage) continue;
        yield {
          name,
          bytes: usage.bytes,
          ageSeconds: Math.max(0, (Date.now() - usage.changedAt) / 1000),
          remove: () => storeErrors('remove', name, () => rm(path, { recursive: true, force: true })),
        };
      }
    }
  }

  #path(key: string): string {
    checkKey(key);
    return join(this.#root, key);
  }

  /** Undefined when there is no such object; a folder is none. */
  async #stat(key: string): Promise<Stats | undefined> {
    const path = this.#path(key);
    return storeErrors('look at', key, async () => {
      const found = await statOrNothing(path);
      return found?.isFile() ? found : undefined;
    });
  }

  /** Makes a synced file of this store the object `key`. The file's own name may stay: the caller removes it. */
  #publish(file: string, key: string, replace: boolean): Promise<ObjectInfo> {
    const path = this.#path(key);
    return storeErrors('write', key, async () => {
      if (replace) {
        await renameOver(file, path);
        await syncFolder(dirname(path));
      } else if (!(await linkNew(file, path))) throw alreadyExists(key);
      return info(key, await stat(path));
    });
  }

  /** Each object appears at once; a kill in between may leave the first of them. */
  async #moveIn(folder: string, prefix: string): Promise<ObjectInfo[]> {
    const files = await readdir(folder, { recursive: true, withFileTypes: true });
    const objects = files
      .filter((f) => f.isFile())
      .map((f) => join(f.parentPath, f.name))
      .map((file) => ({ file, key: prefix + relative(folder, file) }))
      .sort((a, b) => compareKeys(a.key, b.key));
    for (const { key } of objects) checkKey(key);
    for (const { file } of objects) await syncFile(file);
    for (const { file, key } of objects) await renameOver(file, this.#path(key));
    for (const touched of new Set(objects.map(({ key }) => dirname(this.#path(key))))) await syncFolder(touched);
    return Promise.all(objects.map(async ({ key }) => info(key, await stat(this.#path(key)))));
  }

  /** Objects under `folder` (ending in a slash, or empty) whose keys start with `prefix`, in key order. */
  async *#walk(folder: string, prefix: string): AsyncIterable<ObjectInfo> {
    const entries = (await storeErrors('list', folder, () => readFolder(join(this.#root, folder))))
      .filter((e) => e.isFile() || e.isDirectory())
      .map((e) => folder + e.name + (e.isDirectory() ? '/' : ''))
      .filter((path) => path.startsWith(prefix) || prefix.startsWith(path))
      .filter((path) => path !== `${RESERVED}/`)
      .sort(compareKeys);
    for (const path of entries) {
      if (path.endsWith('/')) {
        yield* this.#walk(path, prefix);
      } else if (path.startsWith(prefix)) {
        const object = await this.head(path);
        if (object) yield object;
      }
    }
  }

  /** Removes folders that have become empty, and makes the removal durable. */
  async #pruneFolders(from: string): Promise<void> {
    for (let folder = from; ; folder = dirname(folder)) {
      if (folder === this.#root || !(await removeIfEmpty(folder))) return syncFolder(folder);
    }
  }
}

function info(key: string, s: Stats): ObjectInfo {
  return { key, bytes: s.size, modifiedAt: s.mtime.toISOString() };
}

function alreadyExists(key: string): GranaryError {
  return new GranaryError('store.exists', `object "${key}" exists already`);
}

function notFound(key: string): GranaryError {
  return new GranaryError('store.not_found', `there is no object "${key}"`);
}

/** Writes and syncs a new file. Errors of the body itself are thrown as they are. */
async function writeFile(path: string, key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const handle = await storeErrors('write', key, () => open(path, 'wx'));
  try {
    if (body instanceof Uint8Array) {
      await storeErrors('write', key, () => handle.writeFile(body));
    } else {
      const writer = new FileWriter(handle);
      for await (const chunk of body) await storeErrors('write', key, () => writer.write(chunk));
      await storeErrors('write', key, () => writer.flush());
    }
    await storeErrors('write', key, () => handle.datasync());
  } finally {
    await handle.close();
  }
}

/** Bytes `start` to `end`, both inclusive, as far as the file goes. It is opened when the first chunk is asked for. */
async function* readFile(path: string, key: string, start: number, end: number): AsyncIterable<Uint8Array> {
  if (end < start) return;
  try {
    yield* createReadStream(path, { start, end, highWaterMark: READ_BYTES });
  } catch (e) {
    throw errorCode(e) === 'ENOENT' ? notFound(key) : asStoreError('read', key, e);
  }
}
