/**
 * One engine per database file. The proof is a lock of the operating system on `<file>.lock`, which ends with the process that holds
 * it, however it ends. It is an exclusive SQLite transaction that is never committed. Nothing else may open that file, not even to
 * read it: closing any handle of the same process would drop the lock.
 */
import { resolve } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { EngineBusy } from './errors.ts';

const BUSY = 5;

/** By resolved path. Also a reference, without which the garbage collector would close them. */
const held = new Map<string, DatabaseSync>();

/** Returns what releases the lock. Throws `EngineBusy`. */
export async function lockFile(file: string): Promise<() => void> {
  const { DatabaseSync } = await import('node:sqlite');
  const path = `${resolve(file)}.lock`;
  if (held.has(path)) throw new EngineBusy(file);
  const db = new DatabaseSync(path, { timeout: 20 });
  try {
    // Nothing is ever written, so a journal would only need space that a full disk has not.
    db.exec('PRAGMA journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (e) {
    db.close();
    if (((e as { errcode?: number }).errcode ?? 0) % 256 === BUSY) throw new EngineBusy(file);
    throw e;
  }
  held.set(path, db);
  return () => {
    if (held.delete(path)) db.close();
  };
}
