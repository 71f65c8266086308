/** Databases for tests, and feeds of them that land in a folder. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { column, openRoom, readFileAt } from '../../../test/csv-reading.ts';
import type { PostgresServer } from '../../../test/servers/postgres.ts';
import { openDuckDbEngine } from '../../adapters/engine/duckdb.ts';
import { openFolderStore } from '../../adapters/object-store/folder.ts';
import { completeConfig } from '../../formats/csv/config.ts';
import { readHeader } from '../../formats/csv/header.ts';
import type { ParseContext } from '../../lib/spec/spec.ts';
import type { FeedPart } from '../../model/feeds.ts';
import type { ColumnType } from '../../model/schema.ts';
import type { ExtractSource, Position } from '../../ports/extract.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { type EndedPart, Sink } from '../../stages/extract/sink.ts';
import { LANDED } from '../lib/sql/landed.ts';
import { type SqlRead, sqlReadSpec } from '../lib/sql/read.ts';
import { postgres } from '../postgres.ts';
import { type PostgresConfig, postgresSpec } from './config.ts';
import { PostgresDatabase } from './database.ts';
import { tlsOptions } from './session.ts';

export function configOf(server: PostgresServer, settings: Record<string, unknown> = {}): PostgresConfig {
  const { host, port, user, password, database } = server;
  const context: ParseContext = { issues: [] };
  const config = postgresSpec.parse({ host, port, user, password, database, ...settings }, [], context);
  assert.deepEqual(context.issues, []);
  return config!;
}

export async function openDatabase(
  server: PostgresServer,
  settings?: Record<string, unknown>,
): Promise<PostgresDatabase> {
  const config = configOf(server, settings);
  const database = new PostgresDatabase(config, await tlsOptions(config, '/'));
  await database.tryLogin();
  return database;
}

export const openSource = (
  server: PostgresServer,
  settings?: Record<string, unknown>,
): Promise<ExtractSource<SqlRead>> => postgres.open(configOf(server, settings), { projectDir: '/' });

export type Row = Record<string, string | null>;

export interface Landed {
  /** Of all objects, as text. */
  rows: Row[];
  objects: EndedPart[];
  warnings: string[];
}

/** A dataset and how far it has been read. An extraction that fails leaves what it had, for the next one to go on with. */
export class Feed {
  position: Position | undefined;
  progress: Position | undefined;
  checkpoints = 0;
  /** Called at every checkpoint. */
  onCheckpoint: (() => Promise<void>) | undefined;
  readonly #folder: string;
  readonly #store: ObjectStore;
  readonly #read: SqlRead;
  readonly #columns: { name: string; from: string; type: ColumnType }[];
  #parts: FeedPart[] = [];
  #number = 0;

  private constructor(folder: string, store: ObjectStore, read: SqlRead, columns: Record<string, ColumnType>) {
    this.#folder = folder;
    this.#store = store;
    this.#read = read;
    this.#columns = Object.entries(columns).map(([name, type]) => ({ name, from: name, type }));
  }

  /** `read` as in YAML. */
  static async create(read: unknown, columns: Record<string, ColumnType>): Promise<Feed> {
    const context: ParseContext = { issues: [] };
    const parsed = sqlReadSpec.parse(read, [], context);
    assert.deepEqual(context.issues, []);
    assert.deepEqual(postgres.describe(parsed!, {} as PostgresConfig).problems, []);
    const folder = await mkdtemp(join(tmpdir(), 'granary-feed-'));
    return new Feed(folder, await openFolderStore(join(folder, 'store')), parsed!, columns);
  }

  async extract(
    source: ExtractSource<SqlRead>,
    options: { signal?: AbortSignal; full?: boolean } = {},
  ): Promise<Landed> {
    const sink = new Sink({
      objects: this.#store,
      name: String(this.#number),
      datasets: new Set(['it']),
      save: async (progress, parts) => {
        this.progress = JSON.parse(JSON.stringify(progress));
        this.#parts = parts;
        this.checkpoints++;
        await this.onCheckpoint?.();
      },
      onBytes: () => undefined,
    });
    await sink.resume(this.#parts);
    const scratch = join(this.#folder, 'scratch');
    await mkdir(scratch);
    const warnings: string[] = [];
    const engine = await openDuckDbEngine({ memoryLimit: 5e8, threads: 1, scratch });
    try {
      const { position, declared } = await source.extract(
        {
          feed: 'it',
          datasets: [{ name: 'it', read: this.#read, columns: this.#columns }],
          position: this.position,
          progress: this.progress,
          full: options.full ?? false,
          now: () => Date.now(),
          currentKeys: async () => undefined,
          openEngine: async () => engine,
          scratch,
          warn: (message) => warnings.push(message),
          progressed: () => undefined,
          ...(options.signal && { signal: options.signal }),
        },
        sink,
      );
      const objects = await sink.end(declared ?? {});
      const rows: Row[] = [];
      for (const part of objects) rows.push(...(await this.#keep(part)));
      this.position = JSON.parse(JSON.stringify(position));
      this.progress = undefined;
      this.#parts = [];
      this.#number++;
      return { rows, objects, warnings };
    } catch (e) {
      await sink.suspend();
      throw e;
    } finally {
      await engine.close();
      await rm(scratch, { recursive: true });
    }
  }

  /** Commits the object and reads it as the product does; its rows are as many as were declared. */
  async #keep(part: EndedPart): Promise<Row[]> {
    const upload = await this.#store.upload(part.upload);
    const key = `landing/${part.upload}`;
    await upload.commit(key);
    await using room = await openRoom();
    const { type: _, ...settings } = LANDED;
    const path = await this.#store.localPath(key);
    const names = (await readHeader({ path, config: completeConfig(settings) }))!;
    const types = new Map(this.#columns.map((c) => [c.from, c.type]));
    const columns = names.map((name, i) => column(name, i, types.get(name) ?? 'text'));
    const reading = await readFileAt(room, path, settings, columns);
    assert.deepEqual(reading.rejects, []);
    assert.equal(reading.rows.length, part.declared?.rows);
    return reading.rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[`c${i}`] as string | null])));
  }

  /** As the stage does when an extraction is stale. */
  forget(): void {
    this.progress = undefined;
    this.#parts = [];
  }

  remove(): Promise<void> {
    return rm(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }
}

/** Waits for a condition, generously. */
export async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    assert.ok(tries < 1200, `in vain: ${what}`);
    await new Promise((r) => setTimeout(r, 50));
  }
}
