/** What was read of the log on its way into the landing zone: lines per dataset, kept apart until their transaction is known to be whole. */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExtractSink } from '../../../ports/extract.ts';
import { landedLine } from '../../lib/sql/landed.ts';
import { LineBuffer } from '../../lib/sql/line-buffer.ts';

/** Whole transactions are handed on when there are so many bytes of them. */
const FLUSH_BYTES = 1 << 19;
/** A transaction that is larger waits for its end on disk. */
const SPILL_BYTES = 32 << 20;
/** The server has to wait while so many bytes wait to be written. */
const QUEUED_BYTES = 4 << 20;
const SPARES = 4;

interface Waiting {
  /** Bytes of `lines` that belong to whole transactions. */
  committed: number;
  lines: LineBuffer;
  /** What the current transaction has beside what is in `lines`, before it. */
  spill: { path: string; file: number; bytes: number } | undefined;
  header: Buffer;
  /** The object has its header. */
  isBegun: boolean;
}

type Step = { bytes: number; run(): Promise<void> };

export class Output {
  readonly #sink: ExtractSink;
  readonly #scratch: string;
  readonly #datasets = new Map<string, Waiting>();
  readonly #steps: Step[] = [];
  readonly #spares: LineBuffer[] = [];
  #queued = 0;
  #running: Promise<void> | undefined;
  #spills = 0;
  /** Bytes of whole transactions. */
  bytes = 0;

  constructor(sink: ExtractSink, scratch: string) {
    this.#sink = sink;
    this.#scratch = scratch;
  }

  add(dataset: string, header: readonly string[]): void {
    this.#datasets.set(dataset, {
      committed: 0,
      lines: new LineBuffer(),
      spill: undefined,
      header: landedLine(header),
      isBegun: false,
    });
  }

  /** Where rows of the current transaction are written to. */
  lines(dataset: string): LineBuffer {
    const waiting = this.#datasets.get(dataset)!;
    if (waiting.lines.n - waiting.committed > SPILL_BYTES) this.#spill(waiting);
    return waiting.lines;
  }

  #spill(waiting: Waiting): void {
    const { lines, committed } = waiting;
    waiting.spill ??= this.#newSpill();
    const { file } = waiting.spill;
    for (let at = committed; at < lines.n; ) at += writeSync(file, lines.bytes, at, lines.n - at);
    waiting.spill.bytes += lines.n - committed;
    lines.n = committed;
  }

  #newSpill() {
    const path = join(this.#scratch, `transaction-${++this.#spills}.csv`);
    return { path, file: openSync(path, 'w'), bytes: 0 };
  }

  /** The current transaction is whole. */
  commit(): void {
    for (const [dataset, waiting] of this.#datasets) {
      const { lines, spill } = waiting;
      if (lines.n === waiting.committed && !spill) continue;
      this.bytes += lines.n - waiting.committed + (spill?.bytes ?? 0);
      if (spill) this.#commitSpill(dataset, waiting);
      waiting.committed = waiting.lines.n;
      if (waiting.committed > FLUSH_BYTES) this.#flush(dataset, waiting);
    }
  }

  #commitSpill(dataset: string, waiting: Waiting): void {
    const { lines, committed } = waiting;
    const { path, file, bytes } = waiting.spill!;
    const tail = Buffer.from(lines.bytes.subarray(committed, lines.n));
    lines.n = committed;
    this.#flush(dataset, waiting);
    closeSync(file);
    waiting.spill = undefined;
    this.#enqueue(bytes, async () => {
      for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
        await this.#sink.write(dataset, chunk as Buffer);
      await rm(path);
    });
    waiting.lines.room(tail.length);
    tail.copy(waiting.lines.bytes, 0);
    waiting.lines.n = tail.length;
  }

  /** The current transaction is not to be: nothing of it was written. Whether there was anything. */
  rollback(): boolean {
    let found = false;
    for (const waiting of this.#datasets.values()) {
      const { lines, committed, spill } = waiting;
      found ||= lines.n > committed || spill !== undefined;
      lines.n = committed;
      if (spill) closeSync(spill.file);
      waiting.spill = undefined;
    }
    return found;
  }

  /** Datasets with rows in the current transaction. */
  touched(): string[] {
    return [...this.#datasets].filter(([, w]) => w.lines.n > w.committed || w.spill).map(([name]) => name);
  }

  /** The table has no rows any more: an object says so, which lists all there are. */
  empty(dataset: string): void {
    const waiting = this.#datasets.get(dataset)!;
    this.#flush(dataset, waiting);
    const { header } = waiting;
    waiting.isBegun = false;
    this.#enqueue(header.length, async () => {
      await this.#sink.cut(dataset);
      await this.#sink.open(dataset, { complete: true });
      await this.#sink.write(dataset, header);
      await this.#sink.cut(dataset);
    });
  }

  #flush(dataset: string, waiting: Waiting): void {
    const { lines, header } = waiting;
    if (lines.n === 0 && !waiting.spill) return;
    const begins = !waiting.isBegun;
    waiting.isBegun = true;
    waiting.lines = this.#spares.pop() ?? new LineBuffer();
    waiting.lines.n = 0;
    waiting.committed = 0;
    this.#enqueue(lines.n, async () => {
      if (begins) await this.#sink.write(dataset, header);
      await this.#sink.write(dataset, lines.bytes.subarray(0, lines.n));
      if (this.#spares.length < SPARES && lines.bytes.length <= QUEUED_BYTES) this.#spares.push(lines);
    });
  }

  #enqueue(bytes: number, run: () => Promise<void>): void {
    this.#steps.push({ bytes, run });
    this.#queued += bytes;
    this.#running ??= this.#work();
    this.#running.catch(() => undefined);
  }

  async #work(): Promise<void> {
    for (let step = this.#steps[0]; step; step = this.#steps[0]) {
      await step.run();
      this.#steps.shift();
      this.#queued -= step.bytes;
    }
    this.#running = undefined;
  }

  /** Something that whoever writes has to wait for; undefined: go on. */
  waits(): Promise<void> | undefined {
    return this.#queued > QUEUED_BYTES ? this.#running : undefined;
  }

  /** Writes everything that belongs to whole transactions. */
  async end(): Promise<void> {
    this.rollback();
    for (const [dataset, waiting] of this.#datasets) this.#flush(dataset, waiting);
    while (this.#running) await this.#running;
  }
}
