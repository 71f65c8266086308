/** One DuckDB file, open exactly once at a time: two instances on one file in one process end in a corrupt file. */
import { mkdir, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { engineError, type InstanceOptions, isInvalidated, type Session, sessionOf } from '../../../lib/duckdb.ts';
import { GranaryError } from '../../../lib/errors.ts';
import { closeInstance, isReleased, type Opened, openInstance } from './instance.ts';
import { Reader } from './reader.ts';

export interface DatabaseOptions extends InstanceOptions {
  /** The database file; made if it is not there. */
  path: string;
  /** Where it spills and keeps short-lived files; made if it is not there. */
  scratch: string;
  /** Folders that statements may read and write files in: the object store's, and those of exports. Nothing else can be reached. */
  folders: readonly string[];
}

/** Real paths that this process has open. */
const open = new Set<string>();

export class Database {
  private readonly path: string;
  private readonly options: DatabaseOptions;
  private opened: Opened | undefined;
  private reopening: Promise<void> | undefined;
  private readonly readers = new Set<Reader>();
  /** Settles when the last write that was asked for is done. */
  private lastWrite: Promise<unknown> = Promise.resolve();

  private constructor(path: string, options: DatabaseOptions, opened: Opened) {
    this.path = path;
    this.options = options;
    this.opened = opened;
  }

  /** Errors: `owner.busy` when this or another process has the file open; `load.failed` when it is no database. */
  static async open(options: DatabaseOptions): Promise<Database> {
    await mkdir(dirname(options.path), { recursive: true });
    await mkdir(options.scratch, { recursive: true });
    const path = join(await realpath(dirname(options.path)), basename(options.path));
    if (open.has(path)) throw busy(path, 'this process');
    open.add(path);
    try {
      return new Database(path, options, await openInstance(path, options));
    } catch (e) {
      open.delete(path);
      const error = engineError(e, 'load.failed');
      throw /^IO Error: Could not set lock/.test(error.message) ? busy(path, 'another process', e) : error;
    }
  }

  /** Tries once more with the file opened anew, where a fatal error has closed it before. */
  private async begin<T>(act: (opened: Opened) => Promise<T>): Promise<T> {
    const { opened } = this;
    try {
      if (opened) return await act(opened);
    } catch (e) {
      if (!isInvalidated(e)) throw e;
    }
    if (this.opened === undefined || this.opened === opened) {
      this.reopening ??= this.reopen().finally(() => {
        this.reopening = undefined;
      });
      await this.reopening;
    }
    return act(this.opened!);
  }

  private async reopen(): Promise<void> {
    if (!open.has(this.path)) throw new GranaryError('load.failed', 'The warehouse is closed.');
    if (this.opened) {
      const { opened } = this;
      this.opened = undefined;
      await Promise.all([...this.readers].map((r) => r.close()));
      closeInstance(opened);
    }
    if (!(await isReleased(this.path)))
      throw new GranaryError('load.failed', 'The warehouse was closed by a fatal error of the engine.', {
        hint: 'Nothing that was committed is lost. Stop this process and start it again.',
      });
    this.opened = await openInstance(this.path, this.options);
  }

  /** One at a time, all or nothing. An error of `act` or of the commit rolls back and is thrown. */
  write<T>(act: (session: Session) => Promise<T>): Promise<T> {
    const done = this.lastWrite.then(() => this.transaction(act));
    this.lastWrite = done.catch(() => undefined);
    return done;
  }

  private async transaction<T>(act: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.begin(async ({ writer }) => {
      const begun = sessionOf(writer, 'load.failed');
      await begun.run('BEGIN');
      return begun;
    });
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
    return this.begin(async ({ instance }) => {
      const reader = await Reader.open(await instance.connect(), (r) => this.readers.delete(r));
      this.readers.add(reader);
      return reader;
    });
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
      if (this.opened)
        await sessionOf(this.opened.writer, 'load.failed')
          .run('CHECKPOINT')
          .catch(() => undefined);
    } finally {
      if (this.opened) closeInstance(this.opened);
      this.opened = undefined;
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
