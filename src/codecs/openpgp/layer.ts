/** One layer of a message: the file itself, the inside of an encrypted packet, the inside of a compressed packet. */
import type { GranaryError } from '../../lib/errors.ts';
import { ByteReader } from '../shared/byte-reader.ts';
import { corrupt, truncated } from '../shared/faults.ts';

/**
 * How much is decrypted and decompressed at a time. The memory of each piece is new, and V8 frees it late: with pieces of 1 MiB a
 * message takes 90 MB, with these 25 to 50, at about the same speed.
 */
export const PIECE_BYTES = 2 ** 16;

export class Layer {
  readonly reader: ByteReader;
  /** Of the file, for messages. */
  readonly name: string;
  readonly #isFile: boolean;

  private constructor(reader: ByteReader, name: string, isFile: boolean) {
    this.reader = reader;
    this.name = name;
    this.#isFile = isFile;
  }

  /** The outermost layer: where it ends too early, the file was cut off. */
  static file(reader: ByteReader, name: string): Layer {
    return new Layer(reader, name, true);
  }

  /** A layer within another, which has proved or will prove that it is whole: where it ends too early, it is damaged. */
  static inner(source: AsyncIterable<Uint8Array>, name: string): Layer {
    return new Layer(new ByteReader(source), name, false);
  }

  /** What is left, in pieces of at most 64 KiB; each is valid until the next one is asked for. */
  async *rest(): AsyncGenerator<Buffer> {
    for (let piece = await this.reader.chunk(PIECE_BYTES); piece; piece = await this.reader.chunk(PIECE_BYTES))
      yield piece;
  }

  /** A layer that is in memory, such as a key. */
  static held(bytes: Buffer, name: string): Layer {
    return Layer.inner(single(bytes), name);
  }

  /** The next 1 to `max` bytes. Throws `codec.truncated` or `codec.corrupt` at the end. */
  async chunk(max?: number): Promise<Buffer> {
    return (await this.reader.chunk(max)) ?? this.#fail();
  }

  /** The next `n` bytes; `n` is small. Throws `codec.truncated` or `codec.corrupt` when there are fewer. */
  async exactly(n: number): Promise<Buffer> {
    const bytes = await this.reader.read(n);
    return bytes.length === n ? bytes : this.#fail();
  }

  async atEnd(): Promise<boolean> {
    return (await this.reader.peek(1)).length === 0;
  }

  /** The error for a layer that ends before its contents do: the file was cut off, or lies about a length. */
  tooShort(cause?: unknown): GranaryError {
    if (this.#isFile) return truncated(this.name, 'OpenPGP', cause);
    return corrupt(this.name, 'what is within its OpenPGP data ends too early', { cause });
  }

  /** To be called however reading went: closes what is below. */
  close(): Promise<void> {
    return this.reader.close();
  }

  #fail(): never {
    throw this.tooShort();
  }
}

async function* single(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
