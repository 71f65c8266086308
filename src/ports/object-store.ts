/**
 * Object store: immutable byte objects under slash-separated keys.
 *
 * Contract, held by every adapter (`test/contracts/object-store.ts`):
 * - An object is seen whole or not at all: readers and `list` never see one that is being written.
 * - `put` and `Upload.commit` to a key that exists throw `store.exists`, unless `replace` is given.
 * - `get` and `localPath` of a missing key throw `store.not_found`. Errors of I/O are `store.io` (transient) or `store.disk_full`.
 * - `list` is in key order (UTF-8 bytes).
 */
export interface ObjectStore {
  readonly capabilities: {
    /** Objects are files that another process of this machine can open. */ localFiles: boolean;
  };
  put(key: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: { replace?: boolean }): Promise<ObjectInfo>;
  /**
   * Opens, or continues, a resumable upload. `name` identifies it: after a crash the same name finds the bytes written so far.
   * One writer at a time.
   */
  upload(name: string): Promise<Upload>;
  get(key: string, range?: { offset?: number; length?: number }): Promise<AsyncIterable<Uint8Array>>;
  head(key: string): Promise<ObjectInfo | undefined>;
  list(prefix: string): AsyncIterable<ObjectInfo>;
  /** Removing what is not there is no error. */
  remove(key: string): Promise<void>;
  /** Absolute path of an object for engines that read files. Only with `localFiles`. */
  localPath(key: string): Promise<string>;
  /**
   * Lets an engine write files: `write` gets an empty scratch folder; when it returns, every file under it becomes an object
   * under `prefix` + relative path, replacing what was there. When it throws nothing is seen. Returns the objects, in key order.
   */
  writeLocal(prefix: string, write: (folder: string) => Promise<void>): Promise<ObjectInfo[]>;
  /** Uploads and scratch folders that no commit has finished, with their age, for `gc`. */
  leftovers(): AsyncIterable<{ name: string; bytes: number; ageSeconds: number; remove(): Promise<void> }>;
}

export interface ObjectInfo {
  key: string;
  bytes: number;
  /** ISO 8601, UTC. */
  modifiedAt: string;
}

export interface Upload {
  /** Bytes already durable from an earlier attempt; continue from here. */
  readonly offset: number;
  /** The bytes before `offset`, to rehash them. */
  existing(): AsyncIterable<Uint8Array>;
  /** Forget the bytes from `at` (0) on. */
  restart(at?: number): Promise<void>;
  write(chunk: Uint8Array): Promise<void>;
  /** Makes everything written durable and visible as `key`, at once. */
  commit(key: string): Promise<ObjectInfo>;
  /** Keeps the bytes for a later `upload(name)`. */
  suspend(): Promise<void>;
  /** Drops the bytes. */
  abort(): Promise<void>;
}

/** A small object whole, in memory. */
export async function readObject(store: ObjectStore, key: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await store.get(key)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
