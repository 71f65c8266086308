/**
 * The tables of the interpreter, cached statements, and transactions.
 *
 * A *frame* is one persisted cursor: of the root of an execution, of a branch of a Parallel, of an item of a Map. Its status:
 *
 * | status | meaning |
 * |---|---|
 * | READY | the next transition can be made at once |
 * | QUEUED | at a Task, waits for a free place among the attempts in flight |
 * | RUNNING | an attempt is in flight |
 * | SLEEPING | until `wake`: a Wait, or a retry |
 * | FILLING | reads the items of a distributed Map |
 * | JOINING | at a Parallel or Map whose children run |
 * | WRITING | stores the results of a distributed Map |
 * | PENDING | a child that a redrive starts again as soon as MaxConcurrency allows |
 * | DONE, FAILED, ABORTED | ended; kept until the parent has joined or, for a redrive, until the execution is pruned |
 *
 * `held = 1`: the pipeline is paused; the frame neither starts nor wakes.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS definition(hash TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS execution(
  num INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, pipeline TEXT NOT NULL, definition TEXT NOT NULL, status TEXT NOT NULL,
  input TEXT NOT NULL, output TEXT, error TEXT, cause TEXT, started INTEGER NOT NULL, ended INTEGER, deadline INTEGER,
  redrives INTEGER NOT NULL DEFAULT 0, events INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX IF NOT EXISTS execution_pipeline ON execution(pipeline, num);
CREATE INDEX IF NOT EXISTS execution_status ON execution(status, num);
CREATE INDEX IF NOT EXISTS execution_ended ON execution(ended) WHERE ended IS NOT NULL;
CREATE INDEX IF NOT EXISTS execution_deadline ON execution(deadline) WHERE deadline IS NOT NULL;
CREATE TABLE IF NOT EXISTS event(
  exec INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, type TEXT NOT NULL, path TEXT NOT NULL, state TEXT, details TEXT,
  PRIMARY KEY(exec, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS frame(
  id INTEGER PRIMARY KEY, exec INTEGER NOT NULL, path TEXT NOT NULL, parent INTEGER, idx INTEGER NOT NULL, scope TEXT NOT NULL,
  owner INTEGER, origin TEXT, started INTEGER NOT NULL,
  state TEXT NOT NULL, status TEXT NOT NULL, held INTEGER NOT NULL DEFAULT 0, input TEXT NOT NULL, output TEXT,
  entered INTEGER NOT NULL, wake INTEGER, deadline INTEGER, retries TEXT, visits TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS frame_path ON frame(exec, path);
CREATE INDEX IF NOT EXISTS frame_parent ON frame(parent, idx) WHERE parent IS NOT NULL;
CREATE INDEX IF NOT EXISTS frame_pending ON frame(parent, idx) WHERE status = 'PENDING';
CREATE INDEX IF NOT EXISTS frame_ready ON frame(entered, id) WHERE status = 'READY' AND held = 0;
CREATE INDEX IF NOT EXISTS frame_queued ON frame(entered, id) WHERE status = 'QUEUED' AND held = 0;
CREATE INDEX IF NOT EXISTS frame_wake ON frame(wake) WHERE wake IS NOT NULL AND held = 0;
CREATE INDEX IF NOT EXISTS frame_live ON frame(status, exec) WHERE status NOT IN ('DONE', 'FAILED', 'ABORTED');
CREATE TABLE IF NOT EXISTS fan(
  frame INTEGER PRIMARY KEY, parent INTEGER, total INTEGER NOT NULL, max INTEGER NOT NULL, tolerated INTEGER NOT NULL,
  next INTEGER NOT NULL DEFAULT 0, pending INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE INDEX IF NOT EXISTS fan_parent ON fan(parent) WHERE parent IS NOT NULL;
CREATE TABLE IF NOT EXISTS item(
  frame INTEGER NOT NULL, idx INTEGER NOT NULL, first INTEGER NOT NULL, input TEXT NOT NULL, PRIMARY KEY(frame, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS paused(pipeline TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS flush(id INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;
INSERT OR IGNORE INTO flush VALUES(1, 0);
PRAGMA user_version = 1;
`;

export type SqlValue = string | number | null;

export interface Database {
  /** Prepared once per text. */
  run(sql: string, ...values: SqlValue[]): number;
  get<T>(sql: string, ...values: SqlValue[]): T | undefined;
  all<T>(sql: string, ...values: SqlValue[]): T[];
  each<T>(sql: string, ...values: SqlValue[]): Iterable<T>;
  /** The rowid of an insert. */
  insert(sql: string, ...values: SqlValue[]): number;
  /** One transaction; `durable` waits for the disk. Nothing of it stays when `work` throws. */
  transaction<T>(work: () => T, durable?: boolean): T;
  /** Waits until everything committed so far is on the disk: the log is one file, so a small durable commit carries what is before it. */
  flush(): void;
  close(): void;
}

export async function openDatabase(file: string): Promise<Database> {
  const { DatabaseSync } = await import('node:sqlite');
  const db = new DatabaseSync(file, { timeout: 5000 });
  try {
    db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; PRAGMA temp_store = MEMORY',
    );
    db.exec(SCHEMA);
  } catch (e) {
    db.close();
    throw e;
  }
  return wrap(db);
}

function wrap(db: DatabaseSync): Database {
  const statements = new Map<string, StatementSync>();
  const q = (sql: string): StatementSync => {
    let statement = statements.get(sql);
    if (!statement) {
      statement = db.prepare(sql);
      statements.set(sql, statement);
    }
    return statement;
  };
  function transaction<T>(work: () => T, durable = false): T {
    if (durable) db.exec('PRAGMA synchronous = FULL');
    try {
      q('BEGIN IMMEDIATE').run();
      try {
        const result = work();
        q('COMMIT').run();
        return result;
      } catch (e) {
        // After some errors (a full disk) SQLite has rolled back by itself.
        if (db.isTransaction) q('ROLLBACK').run();
        throw e;
      }
    } finally {
      if (durable) db.exec('PRAGMA synchronous = NORMAL');
    }
  }
  return {
    run: (sql, ...values) => Number(q(sql).run(...values).changes),
    get: <T>(sql: string, ...values: SqlValue[]) => q(sql).get(...values) as T | undefined,
    all: <T>(sql: string, ...values: SqlValue[]) => q(sql).all(...values) as T[],
    // Not cached: it may be read while the same text is run again.
    each: <T>(sql: string, ...values: SqlValue[]) => db.prepare(sql).iterate(...values) as Iterable<T>,
    insert: (sql, ...values) => Number(q(sql).run(...values).lastInsertRowid),
    transaction,
    flush: () => void transaction(() => q('UPDATE flush SET n = n + 1 WHERE id = 1').run(), true),
    close: () => db.close(),
  };
}

/** Whether the error is the database's (a full disk, a failed write), rather than a mistake in a document. */
export function isDatabaseError(e: unknown): boolean {
  return e instanceof Error && (e as { code?: string }).code === 'ERR_SQLITE_ERROR';
}
