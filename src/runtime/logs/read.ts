/** Reads the log back: files of the past, wherever they are kept, then the current one, and what is yet to come. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { createZstdDecompress } from 'node:zlib';
import { isAtLeast, type LogLevel, type LogRecord, parseLogLine } from '../../lib/log.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { ARCHIVE, CURRENT, type PastFile, pastFile } from './names.ts';

export interface LogQuery {
  run?: string;
  /** Short name of a dataset or source: `stores.sales`, `stores`. */
  dataset?: string;
  level?: LogLevel;
  /** Milliseconds since 1970. */
  since?: number;
  /** The last so many of those that are there. */
  tail?: number;
  /** Also lines to come, until the signal aborts. */
  follow?: boolean;
}

const LOOK_MS = 250;

/** Oldest first. Takes no lock: it works while an owner writes. Lines that are damaged are left out. */
export async function* readLogs(
  folder: string,
  objects: ObjectStore,
  query: LogQuery,
  signal: AbortSignal,
): AsyncGenerator<LogRecord> {
  const current = await open(join(folder, CURRENT), 'r').catch(() => undefined);
  const follower = new Follower(folder, current);
  try {
    const kept: LogRecord[] = [];
    for await (const record of existing(folder, objects, query, follower)) {
      if (!matches(record, query)) continue;
      if (query.tail === undefined) yield record;
      else {
        kept.push(record);
        if (kept.length > query.tail * 2) kept.splice(0, kept.length - query.tail);
      }
    }
    if (query.tail !== undefined) yield* kept.slice(-query.tail);
    while (query.follow && !signal.aborted) {
      for (const record of await follower.read()) if (matches(record, query)) yield record;
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await follower.close();
  }
}

function matches(record: LogRecord, { run, dataset, level, since }: LogQuery): boolean {
  if (level !== undefined && !isAtLeast(record.level, level)) return false;
  if (since !== undefined && Date.parse(record.at) < since) return false;
  if (run !== undefined && record.run?.startsWith(run) !== true) return false;
  if (dataset === undefined) return true;
  const short = record.dataset?.split('/').slice(1).join('.') ?? '';
  return short === dataset || short.startsWith(`${dataset}.`) || record.source === dataset;
}

async function* existing(
  folder: string,
  objects: ObjectStore,
  { since = 0 }: LogQuery,
  follower: Follower,
): AsyncGenerator<LogRecord> {
  const files = new Map<string, { file: PastFile; open(): Promise<Readable> }>();
  for await (const { key } of objects.list(ARCHIVE)) {
    const file = pastFile(key.split('/').at(-1)!);
    if (file) files.set(file.stamp, { file, open: async () => Readable.from(await objects.get(key)) });
  }
  for (const name of await readdir(folder).catch(() => [])) {
    const file = pastFile(name);
    if (file) files.set(file.stamp, { file, open: async () => createReadStream(join(folder, name)) });
  }
  const sorted = [...files.values()].sort((a, b) => (a.file.stamp < b.file.stamp ? -1 : 1));
  for (const [i, { file, open: start }] of sorted.entries()) {
    // It ended where the next one began.
    const next = sorted[i + 1]?.file.begun;
    if (next !== undefined && next < since) continue;
    const raw = await start();
    const text = file.compressed ? raw.pipe(createZstdDecompress()) : raw;
    for await (const line of createInterface({ input: text })) {
      const record = parseLogLine(line);
      if (record) yield record;
    }
  }
  for (let batch = await follower.read(); batch.length > 0; batch = await follower.read()) yield* batch;
}

/** Follows the current file, over the moment at which it is ended and another one is begun. */
class Follower {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #position = 0;
  #rest = '';

  constructor(folder: string, handle: FileHandle | undefined) {
    this.#path = join(folder, CURRENT);
    this.#handle = handle;
  }

  /** Lines that have come since; none when there are none yet. */
  async read(): Promise<LogRecord[]> {
    this.#handle ??= await open(this.#path, 'r').catch(() => undefined);
    if (!this.#handle) return [];
    const records = await this.#readOn(this.#handle);
    if (records.length > 0 || !(await this.#wasEnded(this.#handle))) return records;
    await this.close();
    this.#position = 0;
    this.#rest = '';
    return this.read();
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #readOn(handle: FileHandle): Promise<LogRecord[]> {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1 << 18), 0, 1 << 18, this.#position);
    this.#position += bytesRead;
    const lines = (this.#rest + buffer.subarray(0, bytesRead).toString('latin1')).split('\n');
    this.#rest = lines.pop()!;
    return lines.flatMap((line) => parseLogLine(Buffer.from(line, 'latin1').toString('utf8')) ?? []);
  }

  async #wasEnded(handle: FileHandle): Promise<boolean> {
    const [mine, now] = await Promise.all([handle.stat(), stat(this.#path).catch(() => undefined)]);
    return now !== undefined && now.ino !== mine.ino;
  }
}
