/**
 * One runtime owns a data directory. The proof is a lock of the operating system on `<dir>/owner.lock`, which ends with the process
 * that holds it, however it ends: there are no stale locks. `<dir>/owner.json` says who it is, for people; it proves nothing.
 *
 * The lock is an exclusive SQLite transaction that is never committed. No other code may open `owner.lock`, not even to read it:
 * closing any handle of the same process would drop the lock.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy, stateErrors } from '../adapters/state-store/sqlite-errors.ts';
import { GranaryError } from '../lib/errors.ts';
import { redact } from '../lib/redact.ts';
import { formatSeconds } from '../lib/units.ts';

const POLL_MS = 200;
/** Bridges the moment in which another process only looks whether the lock is held. */
const LOOK_MS = 20;

export interface Holder {
  pid: number;
  /** Its command line, without secrets. */
  command: string;
  host: string;
  /** ISO 8601, UTC. */
  since: string;
}

export interface DataDirLock {
  readonly holder: Holder;
  /** May be called more than once. */
  release(): void;
}

export interface AcquireOptions {
  /** What this process is, for those who find the directory busy: `granary run --source pos`. */
  command: string;
  /** How long to wait while another process owns the directory; 0, the default, does not wait. */
  waitSeconds?: number;
  signal?: AbortSignal;
  /** Called once, when there is a wait, with the owner if it is known. */
  onWait?: (holder: Holder | undefined) => void;
}

/** Databases that hold a lock: without a reference the garbage collector would close them. */
const held = new Set<DatabaseSync>();

/**
 * Makes this process the owner of `dir`, which is made if it is not there. Errors: `owner.busy` (transient) when another process, or
 * this one, owns it for longer than the wait; `cancelled`; `state.io`.
 */
export async function acquireDataDir(dir: string, options: AcquireOptions): Promise<DataDirLock> {
  const deadline = Date.now() + (options.waitSeconds ?? 0) * 1000;
  for (let attempt = 1; ; attempt++) {
    throwIfAborted(dir, options.signal);
    const db = await tryLock(dir);
    if (db) return own(dir, db, options.command);
    const holder = readNote(dir);
    if (Date.now() >= deadline) throw busy(dir, holder);
    if (attempt === 1) options.onWait?.(holder);
    const pause = Math.min(POLL_MS, deadline - Date.now());
    await sleep(pause, undefined, { signal: options.signal }).catch(() => throwIfAborted(dir, options.signal));
  }
}

/** Who owns `dir` now; undefined when nobody does. */
export async function readHolder(dir: string): Promise<Holder | undefined> {
  const holder = readNote(dir);
  if (!holder) return undefined;
  const db = await tryLock(dir);
  db?.close();
  return db ? undefined : readNote(dir);
}

/** A database that holds the lock, or undefined when another one does. */
async function tryLock(dir: string): Promise<DatabaseSync | undefined> {
  const { DatabaseSync } = await import('node:sqlite');
  // Where no folder can be made, opening the file fails as well, and says so as `state.io`.
  await mkdir(dir, { recursive: true }).catch(() => {});
  const path = join(dir, 'owner.lock');
  return stateErrors(path, () => {
    const db = new DatabaseSync(path, { timeout: LOOK_MS });
    try {
      // Nothing is ever written, so a journal would only need space that a full disk has not.
      db.exec('PRAGMA journal_mode = MEMORY');
      db.exec('BEGIN EXCLUSIVE');
      return db;
    } catch (e) {
      db.close();
      if (isBusy(e)) return undefined;
      throw e;
    }
  });
}

function own(dir: string, db: DatabaseSync, command: string): DataDirLock {
  held.add(db);
  const holder = { pid: process.pid, command: redact(command), host: hostname(), since: new Date().toISOString() };
  writeNote(dir, holder);
  return {
    holder,
    release() {
      if (!held.delete(db)) return;
      rmSync(notePath(dir), { force: true });
      db.close();
    },
  };
}

function notePath(dir: string): string {
  return join(dir, 'owner.json');
}

/**
 * At once after locking and by rename, so that a reader rarely meets an earlier owner's note and never half of one. A note that
 * cannot be written is left out: a full disk must not keep `granary gc` from starting.
 */
function writeNote(dir: string, holder: Holder): void {
  const temporary = `${notePath(dir)}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify(holder, null, 2)}\n`);
    renameSync(temporary, notePath(dir));
  } catch {
    for (const path of [temporary, notePath(dir)]) rmSync(path, { force: true });
  }
}

function readNote(dir: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(notePath(dir), 'utf8')) as Holder;
  } catch {
    // Between locking and writing, or between removing and unlocking, there is no note.
    return undefined;
  }
}

function busy(dir: string, holder: Holder | undefined): GranaryError {
  const age = holder && formatSeconds(Math.max(0, (Date.now() - Date.parse(holder.since)) / 1000));
  const who = holder
    ? `"${holder.command}" (process ${holder.pid} on ${holder.host}, for ${age})`
    : 'another granary process';
  return new GranaryError('owner.busy', `${dir} is in use by ${who}`, {
    transient: true,
    hint: holder
      ? `Wait for it to end, or stop it with \`kill ${holder.pid}\`: a stopped run continues where it was.`
      : 'Wait for it to end.',
    details: { ...holder },
  });
}

function throwIfAborted(dir: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new GranaryError('cancelled', `stopped while waiting for ${dir}`);
}
