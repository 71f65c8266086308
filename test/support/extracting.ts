/** Extracts the way the stage does, into memory: objects of bytes, checkpoints that survive a break, and what a table by keys would be. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckDbEngine } from '../../src/adapters/engine/duckdb.ts';
import type { Issue, ObjectSpec } from '../../src/lib/spec/spec.ts';
import type { Engine } from '../../src/ports/engine.ts';
import type {
  ExtractConnector,
  ExtractDataset,
  Extracted,
  ExtractRequest,
  ExtractSink,
  ExtractSource,
  Position,
  Totals,
} from '../../src/ports/extract.ts';
import type { ReadColumn } from '../../src/ports/format.ts';
import { column, openRoom, type Reading, type Room, readFileAt } from '../csv-reading.ts';

export interface LandedObject {
  bytes: Buffer;
  complete: boolean;
  declared: Totals | undefined;
}

interface Open {
  chunks: Buffer[];
  complete: boolean;
}

/** `failAfter`: the checkpoint at which everything breaks, after it was kept. */
export class MemorySink implements ExtractSink {
  progress: Position | undefined;
  checkpoints = 0;
  readonly ended: LandedObject[] = [];
  #open: Open | undefined;
  #kept: Open | undefined;
  readonly #failAfter: number;

  constructor(failAfter = Number.POSITIVE_INFINITY) {
    this.#failAfter = failAfter;
  }

  async open(_dataset: string, options: { complete?: boolean } = {}): Promise<void> {
    this.#open ??= { chunks: [], complete: options.complete ?? false };
  }

  async write(dataset: string, bytes: Uint8Array): Promise<void> {
    await this.open(dataset);
    this.#open!.chunks.push(Buffer.from(bytes));
  }

