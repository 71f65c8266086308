/** Objects of an S3 bucket, as files. */
import type { HeadObjectCommandOutput, S3Client, _Object as S3Object } from '@aws-sdk/client-s3';
import type { GranaryError } from '../lib/errors.ts';
import type { ConnectorContext, FileConnector, FileSource, ListRequest, RemoteFile } from '../ports/connector.ts';
import { exists, notFound } from './lib/faults.ts';
import { checkFolder, checkPath, isSafePath, joinPath } from './lib/paths.ts';
import { anySignal, gathered, verified } from './lib/reading.ts';
import { loadSdk, makeClient, type Sdk, s3Fault } from './s3/client.ts';
import { endpointOf, type S3Config, s3Spec } from './s3/config.ts';

export const s3: FileConnector<S3Config> = {
  kind: 'files',
  type: 's3',
  title: 'S3',
  spec: s3Spec,
  async open(config, context) {
    const sdk = await loadSdk();
    const source = new S3Source(config, context, sdk, await makeClient(sdk, config, context.projectDir));
    await source.tryListing();
    return source;
  },
};

class S3Source implements FileSource {
  readonly capabilities: FileSource['capabilities'];
  readonly #config: S3Config;
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #signal: AbortSignal | undefined;
  /** '' or a key that ends in `/`. */
  readonly #prefix: string;

  constructor(config: S3Config, context: ConnectorContext, sdk: Sdk, client: S3Client) {
    this.capabilities = { resume: true, move: true, remove: true, parallelReads: config.connections };
    this.#config = config;
    this.#sdk = sdk;
    this.#client = client;
    this.#signal = context.signal;
    this.#prefix = asFolder(config.prefix.replace(/^\/+/, ''));
  }

  /** Errors: those of `list`, here before anything depends on the source. */
  async tryListing(): Promise<void> {
    const request = { Bucket: this.#config.bucket, Prefix: this.#prefix, MaxKeys: 1 };
    await this.#client.send(new this.#sdk.ListObjectsV2Command(request)).catch((e) => {
      this.#client.destroy();
      throw this.#fault(this.#prefix, 'listing', e);
    });
  }

  /** Keys that are no plain paths (`a//b`, `../a`) and the empty objects that stand for folders (`a/`) are no files. */
  async *list({ folder, depth }: ListRequest): AsyncGenerator<RemoteFile> {
    const prefix = this.#prefix + asFolder(checkFolder(folder));
    yield* this.#walk(prefix, depth);
  }

  async *#walk(prefix: string, depth: number): AsyncGenerator<RemoteFile> {
    const request = {
      Bucket: this.#config.bucket,
      Prefix: prefix,
      // Without a limit of depth one flat listing is cheaper than one a folder.
      ...(depth !== Number.POSITIVE_INFINITY && { Delimiter: '/' }),
    };
    const folders: string[] = [];
    try {
      for await (const page of this.#sdk.paginateListObjectsV2({ client: this.#client }, request)) {
        for (const object of page.Contents ?? []) {
          const path = object.Key?.slice(this.#prefix.length) ?? '';
          if (isSafePath(path)) yield describe(path, object.Size, object);
        }
        for (const { Prefix } of page.CommonPrefixes ?? []) if (Prefix) folders.push(Prefix);
      }
    } catch (e) {
      throw this.#fault(prefix, `listing "${prefix}"`, e);
    }
    if (depth > 0) for (const below of folders) yield* this.#walk(below, depth - 1);
  }

  async stat(path: string): Promise<RemoteFile | undefined> {
    try {
      const head = await this.#client.send(new this.#sdk.HeadObjectCommand(this.#object(path)));
      return describe(path, head.ContentLength, head);
    } catch (e) {
      const fault = this.#fault(path, `asking for "${path}"`, e);
      if (fault.code === 'connector.not_found') return undefined;
      throw fault;
    }
  }

  async *read(path: string, options: { offset?: number; signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const before = await this.stat(path);
    if (!before) throw notFound(path);
    const { offset = 0 } = options;
    const signal = anySignal(this.#signal, options.signal);
    const reading = { endpoint: endpointOf(this.#config), before, offset, after: () => this.stat(path), signal };
    yield* verified(reading, gathered(this.#download(before, offset, signal)));
  }

  async *#download(file: RemoteFile, offset: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const range = offset > 0 ? { Range: `bytes=${offset}-` } : {};
    const request = { ...this.#object(file.path), ...range, IfMatch: file.tag };
    try {
      const { Body } = await this.#client.send(new this.#sdk.GetObjectCommand(request), { abortSignal: signal });
      yield* Body as AsyncIterable<Uint8Array>;
    } catch (e) {
      throw this.#fault(file.path, `reading "${file.path}"`, e);
    }
  }

  /** A copy within the bucket, up to the 5 GB that S3 copies at once, and then a removal. */
  async move(path: string, to: string): Promise<void> {
    const source = await this.stat(path);
    if (!source) throw notFound(path);
    if (await this.stat(to)) throw exists(to);
    const from = `${this.#config.bucket}/${this.#object(path).Key}`;
    const copy = { ...this.#object(to), CopySource: encodeURIComponent(from), CopySourceIfMatch: source.tag };
    await this.#client.send(new this.#sdk.CopyObjectCommand(copy)).catch((e) => {
      throw this.#fault(path, `moving "${path}"`, e);
    });
    await this.remove(path);
  }

  async remove(path: string): Promise<void> {
    if (!(await this.stat(path))) throw notFound(path);
    await this.#client.send(new this.#sdk.DeleteObjectCommand(this.#object(path))).catch((e) => {
      throw this.#fault(path, `removing "${path}"`, e);
    });
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #object(path: string): { Bucket: string; Key: string } {
    return { Bucket: this.#config.bucket, Key: joinPath(this.#prefix, checkPath(path)) };
  }

  #fault(path: string, doing: string, e: unknown): GranaryError {
    return s3Fault(this.#config, path, doing, e);
  }
}

function asFolder(prefix: string): string {
  return prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
}

/** Times in whole seconds: a HEAD says no more, and the same object must look the same both ways. */
function describe(path: string, bytes: number | undefined, o: S3Object | HeadObjectCommandOutput): RemoteFile {
  const seconds = o.LastModified && Math.floor(o.LastModified.getTime() / 1000);
  const modifiedAt = seconds === undefined ? undefined : new Date(seconds * 1000).toISOString();
  return { path, bytes, modifiedAt, ...(o.ETag && { tag: o.ETag }) };
}
