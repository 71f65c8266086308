/** Where a Zstandard frame ends, found by walking its block headers (RFC 8878, section 3.1) without decoding anything. */

const SKIPPABLE_MAGIC = 0x184d2a50;
const FRAME_MAGIC = 0xfd2fb528;

export type FrameKind = 'data' | 'skippable';

/** What kind of frame begins with these 4 bytes; undefined when none does. */
export function frameKind(head: Uint8Array): FrameKind | undefined {
  if (head.length < 4) return undefined;
  const magic = Buffer.from(head.buffer, head.byteOffset, 4).readUInt32LE();
  if (magic === FRAME_MAGIC) return 'data';
  return (magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC ? 'skippable' : undefined;
}

/** Could these 1 to 3 bytes, the last of a stream, be a magic number cut short? */
export function beginsLikeFrame(head: Uint8Array): boolean {
  const rest = Buffer.from(head).toString('hex');
  return head.length > 0 && head.length < 4 && ('28b52ffd'.startsWith(rest) || /^5.(2a(4d)?)?$/.test(rest));
}

type State = 'magic' | 'skippable size' | 'descriptor' | 'block header' | 'last bytes';

/**
 * Follows one frame through the chunks of a stream, beginning at its magic number. The frame ends where the walker says, whether its
 * content is sound or not: that is for the decoder to tell.
 */
export class FrameWalker {
  #state: State = 'magic';
  /** Bytes of the header being collected, little end first. */
  #header: number[] = [];
  #wanted = 4;
  /** Bytes to pass over before the next header. */
  #skip = 0;
  #checksumBytes = 0;

  get done(): boolean {
    return this.#state === 'last bytes' && this.#skip === 0;
  }

  /** Takes the next chunk; returns how many of its bytes belong to the frame. */
  feed(chunk: Uint8Array): number {
    let at = 0;
    while (at < chunk.length && !this.done) {
      if (this.#skip > 0) {
        const step = Math.min(this.#skip, chunk.length - at);
        this.#skip -= step;
        at += step;
      } else {
        this.#header.push(chunk[at++]!);
        if (this.#header.length === this.#wanted) this.#enter();
      }
    }
    return at;
  }

  /** Interprets a complete header and sets what follows it. */
  #enter(): void {
    const value = this.#header.reduceRight((sum, byte) => sum * 256 + byte, 0);
    this.#header = [];
    switch (this.#state) {
      case 'magic':
        if (value === FRAME_MAGIC) this.#expect('descriptor', 1);
        else this.#expect('skippable size', 4);
        break;
      case 'skippable size':
        this.#state = 'last bytes';
        this.#skip = value;
        break;
      case 'descriptor':
        this.#skip = headerBytes(value);
        this.#checksumBytes = value & 0x04 ? 4 : 0;
        this.#expect('block header', 3);
        break;
      case 'block header': {
        const isRle = ((value >> 1) & 3) === 1;
        this.#skip = isRle ? 1 : value >> 3;
        if (value & 1) {
          this.#state = 'last bytes';
          this.#skip += this.#checksumBytes;
        }
        break;
      }
    }
  }

  #expect(state: State, bytes: number): void {
    this.#state = state;
    this.#wanted = bytes;
  }
}

/** Length of what stands between the descriptor byte and the first block: window, dictionary id, content size. */
function headerBytes(descriptor: number): number {
  const singleSegment = (descriptor >> 5) & 1;
  const windowBytes = singleSegment ? 0 : 1;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  const sizeBytes = [singleSegment, 2, 4, 8][descriptor >> 6]!;
  return windowBytes + dictionaryBytes + sizeBytes;
}
