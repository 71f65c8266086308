/** Writes the lines of one dataset into its object. */
import { createHash } from 'node:crypto';
import type { ExtractSink } from '../../../ports/extract.ts';
import { landedLine } from './landed.ts';

const HELD_BYTES = 1 << 20;

export interface ObjectWriterOptions {
  sink: ExtractSink;
  dataset: string;
  header: readonly string[];
  complete: boolean;
  /** The object was begun before a kill: it has its header. */
  begun: boolean;
  /** What the last extraction had, if it was small: the same again is not written. */
  digest: string | null;
}

/**
 * The first lines are held back: where there are no more, and they are those of the last extraction, or none, there is nothing new, and no object is begun
 * unless it is to be complete.
 */
export class ObjectWriter {
  readonly #options: ObjectWriterOptions;
  #held: Buffer[] | undefined;
  #heldBytes = 0;

  constructor(options: ObjectWriterOptions) {
    this.#options = options;
    this.#held = options.begun || options.complete ? undefined : [];
  }

  get begun(): boolean {
    return this.#held === undefined;
  }

  /** Opens a complete object, which exists even without rows. */
  async begin(): Promise<void> {
    const { sink, dataset, header, complete, begun } = this.#options;
    if (begun) return;
    await sink.open(dataset, { complete });
    await sink.write(dataset, landedLine(header));
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#held) {
      if (this.#heldBytes + bytes.length <= HELD_BYTES) {
        this.#held.push(Buffer.from(bytes));
        this.#heldBytes += bytes.length;
        return;
      }
      await this.release();
    }
    await this.#options.sink.write(this.#options.dataset, bytes);
  }

  /** Writes what was held back. */
  async release(): Promise<void> {
    const held = this.#held;
    if (!held) return;
    this.#held = undefined;
    await this.begin();
    for (const bytes of held) await this.#options.sink.write(this.#options.dataset, bytes);
  }

  /** The end. `digest`: for the next extraction; `nothing`: no object was begun. */
  async end(): Promise<{ digest: string | null; nothing: boolean }> {
    if (!this.#held) return { digest: null, nothing: false };
    const hash = createHash('sha256').update(landedLine(this.#options.header));
    for (const bytes of this.#held) hash.update(bytes);
    const digest = hash.digest('hex');
    if (this.#heldBytes === 0 || digest === this.#options.digest) return { digest, nothing: true };
    await this.release();
    return { digest, nothing: false };
  }
}
