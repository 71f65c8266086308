/** Takes the bytes of an extraction into uploads, one per object, and keeps what a checkpoint has made durable. */
import { createHash, type Hash } from 'node:crypto';
import { GranaryError } from '../../lib/errors.ts';
import { idOf } from '../../lib/hash.ts';
import type { FeedPart } from '../../model/feeds.ts';
import type { Declared } from '../../model/objects.ts';
import type { ExtractSink, ObjectOptions, Position, Totals } from '../../ports/extract.ts';
import type { ObjectStore, Upload } from '../../ports/object-store.ts';

export interface EndedPart extends FeedPart {
  sha256: string;
}

interface Open {
  part: FeedPart;
  upload: Upload;
  hash: Hash;
}

export interface SinkOptions {
  objects: ObjectStore;
  /** Tells the uploads of extractions apart. */
  name: string;
  datasets: ReadonlySet<string>;
  /** Makes the state of the parts known, with what the connector needs to go on. */
  save(progress: Position, parts: FeedPart[]): Promise<void>;
  /** Bytes of all parts. */
  onBytes(bytes: number): void;
}

export class Sink implements ExtractSink {
  readonly #options: SinkOptions;
  readonly #open = new Map<string, Open>();
  readonly #ended: EndedPart[] = [];
  readonly #count = new Map<string, number>();
  #bytes = 0;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** Goes on with the parts of a checkpoint: what was written after it is forgotten. */
  async resume(parts: readonly FeedPart[]): Promise<void> {
    for (const part of parts) {
      const opened = await this.#reopen(part);
      this.#count.set(part.dataset, Math.max(part.part, this.#count.get(part.dataset) ?? 0));
      if (part.ended) {
        await opened.upload.suspend();
        this.#ended.push({ ...part, sha256: opened.hash.digest('hex') });
      } else this.#open.set(part.dataset, opened);
    }
  }

  async open(dataset: string, options: ObjectOptions = {}): Promise<void> {
    await this.#current(dataset, options);
  }

  async write(dataset: string, bytes: Uint8Array): Promise<void> {
    const open = this.#open.get(dataset) ?? (await this.#current(dataset, {}));
    const written = open.upload.write(bytes);
    open.hash.update(bytes);
    await written;
    open.part.bytes += bytes.length;
    this.#bytes += bytes.length;
    this.#options.onBytes(this.#bytes);
  }

  async cut(dataset: string, declared?: Totals): Promise<void> {
    const open = this.#open.get(dataset);
    if (!open) return;
    this.#open.delete(dataset);
    await open.upload.suspend();
    const part: FeedPart = { ...open.part, ended: true, declared: declaredOf(declared) };
    this.#ended.push({ ...part, sha256: open.hash.digest('hex') });
  }

  async discard(dataset: string): Promise<void> {
    const open = this.#open.get(dataset);
    if (!open) return;
    this.#open.delete(dataset);
    this.#bytes -= open.part.bytes;
    await open.upload.abort();
  }

  async checkpoint(progress: Position): Promise<void> {
    for (const open of this.#open.values()) {
      await open.upload.suspend();
      open.upload = await this.#options.objects.upload(open.part.upload);
    }
    const ended = this.#ended.map(({ sha256: _, ...part }) => part);
    await this.#options.save(progress, [...ended, ...[...this.#open.values()].map((o) => ({ ...o.part }))]);
  }

  /** Everything is durable; the objects that were made, in the order in which they began. */
  async end(declared: Record<string, Totals>): Promise<EndedPart[]> {
    for (const dataset of [...this.#open.keys()]) await this.cut(dataset, declared[dataset]);
    return this.#ended;
  }

  /** After an error: what was written stays for a later attempt, as far as it is of use. */
  async suspend(): Promise<void> {
    for (const { upload } of this.#open.values()) await upload.suspend();
    this.#open.clear();
  }

  async #current(dataset: string, { complete = false, ending = '.csv' }: ObjectOptions): Promise<Open> {
    const known = this.#open.get(dataset);
    if (known) return known;
    if (!this.#options.datasets.has(dataset))
      throw new GranaryError('internal', `The connector wrote to ${dataset}, which it was not asked for.`);
    const number = (this.#count.get(dataset) ?? 0) + 1;
    this.#count.set(dataset, number);
    const upload = idOf('extract', this.#options.name, dataset, number);
    const part: FeedPart = {
      dataset,
      part: number,
      upload,
      bytes: 0,
      ended: false,
      complete,
      ending,
      declared: null,
    };
    const opened = await this.#reopen(part);
    this.#open.set(dataset, opened);
    return opened;
  }

  /** The upload at exactly the part's bytes, and their hash. */
  async #reopen(part: FeedPart): Promise<Open> {
    const upload = await this.#options.objects.upload(part.upload);
    if (upload.offset < part.bytes) {
      await upload.abort();
      throw new GranaryError('store.io', `Bytes of an unfinished extraction of ${part.dataset} are missing.`, {
        hint: 'The data directory was changed by hand. The extraction begins anew.',
      });
    }
    if (upload.offset > part.bytes) await upload.restart(part.bytes);
    const hash = createHash('sha256');
    if (part.bytes > 0) for await (const chunk of upload.existing()) hash.update(chunk);
    this.#bytes += part.bytes;
    return { part: { ...part }, upload, hash };
  }
}

function declaredOf(totals: Totals | undefined): Declared | null {
  if (!totals || (totals.rows === undefined && totals.sums === undefined)) return null;
  return { ...(totals.rows !== undefined && { rows: totals.rows }), ...(totals.sums && { sums: totals.sums }) };
}