  async cut(_dataset: string, declared?: Totals): Promise<void> {
    if (!this.#open) return;
    this.ended.push({ bytes: Buffer.concat(this.#open.chunks), complete: this.#open.complete, declared });
    this.#open = undefined;
  }

  async discard(): Promise<void> {
    this.#open = undefined;
  }

  async checkpoint(progress: Position): Promise<void> {
    this.progress = structuredClone(progress);
    this.#kept = this.#open && { ...this.#open, chunks: [...this.#open.chunks] };
    if (++this.checkpoints === this.#failAfter) throw new Error('killed after a checkpoint');
  }

  /** A sink that goes on from the last checkpoint of this one. */
  resumed(): MemorySink {
    const next = new MemorySink();
    next.progress = this.progress;
    next.#open = this.#kept && { ...this.#kept, chunks: [...this.#kept.chunks] };
    return next;
  }
}

export interface Extracting<R> {
  dataset: ExtractDataset<R>;
  position?: Position | undefined;
  full?: boolean;
  sink?: MemorySink;
  now?: number;
  /** CSV with a header: the keys in the table. */
  keys?: string;
  signal?: AbortSignal;
}

export interface Result {
  extracted: Extracted;
  object: LandedObject | undefined;
  warnings: string[];
}

/** One extraction with a folder and an engine of its own. */
export async function extractOnce<R>(source: ExtractSource<R>, extracting: Extracting<R>): Promise<Result> {
  const { dataset, sink = new MemorySink(), now = Date.now(), keys } = extracting;
  const folder = await mkdtemp(join(tmpdir(), 'granary-extract-'));
  const scratch = join(folder, 'scratch');
  await mkdir(scratch);
  const warnings: string[] = [];
  let engine: Engine | undefined;
  const openEngine = async () => {
    engine ??= await openDuckDbEngine({ memoryLimit: 500e6, threads: 1, scratch: folder });
    return engine;
  };
  try {
    const request: ExtractRequest<R> = {
      feed: dataset.name,
      datasets: [dataset],
      position: structuredClone(extracting.position),
      progress: structuredClone(sink.progress),
      full: extracting.full ?? false,
      now: () => now,
      async currentKeys(_dataset, columns) {
        if (keys === undefined) return undefined;
        const path = join(folder, 'keys.parquet');
        await writeFile(join(folder, 'keys.csv'), keys);
        const types = new Map(dataset.columns.map((c) => [c.name, c.type]));
        const casts = columns.map((c) => `"${c}"::${engineTypeName(types.get(c) ?? 'text')} AS "${c}"`);
        await (await openEngine()).run(
          `COPY (SELECT ${casts.join(', ')} FROM read_csv('${join(folder, 'keys.csv')}', all_varchar=true, header=true)) TO '${path}' (FORMAT parquet)`,
        );
        return { path };
      },
      openEngine,
      scratch,
      warn: (message) => void warnings.push(message),
      progressed: () => undefined,
      ...(extracting.signal && { signal: extracting.signal }),
    };
    const extracted = await source.extract(request, sink);
    await sink.cut(dataset.name, extracted.declared?.[dataset.name]);
    return { extracted, object: sink.ended[0], warnings };
  } finally {
    await engine?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const engineTypeName = (type: string) => (type === 'text' ? 'VARCHAR' : type === 'timestamp_tz' ? 'TIMESTAMPTZ' : type);

/** A dataset with the columns that discover proposes for its table, or the ones given. */
export async function datasetOf<R>(
  connector: ExtractConnector<unknown, R>,
  source: ExtractSource<R>,
  table: string,
  read: unknown = table,
): Promise<ExtractDataset<R>> {
  const { columns } = await source.propose({ name: table, kind: 'table', rows: undefined, read: table });
  return { name: 'orders', read: parseAll(connector.read, read), columns };
}

export function parseAll<T>(spec: ObjectSpec<T>, value: unknown): T {
  const issues: Issue[] = [];
  const parsed = spec.parse(value, [], { issues });
  if (issues.length > 0) throw new Error(issues.map((i) => i.message).join('; '));
  return parsed as T;
}

/** Landed bytes as the product reads them: by the settings that the connector describes, with the types of the contract. */
export async function readLanded<R>(
  room: Room,
  connector: ExtractConnector<unknown, R>,
  dataset: ExtractDataset<R>,
  bytes: Buffer,
): Promise<Reading> {
  const path = join(room.folder, 'landed.csv');
  await writeFile(path, bytes);
  const { type: _, ...settings } = connector.describe(dataset.read, {}).format;
  const added = Object.entries(connector.describe(dataset.read, {}).columns ?? {});
  const wanted = [
    ...dataset.columns.map((c) => column(c.from, -1, c.type)),
    ...added.map(([, c]) => column(c.from, -1, c.type)),
  ];
  return converted(room, await readFileAt(room, path, settings, wanted), wanted);
}

/** Columns that came as text get their types, as they do in the curate stage. */
async function converted(room: Room, reading: Reading, columns: ReadColumn[]): Promise<Reading> {
  const untyped = columns.flatMap((c, i) => (reading.typed[i] ? [] : [{ ...c, at: `c${i}` }]));
  if (untyped.length === 0) return reading;
  const values = untyped.map(({ at, type }) => `TRY_CAST(${at} AS ${engineTypeName(type)})::VARCHAR AS ${at}`);
  const cast = await room.engine.all<Record<string, string | null>>(
    `SELECT ${values.join(', ')} FROM staging ORDER BY rowid`,
  );
  const rejects = [...reading.rejects];
  const rows = reading.rows.flatMap((row, n) => {
    const wrong = untyped.find(({ at }) => row[at] !== null && cast[n]![at] === null);
    if (!wrong) return [{ ...row, ...cast[n]! }];
    const reason = `expected ${wrong.type}, found "${row[wrong.at]}"`;
    rejects.push({ line: row.line, rule: 'type', column: wrong.source, reason, raw: '' });
    return [];
  });
  return { ...reading, rows, rejects };
}

/** Rows by the names of the contract. */
export async function rowsOf<R>(
  connector: ExtractConnector<unknown, R>,
  dataset: ExtractDataset<R>,
  object: LandedObject | undefined,
): Promise<Record<string, string | null>[]> {
  if (!object) return [];
  await using room = await openRoom();
  const reading = await readLanded(room, connector, dataset, object.bytes);
  if (reading.rejects.length > 0) throw new Error(`rejected: ${JSON.stringify(reading.rejects.slice(0, 3))}`);
  if (object.declared?.rows !== reading.rows.length)
    throw new Error(`${object.declared?.rows} rows are declared, ${reading.rows.length} landed`);
  const names = [
    ...dataset.columns.map((c) => c.name),
    ...Object.keys(connector.describe(dataset.read, {}).columns ?? {}),
  ];
  return reading.rows.map((row) => Object.fromEntries(names.map((n, i) => [n, row[`c${i}`] as string | null])));
}

/** What a table loaded by `merge` has: the newest version of every key. */
export class MergedTable {
  readonly rows = new Map<string, Record<string, string | null>>();
  readonly #key: string[];
  readonly #version: string;

  constructor(key: string[], version: string) {
    this.#key = key;
    this.#version = version;
  }

  load(rows: Record<string, string | null>[], complete = false): void {
    if (complete) this.rows.clear();
    for (const row of rows) {
      const key = this.#key.map((k) => row[k]).join('|');
      const known = this.rows.get(key)?.[this.#version] ?? '';
      if (known <= (row[this.#version] ?? '')) this.rows.set(key, row);
    }
  }

  /** Rows that are not deleted, by key. */
  live(): Map<string, Record<string, string | null>> {
    return new Map([...this.rows].filter(([, row]) => row['_deleted'] !== 'true').sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}
