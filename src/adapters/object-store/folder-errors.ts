/** Errors of the file system as errors of the object store. */
import { GranaryError } from '../../lib/errors.ts';

export function errorCode(e: unknown): string | undefined {
  return e instanceof Error ? (e as NodeJS.ErrnoException).code : undefined;
}

/** Errors that stay until a person changes something. */
const TERMINAL = new Set(['EACCES', 'EPERM', 'EROFS', 'ENAMETOOLONG', 'ENOTSUP', 'EXDEV', 'EMLINK']);
/** A part of the path that should be a folder is an object, or the other way round. */
const CLASH = new Set(['ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY']);

/**
 * Runs an operation on `subject`, an object key or a path, with errors of the file system as `store.disk_full`, `store.bad_key`
 * or `store.io`. Other errors pass through.
 */
export async function storeErrors<T>(verb: string, subject: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (e) {
    throw asStoreError(verb, subject, e);
  }
}

export function asStoreError(verb: string, subject: string, e: unknown): unknown {
  const code = errorCode(e);
  if (code === undefined || e instanceof GranaryError || (e as NodeJS.ErrnoException).errno === undefined) return e;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new GranaryError('store.disk_full', `cannot ${verb} "${subject}": the disk is full`, {
      hint: 'Free space on the disk of the data directory (`granary gc` removes what no longer counts), then run again.',
      cause: e,
    });
  if (CLASH.has(code))
    return new GranaryError('store.bad_key', `cannot ${verb} "${subject}": an object and a folder have the same name`, {
      cause: e,
    });
  return new GranaryError('store.io', `cannot ${verb} "${subject}": ${(e as Error).message}`, {
    transient: !TERMINAL.has(code),
    hint: TERMINAL.has(code) ? 'Check the permissions and the file system of the data directory.' : undefined,
    cause: e,
  });
}
