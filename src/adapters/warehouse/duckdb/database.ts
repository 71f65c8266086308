/** One DuckDB file, opened exactly once: two instances on one file in one process end in a corrupt file. */
import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { engineError, type Session, sessionOf } from '../../../lib/duckdb.ts';
import { GranaryError } from '../../../lib/errors.ts';
import { literal, sql } from '../../../lib/sql.ts';
import { Reader } from './reader.ts';

export interface DatabaseOptions {
  /** The database file; made if it is not there. */
  path: string;
  /** Bytes; resident memory may exceed it by up to 15 %. */
  memoryLimit: number;
  threads: number;
  /** Where it spills and keeps short-lived files; made if it is not there. */
  scratch: string;
  /** Folders that statements may read and write files in: the object store's, and those of exports. Nothing else can be reached. */
  folders: readonly string[];
}

/** Real paths that this process has open. */
const open = new Set<string>();

export class Database {
  private readonly path: string;
  private readonly instance: DuckDBInstance;
  private readonly writer: DuckDBConnection;
  private readonly readers = new Set<Reader>();
  /** Settles when the last write that was asked for is done. */
  private lastWrite: Promise<unknown> = Promise.resolve();

  private constructor(path: string, instance: DuckDBInstance, writer: DuckDBConnection) {
    this.path = path;
    this.instance = instance;
    this.writer = writer;
  }

  /** Errors: `owner.busy` when this or another process has the file open; `load.failed` when it is no database. */
  static async open(options: DatabaseOptions): Promise<Database> {
    await mkdir(dirname(options.path), { recursive: true });
    await mkdir(options.scratch, { recursive: true });
    const path = join(await realpath(dirname(options.path)), basename(options.path));
    if (open.has(path)) throw busy(path, 'this process');
    open.add(path);
    let instance: DuckDBInstance | undefined;
    try {
      const { DuckDBInstance } = await import('@duckdb/node-api');
      instance = await DuckDBInstance.create(path, {
        threads: String(options.threads),
        memory_limit: `${Math.floor(options.memoryLimit / 1e6)}MB`,
        temp_directory: options.scratch,
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
      });
      const writer = await instance.connect();
      await writer.run(sql`SET GLOBAL TimeZone = 'UTC'`);
      await writer.run(sql`SET enable_progress_bar = false`);
      await writer.run(sql`SET allowed_directories = ${literal([...options.folders, options.scratch])}`);
      await writer.run(sql`SET enable_external_access = false`);
      return new Database(path, instance, writer);
    } catch (e) {
      instance?.closeSync();
      open.delete(path);
      const error = engineError(e, 'load.failed');
      throw /^IO Error: Could not set lock/.test(error.message) ? busy(path, 'another process', e) : error;
    }
  }

  /** One at a time, all or nothing. An error of `act` or of the commit rolls back and is thrown. */
  write<T>(act: (session: Session) => Promise<T>): Promise<T> {
    const done = this.lastWrite.then(() => this.transaction(act));
    this.lastWrite = done.catch(() => undefined);
    return done;
  }

  private async transaction<T>(act: (session: Session) => Promise<T>): Promise<T> {
    const session = sessionOf(this.writer, 'load.failed');
    await session.run('BEGIN');
    try {
      const result = await act(session);
      await session.run('COMMIT');
      return result;
    } catch (e) {
      // A failed COMMIT has rolled back already, and a fatal error has closed the database: the first error is the one to tell.
      await session.run('ROLLBACK').catch(() => undefined);
      throw e;
    }
  }

  /** For queries; the caller closes it. */
  async reader(): Promise<Reader> {
    const connection = await this.instance.connect();
    const reader = await Reader.open(connection, (r) => this.readers.delete(r));
    this.readers.add(reader);
    return reader;
  }

  /** Reads in one snapshot. Wrong statements are `query.failed`. */
  async read<T>(act: (session: Session) => Promise<T>): Promise<T> {
    const reader = await this.reader();
    try {
      return await act(sessionOf(reader.connection, 'query.failed'));
    } finally {
      await reader.close();
    }
  }

  /** Waits for writes, stops reads. */
  async close(): Promise<void> {
    if (!open.has(this.path)) return;
    await this.lastWrite;
    await Promise.all([...this.readers].map((r) => r.close()));
    try {
      // On a full disk it fails; what was committed is in the log, and the next opening takes it from there.
      await sessionOf(this.writer, 'load.failed')
        .run('CHECKPOINT')
        .catch(() => undefined);
    } finally {
      this.writer.closeSync();
      this.instance.closeSync();
      open.delete(this.path);
    }
  }
}

function busy(path: string, who: string, cause?: unknown): GranaryError {
  return new GranaryError('owner.busy', `The warehouse ${path} is open in ${who}.`, {
    transient: true,
    hint: 'Wait for the other command to end, or stop it.',
    cause,
  });
}
