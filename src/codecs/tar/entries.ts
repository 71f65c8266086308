/** Walks a tar stream from entry to entry, with the long names and sizes of GNU and pax headers applied. */
import type { ByteReader } from '../shared/byte-reader.ts';
import { corrupt, notInFormat, truncated, unsupported } from '../shared/faults.ts';
import { BLOCK_BYTES, decodeText, type Header, HeaderError, parseHeader, parsePax } from './header.ts';

/** Extended headers are held in memory; those of honest archives have a few hundred bytes. */
const MAX_EXTENDED_BYTES = 2 ** 20;

/** Reads headers one after the other; the caller consumes each entry's content in between. */
export class EntryReader {
  readonly #reader: ByteReader;
  readonly #name: string;
  #globalPax = new Map<string, string>();
  #first = true;

  constructor(reader: ByteReader, name: string) {
    this.#reader = reader;
    this.#name = name;
  }

  /**
   * The next entry, the stream then standing at its content; undefined at the end of the archive, when the stream has been read to
   * its end and held nothing else. Throws `codec.corrupt`, `codec.truncated`, `codec.unsupported`.
   */
  async next(): Promise<Header | undefined> {
    let longName: string | undefined;
    let pax = this.#globalPax;
    for (;;) {
      const header = await this.#header();
      if (!header) return undefined;
      switch (header.type) {
        case 'x':
          pax = new Map([...this.#globalPax, ...this.#pax(await this.#extended(header))]);
          break;
        case 'g':
          this.#globalPax = new Map([...this.#globalPax, ...this.#pax(await this.#extended(header))]);
          pax = this.#globalPax;
          break;
        case 'L':
          longName = trimNul(decodeText(await this.#extended(header)));
          break;
        case 'K': // A long link target: links are refused, whatever they point to.
        case 'V': // The volume's label.
          await this.skip(header.bytes);
          break;
        default:
          return this.#apply(header, longName, pax);
      }
    }
  }

  /** Passes over `bytes` of content and the padding behind them. */
  async skip(bytes: number): Promise<void> {
    for await (const _ of this.content(bytes));
  }

  /** The content of the entry that `next` returned, `bytes` long; ends behind its padding. */
  async *content(bytes: number): AsyncGenerator<Uint8Array> {
    yield* this.#take(bytes);
    await this.#discardPadding(bytes);
  }

  async *#take(bytes: number): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0; ) {
      const chunk = await this.#reader.chunk(left);
      if (!chunk) throw truncated(this.#name, 'tar');
      left -= chunk.length;
      yield chunk;
    }
  }

  async #header(): Promise<Header | undefined> {
    const block = await this.#reader.read(BLOCK_BYTES);
    if (this.#first && block.length === 0) throw notInFormat(this.#name, 'tar', block);
    if (block.length < BLOCK_BYTES && !this.#first) throw truncated(this.#name, 'tar');
    if (block.length === BLOCK_BYTES && isZero(block)) {
      await this.#expectNothingElse();
      return undefined;
    }
    try {
      if (block.length < BLOCK_BYTES) throw new HeaderError('it is shorter than a header');
      const header = parseHeader(block);
      this.#first = false;
      return header;
    } catch (error) {
      if (!(error instanceof HeaderError)) throw error;
      if (this.#first) throw notInFormat(this.#name, 'tar', block);
      throw corrupt(this.#name, `${error.message} at byte ${this.#reader.position - BLOCK_BYTES} of its tar data`, {
        cause: error,
      });
    }
  }

  /** Tools pad an archive with zeros; anything else behind its end would be lost without a word. */
  async #expectNothingElse(): Promise<void> {
    for (let chunk = await this.#reader.chunk(); chunk; chunk = await this.#reader.chunk()) {
      if (!isZero(chunk))
        throw corrupt(this.#name, 'other bytes follow the end of its tar data', {
          hint: 'Archives that were joined with `cat` are read to the end of the first one only; join them with `tar -A`.',
        });
    }
  }

  async #extended(header: Header): Promise<Buffer> {
    if (header.bytes > MAX_EXTENDED_BYTES) throw corrupt(this.#name, `an extended header of ${header.bytes} bytes`);
    const body = await this.#reader.read(header.bytes);
    if (body.length < header.bytes) throw truncated(this.#name, 'tar');
    await this.#discardPadding(header.bytes);
    return body;
  }

  async #discardPadding(bytes: number): Promise<void> {
    for await (const _ of this.#take(padding(bytes)));
  }

  #pax(body: Buffer): Map<string, string> {
    try {
      return parsePax(body);
    } catch (error) {
      if (error instanceof HeaderError) throw corrupt(this.#name, `${error.message} in its tar data`, { cause: error });
      throw error;
    }
  }

  #apply(header: Header, longName: string | undefined, pax: Map<string, string>): Header {
    const path = pax.get('path') ?? longName ?? header.path;
    const bytes = Number(pax.get('size') ?? header.bytes);
    if (!Number.isSafeInteger(bytes) || bytes < 0)
      throw corrupt(this.#name, `${JSON.stringify(path)} declares an impossible size`);
    if (header.type === 'S' || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.')))
      throw unsupported(
        this.#name,
        `its entry ${JSON.stringify(path)} is a sparse file`,
        'Make the archive without `--sparse`.',
      );
    // v7 marks folders by their name alone. Only the whole name tells: one cut to 100 bytes may end with a slash by chance.
    const type = header.type === '0' && path.endsWith('/') ? '5' : header.type;
    if (type === '5' && bytes > 0) throw corrupt(this.#name, `its folder ${JSON.stringify(path)} declares content`);
    return { path, type, bytes };
  }
}

const padding = (bytes: number) => (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
const isZero = (bytes: Uint8Array) => bytes.every((byte) => byte === 0);
const trimNul = (s: string) => s.replace(/\0.*$/s, '');
