/** Captures the way the stage does, into memory: objects of several datasets in their order, and what tables by keys would be. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExtractDataset, ExtractSink, ExtractSource, Position, Totals, Trouble } from '../../src/ports/extract.ts';

export interface CapturedObject {
  dataset: string;
  text: string;
  complete: boolean;
  declared: Totals | undefined;
}

class CapturingSink implements ExtractSink {
  readonly ended: CapturedObject[] = [];
  readonly #open = new Map<string, { chunks: Buffer[]; complete: boolean }>();

  async open(dataset: string, options: { complete?: boolean } = {}): Promise<void> {
    if (!this.#open.has(dataset)) this.#open.set(dataset, { chunks: [], complete: options.complete ?? false });
  }

  async write(dataset: string, bytes: Uint8Array): Promise<void> {
    await this.open(dataset);
    this.#open.get(dataset)!.chunks.push(Buffer.from(bytes));
  }

  async cut(dataset: string, declared?: Totals): Promise<void> {
    const open = this.#open.get(dataset);
    if (!open) return;
    this.#open.delete(dataset);
    this.ended.push({ dataset, text: Buffer.concat(open.chunks).toString(), complete: open.complete, declared });
  }

  async discard(dataset: string): Promise<void> {
    this.#open.delete(dataset);
  }

  async checkpoint(): Promise<void> {
    throw new Error('capturing makes no checkpoints');
  }

  async end(): Promise<CapturedObject[]> {
    for (const dataset of [...this.#open.keys()]) await this.cut(dataset);
    return this.ended;
  }
}

export interface Captured {
  objects: CapturedObject[];
  position: Position;
  more: boolean;
  warnings: string[];
  troubles: readonly Trouble[];
}

export async function captureOnce<R>(
  source: ExtractSource<R>,
  datasets: readonly ExtractDataset<R>[],
  position: Position | undefined,
  options: { full?: boolean; now?: number; signal?: AbortSignal } = {},
): Promise<Captured> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-capture-'));
  const scratch = join(folder, 'scratch');
  await mkdir(scratch);
  const warnings: string[] = [];
  const sink = new CapturingSink();
  try {
    const {
      more,
      position: next,
      troubles = [],
    } = await source.extract(
      {
        feed: 'changes',
        datasets,
        position: structuredClone(position),
        progress: undefined,
        full: options.full ?? false,
        now: () => options.now ?? Date.now(),
        currentKeys: async () => undefined,
        openEngine: () => Promise.reject(new Error('capturing needs no engine')),
        scratch,
        warn: (message) => void warnings.push(message),
        progressed: () => undefined,
        ...(options.signal && { signal: options.signal }),
      },
      sink,
    );
    return {
      objects: await sink.end(),
      position: JSON.parse(JSON.stringify(next)) as Position,
      more,
      warnings,
      troubles,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lines of landed CSV; an unquoted `\N` is null. */
export function linesOf(text: string): (string | null)[][] {
  const rows: (string | null)[][] = [];
  let row: (string | null)[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n)/g)) {
    row.push(quoted !== undefined ? quoted.replaceAll('""', '"') : plain === '\\N' ? null : plain!);
    if (end === '\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

export type Row = Record<string, string | null>;

export function rowsOfText(text: string): Row[] {
  const [header, ...lines] = linesOf(text);
  return lines.map((line) => {
    if (line.length !== header!.length) throw new Error(`${line.length} values for ${header!.length} columns`);
    return Object.fromEntries(header!.map((name, i) => [name!, line[i]!]));
  });
}

/** What captured datasets hold at last; a whole feed at a time. */
export class Replica<R> {
  readonly source: () => ExtractSource<R>;
  datasets: ExtractDataset<R>[];
  position: Position | undefined;
  readonly warnings: string[] = [];
  /** All rows that came, in their order. */
  readonly log: (Row & { dataset: string })[] = [];
  readonly #tables = new Map<string, Map<string, Row>>();
  #last = 0;

  constructor(source: () => ExtractSource<R>, datasets: ExtractDataset<R>[]) {
    this.source = source;
    this.datasets = datasets;
  }

  /** Until nothing is left. Returns the objects. */
  async catchUp(options: { now?: number } = {}): Promise<CapturedObject[]> {
    const all: CapturedObject[] = [];
    for (;;) {
      const { objects, position, more, warnings } = await captureOnce(
        this.source(),
        this.datasets,
        this.position,
        options,
      );
      this.position = position;
      this.warnings.push(...warnings);
      for (const object of objects) this.#load(object);
      all.push(...objects);
      if (!more) return all;
    }
  }

  #load({ dataset, text, complete }: CapturedObject): void {
    const table = complete ? new Map<string, Row>() : (this.#tables.get(dataset) ?? new Map());
    this.#tables.set(dataset, table);
    const key = (this.datasets.find((d) => d.name === dataset)!.read as { key: string[] }).key;
    for (const row of rowsOfText(text)) {
      this.log.push({ ...row, dataset });
      const position = Number(row['_position']);
      if (row['_op'] !== 'read' && position <= this.#last && complete) throw new Error('positions do not grow');
      this.#last = Math.max(this.#last, position);
      const id = JSON.stringify(key.map((k) => row[k]));
      const known = table.get(id);
      if (known && Number(known['_position']) >= position) throw new Error(`the position of ${id} does not grow`);
      if (row['_deleted'] === 'true') table.delete(id);
      else table.set(id, row);
    }
  }

  /** Rows without the connector's columns, by key. */
  rows(dataset: string): Row[] {
    const table = this.#tables.get(dataset) ?? new Map<string, Row>();
    return [...table]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, row]) => Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('_'))));
  }
}
