/**
 * State store in one SQLite file. Several processes of the machine may open it: readers never wait, writers wait for each other.
 * Calls run to their end on the calling thread; a write takes as long as the disk needs to sync.
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { GranaryError } from '../../lib/errors.ts';
import { sql } from '../../lib/sql.ts';
import type { Collection, Condition, Doc, Query, StateStore, Versioned, Write } from '../../ports/state-store.ts';
import { stateErrors } from './sqlite-errors.ts';
import { planPages } from './sqlite-query.ts';
import { type AnyCollection, inTransaction, prepareCollection, prepareDatabase, tableOf } from './sqlite-schema.ts';

/** How long a write waits for those of other processes. */
const BUSY_TIMEOUT_MS = 10_000;
const MAX_WRITES = 100;
const PAGE_ROWS = 256;

/**
 * Opens the store in the file `path`, made with its folder if it is not there.
 * Errors, here and of every call: `state.io`, `state.corrupt`, `store.disk_full`; here `state.newer`.
 */
export async function openStateStore(path: string): Promise<StateStore> {
  const { DatabaseSync } = await import('node:sqlite');
  // Where no folder can be made, opening fails as well, and says so as `state.io`.
  await mkdir(dirname(path), { recursive: true }).catch(() => {});
  return stateErrors(path, () => {
    const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      prepareDatabase(db, path);
      return new SqliteStateStore(db, path);
    } catch (e) {
      db.close();
      throw e;
    }
  });
}

class SqliteStateStore implements StateStore {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #prepared = new WeakSet<AnyCollection>();
  readonly #statements = new Map<string, StatementSync>();

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
  }

  async get<T extends Doc>(collection: Collection<T>, id: string): Promise<Versioned<T> | undefined> {
    return this.#run([collection], () => {
      const row = this.#statement(sql`SELECT rev, json FROM ${tableOf(collection)} WHERE id = ?`).get(id);
      return row && toDocument<T>(row);
    });
  }

  async put<T extends Doc>(collection: Collection<T>, doc: T, condition?: Condition): Promise<void> {
    this.#run([collection], () => inTransaction(this.#db, () => this.#put(collection, doc, condition)));
  }

  async remove(collection: Collection<Doc>, id: string, condition?: Condition): Promise<void> {
    this.#run([collection], () => inTransaction(this.#db, () => this.#remove(collection, id, condition)));
  }

  async transact(writes: Write[]): Promise<void> {
    if (writes.length > MAX_WRITES)
      throw new GranaryError(
        'state.invalid',
        `a transaction has at most ${MAX_WRITES} writes, this one ${writes.length}`,
      );
    const targets = writes.map((w) =>
      'put' in w
        ? { collection: w.put.collection, id: w.put.doc.id }
        : { collection: w.remove.collection, id: w.remove.id },
    );
    const distinct = new Set(targets.map((t) => JSON.stringify([t.collection.name, t.id])));
    if (distinct.size < writes.length)
      throw new GranaryError('state.invalid', 'a transaction writes a document once at most');
    const collections = targets.map((t) => t.collection);
    this.#run(collections, () =>
      inTransaction(this.#db, () => {
        for (const w of writes) {
          if ('put' in w) this.#put(w.put.collection, w.put.doc, w.put.condition);
          else this.#remove(w.remove.collection, w.remove.id, w.remove.condition);
        }
      }),
    );
  }

  async *query<T extends Doc>(collection: Collection<T>, query: Query = {}): AsyncIterable<Versioned<T>> {
    const plan = planPages(collection, query);
    const equals = query.equals ?? [];
    let remaining = query.limit ?? Number.POSITIVE_INFINITY;
    for (let after: SQLInputValue[] | undefined; ; ) {
      const wanted = Math.min(PAGE_ROWS, remaining);
      const rows = this.#run([collection], () =>
        this.#statement(after ? plan.next : plan.first).all(...equals, ...(after ?? []), wanted),
      );
      for (const row of rows) yield toDocument<T>(row);
      remaining -= rows.length;
      const last = rows.at(-1);
      if (!last || rows.length < wanted || remaining === 0) return;
      after = plan.cursor.map((column) => last[column]!);
    }
  }

  async close(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }

  #put(collection: AnyCollection, doc: Doc, condition: Condition | undefined): void {
    checkDocument(collection, doc);
    const { value: rev } = this.#statement(
      "UPDATE meta SET value = value + 1 WHERE key = 'last_rev' RETURNING value",
    ).get() as { value: number };
    const json = JSON.stringify({ ...doc, rev: undefined });
    const table = tableOf(collection);
    const insert = sql`INSERT INTO ${table} (id, rev, json) VALUES (?, ?, ?) ON CONFLICT (id)`;
    if (condition === undefined) {
      this.#statement(`${insert} DO UPDATE SET rev = excluded.rev, json = excluded.json`).run(doc.id, rev, json);
      return;
    }
    const { changes } =
      'absent' in condition
        ? this.#statement(`${insert} DO NOTHING`).run(doc.id, rev, json)
        : this.#statement(sql`UPDATE ${table} SET rev = ?, json = ? WHERE id = ? AND rev = ?`).run(
            rev,
            json,
            doc.id,
            condition.rev,
          );
    if (changes === 0) throw conflict(collection, doc.id, condition);
  }

  #remove(collection: AnyCollection, id: string, condition: Condition | undefined): void {
    const table = tableOf(collection);
    if (condition === undefined) {
      this.#statement(sql`DELETE FROM ${table} WHERE id = ?`).run(id);
    } else if ('absent' in condition) {
      if (this.#statement(sql`SELECT 1 FROM ${table} WHERE id = ?`).get(id)) throw conflict(collection, id, condition);
    } else {
      const removed = this.#statement(sql`DELETE FROM ${table} WHERE id = ? AND rev = ?`).run(id, condition.rev);
      if (removed.changes === 0) throw conflict(collection, id, condition);
    }
  }

  /** Makes the collections ready, then runs `operation`, with SQLite's errors translated. */
  #run<T>(collections: readonly AnyCollection[], operation: () => T): T {
    return stateErrors(this.#path, () => {
      for (const collection of collections) {
        if (this.#prepared.has(collection)) continue;
        prepareCollection(this.#db, collection);
        this.#prepared.add(collection);
      }
      return operation();
    });
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text);
    if (!statement) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }
}

function toDocument<T extends Doc>(row: Record<string, SQLOutputValue>): Versioned<T> {
  return { ...(JSON.parse(String(row['json'])) as T), rev: Number(row['rev']) };
}

/** Index values must mean the same to every store: text, or a number that is exact. */
function checkDocument(collection: AnyCollection, doc: Doc): void {
  const refuse = (reason: string) => {
    throw new GranaryError('state.invalid', `document "${doc.id}" of "${collection.name}": ${reason}`);
  };
  if (typeof doc.id !== 'string' || doc.id === '') refuse('its id is not a text');
  for (const field of new Set(Object.values(collection.indexes).flat())) {
    const value: unknown = doc[field as keyof Doc];
    if (value === undefined || value === null || typeof value === 'string') continue;
    const exact = Number.isSafeInteger(value) || (Number.isFinite(value) && !Number.isInteger(value));
    if (!exact) refuse(`the index field "${field}" is neither a text nor an exact number`);
  }
}

function conflict(collection: AnyCollection, id: string, condition: Condition): GranaryError {
  const reason = 'absent' in condition ? 'exists already' : 'was changed or removed since it was read';
  return new GranaryError('state.conflict', `document "${id}" of "${collection.name}" ${reason}`, {
    details: { collection: collection.name, id },
  });
}
