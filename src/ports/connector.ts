/**
 * Connectors that offer files. A connector's module holds its spec and imports no driver; `open` loads it.
 * Contract: `test/contracts/file-source.ts`, run against real servers.
 */
import type { ObjectSpec } from '../lib/spec/spec.ts';

export interface FileConnector<C> {
  kind: 'files';
  type: string;
  title: string;
  spec: ObjectSpec<C>;
  open(config: C, context: ConnectorContext): Promise<FileSource>;
}

export interface ConnectorContext {
  /** The folder of `granary.yaml`; relative paths in a config are relative to it. */
  projectDir: string;
  /** The data directory of the project, for what must outlive the process; undefined: nothing can be kept. */
  dataDir?: string;
  /** Name of the source, where it has one: for names of what belongs to it at the server. */
  source?: string;
  signal?: AbortSignal;
}

/**
 * One open connection. Errors are GranaryErrors with `connector.*` codes, `transient` set rightly: a refused password is terminal,
 * a cut connection is transient. Several `read`s may be open at once if `capabilities.parallelReads` > 1 (the adapter opens what
 * further connections it needs).
 */
export interface FileSource {
  readonly capabilities: { resume: boolean; move: boolean; remove: boolean; parallelReads: number };
  /**
   * Files under the root whose path (relative to the root, `/`-separated) may match `request`. It may yield more than asked: the
   * caller matches again. Folders that cannot match are not entered. Order is free.
   */
  list(request: ListRequest): AsyncIterable<RemoteFile>;
  /** Now, from the server. Undefined when it is not there. */
  stat(path: string): Promise<RemoteFile | undefined>;
  /** Chunks of 64 KiB to 1 MiB from byte `offset`. It ends only after the last byte; anything else throws. A chunk may be reused by the source after the next one is asked for. */
  read(path: string, options?: { offset?: number; signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  move(path: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  close(): Promise<void>;
}

export interface ListRequest {
  /** Literal folder that all wanted paths start with, '' for the root. */
  folder: string;
  /** How many folder levels below `folder` can hold wanted files: 0 = only the folder itself. */
  depth: number;
}

export interface RemoteFile {
  /** Relative to the connector's root, `/`-separated, no leading slash. */
  path: string;
  /** Undefined where the server does not say (some HTTP servers). */
  bytes: number | undefined;
  /** ISO 8601, UTC; undefined where the server does not say. Never trusted alone. */
  modifiedAt: string | undefined;
  /** A version tag of the server's (ETag, S3 version), where it has one. */
  tag?: string;
}
