/** Runs one of Node's zlib decompressors over a reader, taking from it exactly the bytes that belong to the compressed data. */
import type { Transform } from 'node:stream';
import type { Zlib } from 'node:zlib';

/** Size of output chunks: Node's default of 16 KiB halves the speed, and 1 MiB still costs a tenth. */
export const CHUNK_BYTES = 2 ** 22;

export interface ChunkSource {
  chunk(): Promise<Uint8Array | undefined>;
  unread(bytes: Uint8Array): void;
}

/**
 * Yields what `engine` makes of `source` until the compressed data says that it ends, or the source does. Bytes behind the end
 * are given back to the source. Errors of the engine keep Node's `code` (`Z_BUF_ERROR` when the source ended too early).
 * The engine is destroyed on the way out, however that is.
 */
export async function* decompress(engine: Transform & Zlib, source: ChunkSource): AsyncGenerator<Uint8Array> {
  const feeding = feed(engine, source).catch((error: Error) => {
    engine.destroy(error);
  });
  try {
    for await (const chunk of engine) yield chunk as Buffer;
  } finally {
    engine.destroy();
    await feeding;
  }
}

/** One write at a time, so that the engine's count of consumed bytes tells where the compressed data ended. */
async function feed(engine: Transform & Zlib, source: ChunkSource): Promise<void> {
  let offered = 0;
  while (!engine.destroyed) {
    const chunk = await source.chunk();
    if (!chunk) {
      engine.end();
      return;
    }
    offered += chunk.length;
    await write(engine, chunk);
    const rest = offered - engine.bytesWritten;
    if (rest > 0) {
      source.unread(chunk.subarray(chunk.length - rest));
      return;
    }
  }
}

/** Resolves when the chunk is consumed or the engine closed: a destroyed engine forgets the callback of a write under way. */
function write(engine: Transform, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = () => resolve();
    engine.once('close', onClose);
    engine.write(chunk, (error) => {
      engine.off('close', onClose);
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Node's error code of a zlib failure, undefined for any other error. */
export function zlibErrorCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^(Z|ZSTD)_/.test(code) ? code : undefined;
}
