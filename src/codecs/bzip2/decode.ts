/** bzip2 without the `bzip2` program: block by block from a stream, every CRC checked, streams in a row. */
import type { ByteReader } from '../shared/byte-reader.ts';
import { corrupt, truncated } from '../shared/faults.ts';
import { BitReader, OutOfBits } from './bits.ts';
import { BlockError, expandRuns, readBlock } from './block.ts';
import { Crc } from './crc.ts';

const STREAM_MAGIC = 0x425a68;
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;
/** A block of 900,000 symbols with codes of at most 20 bits, with its tables, is smaller than this. */
const MAX_BLOCK_BYTES = 2.5 * 2 ** 20;

/** Memory: about 12 MB, whatever the input. Throws `codec.corrupt` or `codec.truncated`, and errors of the source. */
export async function* decodeBzip2(reader: ByteReader, name: string): AsyncGenerator<Uint8Array> {
  const window = new Window(reader);
  try {
    for (let bits = await window.fill(); !window.atEnd; bits = await window.fill()) {
      if (bits.read(24) !== STREAM_MAGIC) throw new BlockError('other bytes follow');
      const level = bits.read(8) - 0x30;
      if (level < 1 || level > 9) throw new BlockError('the block size is impossible');
      yield* decodeStream(window, new Uint32Array(level * 100_000));
    }
  } catch (error) {
    if (error instanceof OutOfBits) throw truncated(name, 'bzip2', error);
    if (error instanceof BlockError) throw corrupt(name, `${error.message} in its bzip2 data`, { cause: error });
    throw error;
  }
}

/** From behind the stream's header to behind its padding. */
async function* decodeStream(window: Window, links: Uint32Array): AsyncGenerator<Uint8Array> {
  const crc = new Crc();
  let combined = 0;
  for (;;) {
    const bits = await window.fill();
    const magic = [bits.read(24), bits.read(24)];
    const expected = bits.read32();
    if (isMagic(magic, END_MAGIC)) {
      if (expected !== combined) throw new BlockError('the CRC of a stream does not match');
      bits.alignToByte();
      return;
    }
    if (!isMagic(magic, BLOCK_MAGIC)) throw new BlockError('a block does not begin as it should');
    for (const piece of expandRuns(readBlock(bits, links))) {
      crc.update(piece);
      yield piece;
    }
    if (crc.take() !== expected) throw new BlockError('the CRC of a block does not match');
    combined = (((combined << 1) | (combined >>> 31)) ^ expected) >>> 0;
  }
}

const isMagic = (found: number[], magic: readonly [number, number]) => found[0] === magic[0] && found[1] === magic[1];

/** A part of the input large enough for a whole block, so that decoding one need not wait in its middle. */
class Window {
  readonly #reader: ByteReader;
  #bytes: Uint8Array = Buffer.alloc(0);
  #bits = new BitReader(this.#bytes);
  #inputEnded = false;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  get atEnd(): boolean {
    return this.#bits.position >= this.#bytes.length * 8;
  }

  /** The bits from where reading stands; they hold a whole block, or all that is left. */
  async fill(): Promise<BitReader> {
    const at = Math.floor(this.#bits.position / 8);
    if (this.#inputEnded || this.#bytes.length - at >= MAX_BLOCK_BYTES) return this.#bits;
    const bitOffset = this.#bits.position % 8;
    const parts = [Buffer.from(this.#bytes.subarray(at))];
    // Twice a block, so that what is left over is copied only once in a while.
    let size = parts[0]!.length;
    while (size < 2 * MAX_BLOCK_BYTES) {
      const chunk = await this.#reader.chunk();
      if (!chunk) {
        this.#inputEnded = true;
        break;
      }
      parts.push(Buffer.from(chunk));
      size += chunk.length;
    }
    this.#bytes = Buffer.concat(parts);
    this.#bits = new BitReader(this.#bytes, bitOffset);
    return this.#bits;
  }
}
