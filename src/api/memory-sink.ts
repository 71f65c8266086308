/** Takes what an extraction writes, into memory, and breaks where a test wants it to. */
import type { ExtractSink, ObjectOptions, Position, Totals } from '../ports/extract.ts';

export interface LandedObject {
  dataset: string;
  bytes: Buffer;
  complete: boolean;
  declared: Totals | undefined;
}

interface Open {
  chunks: Buffer[];
  complete: boolean;
}

/** Where an extraction is broken off: after the checkpoint or the write of that number. */
export interface Break {
  checkpoint?: number;
  write?: number;
}

export class Broken extends Error {}

/** As the product's: what is written counts once a checkpoint has kept it; the rest is lost when an extraction breaks. */
export class MemorySink implements ExtractSink {
  readonly ended: LandedObject[] = [];
  progress: Position | undefined;
  checkpoints = 0;
  writes = 0;
  readonly #break: Break;
  #open = new Map<string, Open>();
  #kept: { ended: LandedObject[]; open: Map<string, Open> } = { ended: [], open: new Map() };

  constructor(at: Break = {}) {
    this.#break = at;
  }

  async open(dataset: string, { complete = false }: ObjectOptions = {}): Promise<void> {
    if (!this.#open.has(dataset)) this.#open.set(dataset, { chunks: [], complete });
  }

  async write(dataset: string, bytes: Uint8Array): Promise<void> {
    await this.open(dataset);
    this.#open.get(dataset)!.chunks.push(Buffer.from(bytes));
    if (++this.writes === this.#break.write) throw new Broken('broken off after a write');
  }

  async cut(dataset: string, declared?: Totals): Promise<void> {
    const open = this.#open.get(dataset);
    this.#open.delete(dataset);
    if (open) this.ended.push({ dataset, bytes: Buffer.concat(open.chunks), complete: open.complete, declared });
  }

  async discard(dataset: string): Promise<void> {
    this.#open.delete(dataset);
  }

  async checkpoint(progress: Position): Promise<void> {
    this.progress = jsonOf(progress);
    this.#kept = { ended: [...this.ended], open: copyOf(this.#open) };
    if (++this.checkpoints === this.#break.checkpoint) throw new Broken('broken off after a checkpoint');
  }

  /** Ends all objects: the extraction went well. */
  async end(declared: Record<string, Totals> = {}): Promise<void> {
    for (const dataset of [...this.#open.keys()]) await this.cut(dataset, declared[dataset]);
  }

  /** A sink that has what the last checkpoint of this one kept. */
  resumed(): MemorySink {
    const next = new MemorySink();
    next.progress = this.progress;
    next.ended.push(...this.#kept.ended);
    next.#open = copyOf(this.#kept.open);
    return next;
  }
}

const copyOf = (open: Map<string, Open>) =>
  new Map([...open].map(([dataset, o]) => [dataset, { ...o, chunks: [...o.chunks] }]));

/** As it comes back from where positions are stored. */
export function jsonOf<T>(position: T): T {
  return JSON.parse(JSON.stringify(position)) as T;
}
