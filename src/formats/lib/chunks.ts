/** The bytes of a file in large pieces. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

const CHUNK_BYTES = 2 ** 20;

/** A small file takes no more memory than its bytes: of many members each would ask for a megabyte. */
export async function* chunksOf(path: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const { size } = await stat(path);
  const highWaterMark = Math.min(CHUNK_BYTES, Math.max(size, 1));
  for await (const chunk of createReadStream(path, { highWaterMark, signal })) yield chunk as Buffer;
}
