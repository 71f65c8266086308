/** Object keys: slash-separated, the same rules for every adapter so that a project moves between them. */
import { GranaryError } from '../../lib/errors.ts';

/** The limits are those of S3 (key) and of common file systems (segment). */
const MAX_KEY_BYTES = 1024;
const MAX_SEGMENT_BYTES = 255;

/** Top folder that adapters keep for themselves. */
export const RESERVED = '.tmp';

/** Throws `store.bad_key` unless `key` is relative, has no empty, `.` or `..` segment, fits the limits and stays out of `.tmp`. */
export function checkKey(key: string): void {
  const segments = key.split('/');
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) refuse(key, `longer than ${MAX_KEY_BYTES} bytes`);
  if (segments[0] === RESERVED) refuse(key, `"${RESERVED}" is reserved`);
  for (const segment of segments) checkSegment(segment, key);
}

/** The same for one segment, such as the name of an upload. */
export function checkSegment(segment: string, key = segment): void {
  if (segment === '') refuse(key, 'a segment is empty');
  if (segment === '.' || segment === '..') refuse(key, `"${segment}" is not allowed`);
  if (segment.includes('/')) refuse(key, 'a slash is not allowed');
  if (/[\x00-\x1f\x7f]/.test(segment)) refuse(key, 'control characters are not allowed');
  if (!segment.isWellFormed()) refuse(key, 'it is not valid Unicode');
  if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)
    refuse(key, `a segment is longer than ${MAX_SEGMENT_BYTES} bytes`);
}

function refuse(key: string, reason: string): never {
  throw new GranaryError('store.bad_key', `object key ${JSON.stringify(key.slice(0, 200))}: ${reason}`);
}

/** Order of the UTF-8 bytes, which JavaScript's own order of strings is not. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
