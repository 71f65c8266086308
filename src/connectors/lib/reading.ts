/** What makes a read trustworthy, the same for every connector. */
import type { RemoteFile } from '../../ports/connector.ts';
import { cancelled, changed, lost } from './faults.ts';

export const CHUNK_BYTES = 1024 * 1024;
const SMALL_BYTES = 64 * 1024;

export interface Reading {
  endpoint: string;
  /** The file as the source described it before the first byte. */
  before: RemoteFile;
  /** First byte that is wanted. */
  offset: number;
  /** Asks the source for the file again, after the last byte. */
  after(): Promise<RemoteFile | undefined>;
  signal?: AbortSignal;
}

/**
 * Passes a body, a generator that has not been started, on and ends only if it was the whole file from `offset` and the file is still the one described before.
 * Errors: `connector.lost` when bytes are missing, `connector.changed` when the file is another one now (both transient),
 * `cancelled` when the signal fired.
 */
export async function* verified(reading: Reading, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { before, offset, signal, endpoint } = reading;
  const { path, bytes = Number.POSITIVE_INFINITY } = before;
  if (offset > bytes) throw changed(path);
  if (signal?.aborted) throw cancelled(`reading "${path}"`);
  let at = offset;
  try {
    // At the end already: nothing is asked for, since servers refuse an empty range.
    if (offset < bytes) {
      for await (const chunk of body) {
        at += chunk.length;
        if (signal?.aborted) throw cancelled(`reading "${path}"`);
        if (at > bytes) throw changed(path);
        yield chunk;
      }
    }
    const after = await reading.after();
    if (!after || !sameVersion(before, after)) throw changed(path);
  } catch (e) {
    throw signal?.aborted ? cancelled(`reading "${path}"`) : e;
  }
  if (at < bytes && bytes !== Number.POSITIVE_INFINITY)
    throw lost(endpoint, `reading "${path}": ${at} of ${bytes} bytes came`);
}

/** Do two descriptions agree in all that both of them say? */
export function sameVersion(a: RemoteFile, b: RemoteFile): boolean {
  const agree = (x: unknown, y: unknown) => x === undefined || y === undefined || x === y;
  return agree(a.bytes, b.bytes) && agree(a.modifiedAt, b.modifiedAt) && agree(a.tag, b.tag);
}

/** Brings chunks of any size to 64 KiB to 1 MiB, the last one excepted. The yielded memory is reused. */
export async function* gathered(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let filled = 0;
  for await (const chunk of body) {
    if (filled === 0 && chunk.length >= SMALL_BYTES && chunk.length <= CHUNK_BYTES) {
      yield chunk;
      continue;
    }
    for (let at = 0; at < chunk.length; ) {
      const part = chunk.subarray(at, at + CHUNK_BYTES - filled);
      buffer.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled >= SMALL_BYTES) {
        yield buffer.subarray(0, filled);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled);
}

/** One signal of several that may be missing. */
export function anySignal(...signals: (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = signals.filter((s) => s !== undefined);
  return given.length > 1 ? AbortSignal.any(given) : given[0];
}
