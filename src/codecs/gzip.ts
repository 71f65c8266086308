/** gzip (RFC 1952): one or many members in a row, with zero padding behind them. */
import { createGunzip } from 'node:zlib';
import { s } from '../lib/spec/fields.ts';
import type { Infer } from '../lib/spec/spec.ts';
import type { Codec, CodecInput } from '../ports/codec.ts';
import { ByteReader } from './shared/byte-reader.ts';
import { corrupt, notInFormat, truncated } from './shared/faults.ts';
import { LOOKS_LIKE_BYTES } from './shared/looks-like.ts';
import { innerName } from './shared/names.ts';
import { CHUNK_BYTES, decompress, zlibErrorCode } from './shared/zlib-stream.ts';

const spec = s.object({}, { doc: 'Decompresses gzip.' });
export type GzipConfig = Infer<typeof spec>;

export const gzip: Codec<GzipConfig> = {
  type: 'gzip',
  title: 'gzip',
  extensions: ['.gz'],
  spec,
  async *decode(input) {
    yield { name: innerName(input.name, { '.gz': '', '.tgz': '.tar' }), body: gunzip(input) };
  },
};

async function* gunzip(input: CodecInput): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(input.stream());
  try {
    const head = await reader.peek(LOOKS_LIKE_BYTES);
    if (head[0] !== 0x1f || (head.length > 1 && head[1] !== 0x8b)) throw notInFormat(input.name, 'gzip', head);
    // The engine goes from member to member by itself, checks each CRC and length, and stops at what is not a member.
    yield* decompress(createGunzip({ chunkSize: CHUNK_BYTES }), reader);
    await expectPadding(reader, input.name);
  } catch (error) {
    const code = zlibErrorCode(error);
    if (code === 'Z_BUF_ERROR') throw truncated(input.name, 'gzip', error);
    if (code) throw corrupt(input.name, `${(error as Error).message} in its gzip data`, { cause: error });
    throw error;
  } finally {
    await reader.close();
  }
}

/** Node's engine takes a zero byte for the end of everything; members hidden behind one must not be lost without a word. */
async function expectPadding(reader: ByteReader, name: string): Promise<void> {
  for (;;) {
    const chunk = await reader.chunk();
    if (!chunk) return;
    if (chunk.some((byte) => byte !== 0)) throw corrupt(name, 'other bytes follow its gzip data');
  }
}
