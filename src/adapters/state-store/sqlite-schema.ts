/**
 * Tables of the state store. A collection is a table of JSON texts; a field that an index needs is a generated column over the
 * JSON, so a document is stored once and an index can be added to a collection that already has documents.
 */
import type { DatabaseSync } from 'node:sqlite';
import { GranaryError } from '../../lib/errors.ts';
import { ident, join, literal, type Sql, sql } from '../../lib/sql.ts';
import type { Collection } from '../../ports/state-store.ts';

/** Raise it with every change that an older version could not work with, and upgrade older files in `prepareDatabase`. */
const SCHEMA_VERSION = 1;

/** What every use of a collection needs of it; the parameter of `Collection` only matters to callers. */
export type AnyCollection = Pick<Collection<never>, 'name' | 'indexes'>;

/** Makes a new database, or checks an old one. Throws `state.newer` when a later version of Granary made it. */
export function prepareDatabase(db: DatabaseSync, path: string): void {
  db.exec('PRAGMA journal_mode = WAL');
  // A commit waits until it is on disk: what was acknowledged survives a power cut.
  db.exec('PRAGMA synchronous = FULL');
  inTransaction(db, () => {
    db.exec('CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT');
    db.exec(sql`INSERT OR IGNORE INTO meta VALUES ('schema_version', ${SCHEMA_VERSION}), ('last_rev', 0)`);
    const found = db.prepare("SELECT value FROM meta WHERE key = 'schema_version'").get() as { value: number };
    if (found.value > SCHEMA_VERSION)
      throw new GranaryError(
        'state.newer',
        `${path} has schema version ${found.value}; this version of Granary knows ${SCHEMA_VERSION}`,
        { hint: 'Upgrade granary to the version that wrote it, or a later one.' },
      );
  });
}

/** Makes a collection's table, columns and indexes, those that are not there yet. Looks first, so that it rarely writes. */
export function prepareCollection(db: DatabaseSync, collection: AnyCollection): void {
  const fields = [...new Set(Object.values(collection.indexes).flat())];
  for (const name of [collection.name, ...fields])
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name))
      throw new GranaryError('state.invalid', `"${name}" cannot name a collection or an index field`);
  if (missing(db, collection, fields).length === 0) return;
  inTransaction(db, () => {
    for (const statement of missing(db, collection, fields)) db.exec(statement);
  });
}

/** Statements that bring the table up to its declaration. */
function missing(db: DatabaseSync, collection: AnyCollection, fields: string[]): string[] {
  const table = tableOf(collection);
  const statements: string[] = [];
  const columns = names(db, sql`PRAGMA table_xinfo(${table})`);
  if (columns.size === 0)
    statements.push(sql`CREATE TABLE ${table} (id TEXT PRIMARY KEY, rev INTEGER NOT NULL, json TEXT NOT NULL) STRICT`);
  for (const field of fields)
    if (!columns.has(columnName(field)))
      statements.push(
        sql`ALTER TABLE ${table} ADD COLUMN ${columnOf(field)} ANY AS (json_extract(json, ${literal(`$.${field}`)})) VIRTUAL`,
      );
  const indexes = names(db, sql`PRAGMA index_list(${table})`);
  for (const indexed of Object.values(collection.indexes)) {
    const name = `${tableName(collection)}(${indexed.join(',')})`;
    if (indexes.has(name)) continue;
    indexes.add(name);
    const present = join(indexed.map(isPresent), ' AND ');
    statements.push(
      sql`CREATE INDEX ${ident(name)} ON ${table} (${join([...indexed.map(columnOf), ident('id')])}) WHERE ${present}`,
    );
  }
  return statements;
}

export function tableOf(collection: AnyCollection): Sql {
  return ident(tableName(collection));
}

export function columnOf(field: string): Sql {
  return ident(columnName(field));
}

/** A document is in an index when it has all of the index's fields. */
export function isPresent(field: string): string {
  return sql`${columnOf(field)} IS NOT NULL`;
}

/** Runs `work` under the database's write lock: all of it, or nothing when it throws. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (e) {
    // A full disk makes SQLite roll back by itself.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw e;
  }
}

function tableName(collection: AnyCollection): string {
  return `doc_${collection.name}`;
}

/** The dollar keeps a field from meeting `id`, `rev` and `json`. */
export function columnName(field: string): string {
  return `$${field}`;
}

function names(db: DatabaseSync, pragma: string): Set<string> {
  return new Set(
    db
      .prepare(pragma)
      .all()
      .map((row) => String(row['name'])),
  );
}
