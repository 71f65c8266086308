/** Zstandard (RFC 8878): one or many frames in a row, skippable frames passed over. */
import { constants, createZstdDecompress } from 'node:zlib';
import { s } from '../lib/spec/fields.ts';
import type { Infer } from '../lib/spec/spec.ts';
import type { Codec, CodecInput } from '../ports/codec.ts';
import { ByteReader } from './shared/byte-reader.ts';
import { corrupt, notInFormat, truncated, unsupported } from './shared/faults.ts';
import { LOOKS_LIKE_BYTES } from './shared/looks-like.ts';
import { innerName } from './shared/names.ts';
import { CHUNK_BYTES, type ChunkSource, decompress, zlibErrorCode } from './shared/zlib-stream.ts';
import { beginsLikeFrame, FrameWalker, frameKind } from './zstd/frame.ts';

const spec = s.object(
  {
    max_window: s.size({
      doc: 'Largest window a frame may ask for: about the memory it takes. Files made with `zstd --long=31` need 2 GiB.',
      example: '2 GiB',
      default: 128 * 2 ** 20,
    }),
  },
  { doc: 'Decompresses Zstandard.' },
);
export type ZstdConfig = Infer<typeof spec>;

export const zstd: Codec<ZstdConfig> = {
  type: 'zstd',
  title: 'Zstandard',
  extensions: ['.zst', '.zstd'],
  spec,
  async *decode(input, config) {
    const name = innerName(input.name, { '.zst': '', '.zstd': '', '.tzst': '.tar' });
    yield { name, body: unzstd(input, config) };
  },
};

/**
 * Node's engine may stop after the first frame without an error, so each frame gets an engine of its own and the frames' limits are
 * found independently of it.
 */
async function* unzstd(input: CodecInput, config: ZstdConfig): AsyncGenerator<Uint8Array> {
  const reader = new ByteReader(input.stream());
  try {
    const head = await reader.peek(LOOKS_LIKE_BYTES);
    if (!frameKind(head) && !beginsLikeFrame(head)) throw notInFormat(input.name, 'zstd', head);
    for (;;) {
      const magic = await reader.peek(4);
      if (magic.length === 0) return;
      const kind = frameKind(magic);
      if (!kind && beginsLikeFrame(magic)) throw truncated(input.name, 'zstd');
      if (!kind) throw corrupt(input.name, `other bytes follow its zstd data at byte ${reader.position}`);
      const frame = new Frame(reader, input.name);
      if (kind === 'skippable') await frame.pass();
      else yield* decompress(createZstdDecompress(engineOptions(config)), frame);
    }
  } catch (error) {
    throw explain(error, input.name, config);
  } finally {
    await reader.close();
  }
}

function engineOptions(config: ZstdConfig) {
  const windowLog = Math.min(31, Math.max(10, Math.floor(Math.log2(config.max_window))));
  return { chunkSize: CHUNK_BYTES, params: { [constants.ZSTD_d_windowLogMax]: windowLog } };
}

/** The bytes of one frame of a stream. */
class Frame implements ChunkSource {
  readonly #walker = new FrameWalker();
  readonly #reader: ByteReader;
  readonly #name: string;

  constructor(reader: ByteReader, name: string) {
    this.#reader = reader;
    this.#name = name;
  }

  async chunk(): Promise<Uint8Array | undefined> {
    if (this.#walker.done) return undefined;
    const chunk = await this.#reader.chunk();
    if (!chunk) throw truncated(this.#name, 'zstd');
    const taken = this.#walker.feed(chunk);
    this.#reader.unread(chunk.subarray(taken));
    return chunk.subarray(0, taken);
  }

  /** The engine thinks that the frame is over before it is. */
  unread(): void {
    throw corrupt(this.#name, 'the blocks of a zstd frame contradict its header');
  }

  async pass(): Promise<void> {
    while (await this.chunk());
  }
}

function explain(error: unknown, name: string, config: ZstdConfig): unknown {
  const code = zlibErrorCode(error);
  if (code === undefined) return error;
  if (code === 'Z_BUF_ERROR') return truncated(name, 'zstd', error);
  if (code === 'ZSTD_error_frameParameter_windowTooLarge')
    return unsupported(
      name,
      `it needs a window of more than ${config.max_window} bytes`,
      'Raise `max_window` if the sender is trusted, or ask for files made without `--long`.',
      error,
    );
  if (code === 'ZSTD_error_dictionary_wrong')
    return unsupported(name, 'it was made with a dictionary', 'Ask the sender for files made without one.', error);
  return corrupt(name, `${(error as Error).message} in its zstd data`, { cause: error });
}
