/** Errors of SQLite as errors of the state store. */
import { GranaryError } from '../../lib/errors.ts';

/** Primary result codes, https://sqlite.org/rescode.html */
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

/** Whether another connection held the lock for longer than the busy timeout. */
export function isBusy(e: unknown): boolean {
  const code = resultCode(e);
  return code === BUSY || code === LOCKED;
}

/**
 * Runs `operation` on the database at `path`, with SQLite's errors as `state.io` (transient when another process holds the lock or a
 * read or write failed), `state.corrupt` or `store.disk_full`. Other errors pass through.
 */
export function stateErrors<T>(path: string, operation: () => T): T {
  try {
    return operation();
  } catch (e) {
    throw asStateError(path, e);
  }
}

function asStateError(path: string, e: unknown): unknown {
  const message = e instanceof Error ? e.message : String(e);
  switch (resultCode(e)) {
    case BUSY:
    case LOCKED:
      return new GranaryError('state.io', `${path}: other processes keep the state store locked`, {
        transient: true,
        cause: e,
      });
    case IOERR:
      return new GranaryError('state.io', `${path}: ${message}`, { transient: true, cause: e });
    case FULL:
      return new GranaryError('store.disk_full', `${path}: the disk is full`, {
        hint: 'Free space on the disk of the data directory (`granary gc` removes what no longer counts), then run again.',
        cause: e,
      });
    case CORRUPT:
    case NOTADB:
      return new GranaryError('state.corrupt', `${path}: ${message}`, {
        hint: 'Restore the file from a backup; objects and warehouse are not touched by this.',
        cause: e,
      });
    case PERM:
    case READONLY:
    case CANTOPEN:
      return new GranaryError('state.io', `${path}: ${message}`, {
        hint: 'Check that the data directory exists and that this user may write to it.',
        cause: e,
      });
    default:
      return e;
  }
}

function resultCode(e: unknown): number | undefined {
  const extended = e instanceof Error ? (e as Error & { errcode?: number }).errcode : undefined;
  return extended === undefined ? undefined : extended & 0xff;
}
