/** Compressed data packets (RFC 9580, 5.6). */
import { createInflate, createInflateRaw } from 'node:zlib';
import type { ByteReader } from '../shared/byte-reader.ts';
import { corrupt } from '../shared/faults.ts';
import { decompress, zlibErrorCode } from '../shared/zlib-stream.ts';
import { Malformed, Unsupported } from './faults.ts';
import { type Layer, PIECE_BYTES } from './layer.ts';

/** Decompresses bzip2; `name` is that of the file, for messages. */
export type Bunzip2 = (reader: ByteReader, name: string) => AsyncIterable<Uint8Array>;

const ALGORITHM = { none: 0, zip: 1, zlib: 2, bzip2: 3 } as const;

/**
 * What is within a compressed packet, `layer` being its body. Reads the body to its end; bytes behind the compressed data do not
 * matter, as to gpg. `outer` is the layer the packet is in. Throws `codec.corrupt`, `codec.truncated`, `Malformed`, `Unsupported`.
 */
export async function* decompressed(layer: Layer, outer: Layer, bunzip2?: Bunzip2): AsyncGenerator<Uint8Array> {
  const { reader, name } = layer;
  const algorithm = (await reader.read(1))[0];
  if (algorithm === undefined) throw outer.tooShort();
  try {
    if (algorithm === ALGORITHM.zip) yield* decompress(createInflateRaw({ chunkSize: PIECE_BYTES }), reader);
    else if (algorithm === ALGORITHM.zlib) yield* decompress(createInflate({ chunkSize: PIECE_BYTES }), reader);
    else if (algorithm === ALGORITHM.bzip2) yield* requireBunzip2(bunzip2)(reader, name);
    else if (algorithm !== ALGORITHM.none)
      throw new Malformed(`it is compressed by method ${algorithm}, which does not exist`);
    for (let rest = await reader.chunk(); rest; rest = await reader.chunk())
      if (algorithm === ALGORITHM.none) yield rest;
  } catch (error) {
    const code = zlibErrorCode(error);
    if (code === 'Z_BUF_ERROR') throw outer.tooShort(error);
    if (code) throw corrupt(name, `${(error as Error).message} in its compressed data`, { cause: error });
    throw error;
  }
}

function requireBunzip2(bunzip2: Bunzip2 | undefined): Bunzip2 {
  if (bunzip2) return bunzip2;
  throw new Unsupported('it is compressed with bzip2', 'Ask the sender to use `gpg --compress-algo zlib`.');
}
