/** Captured tables for tests: a feed of several datasets that lands in memory, and what a table by keys would be after it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PostgresServer } from '../../../../test/servers/postgres.ts';
import type { ParseContext } from '../../../lib/spec/spec.ts';
import type { ColumnType } from '../../../model/schema.ts';
import type { ExtractDataset, ExtractSink, ExtractSource, Position, Totals } from '../../../ports/extract.ts';
import { type SqlRead, sqlReadSpec } from '../../lib/sql/read.ts';
import { postgres } from '../../postgres.ts';
import type { PostgresConfig } from '../config.ts';
import { configOf } from '../testing.ts';

export type Row = Record<string, string | null>;

export interface LandedObject {
  dataset: string;
  complete: boolean;
  rows: Row[];
  declared: Totals | undefined;
}

class MemorySink implements ExtractSink {
  readonly ended: LandedObject[] = [];
  readonly #open = new Map<string, { chunks: Buffer[]; complete: boolean }>();
  readonly onCheckpoint: ((progress: Position) => void) | undefined;

  constructor(onCheckpoint?: (progress: Position) => void) {
    this.onCheckpoint = onCheckpoint;
  }

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
    const rows = parseLanded(Buffer.concat(open.chunks).toString());
    this.ended.push({ dataset, complete: open.complete, rows, declared });
  }

  async discard(dataset: string): Promise<void> {
    this.#open.delete(dataset);
  }

  async checkpoint(progress: Position): Promise<void> {
    this.onCheckpoint?.(structuredClone(progress));
  }

  get left(): string[] {
    return [...this.#open.keys()];
  }
}

/** Landed CSV with a header; text in quotes is never NULL. */
export function parseLanded(text: string): Row[] {
  const lines: (string | null)[][] = [];
  let line: (string | null)[] = [];
  const field = /"((?:[^"]|"")*)"|([^",\n]*)/y;
  for (let at = 0; at < text.length; ) {
    field.lastIndex = at;
    const m = field.exec(text)!;
    at = field.lastIndex;
    line.push(m[1] === undefined ? (m[2] === '\\N' ? null : m[2]!) : m[1].replaceAll('""', '"'));
    assert.ok(text[at] === ',' || text[at] === '\n', `at ${at}: ${text.slice(Math.max(0, at - 40), at + 40)}`);
    if (text[at++] === '\n') {
      lines.push(line);
      line = [];
    }
  }
  assert.equal(line.length, 0, 'the last line has no end');
  const [names, ...rows] = lines as [string[], ...(string | null)[][]];
  return rows.map((row) => {
    assert.equal(row.length, names.length);
    return Object.fromEntries(names.map((name, i) => [name, row[i]!]));
  });
}

/** What `read` is in YAML, and the columns of the contract by their names at the source. */
export type Datasets = Record<string, { read: Record<string, unknown>; columns: Record<string, ColumnType> }>;

export class ChangesFeed {
  position: Position | undefined;
  /** By dataset and key. */
  readonly tables: Record<string, Map<string, Row>> = {};
  readonly versions: Record<string, Map<string, bigint>> = {};
  warnings: string[] = [];
  /** Of the last extraction: what is wrong, by dataset. */
  troubles: Record<string, string> = {};
  source: ExtractSource<SqlRead>;
  readonly #open: () => Promise<ExtractSource<SqlRead>>;
  #datasets: ExtractDataset<SqlRead>[] = [];

  private constructor(source: ExtractSource<SqlRead>, open: () => Promise<ExtractSource<SqlRead>>) {
    this.source = source;
    this.#open = open;
  }

  static async open(
    server: PostgresServer,
    datasets: Datasets,
    settings?: Record<string, unknown>,
  ): Promise<ChangesFeed> {
    const opening = () => postgres.open(configOf(server, settings), { projectDir: '/', source: 'Shop-1' });
    const feed = new ChangesFeed(await opening(), opening);
    feed.set(datasets);
    return feed;
  }

  set(datasets: Datasets): void {
    this.#datasets = Object.entries(datasets).map(([name, { read, columns }]) => {
      const context: ParseContext = { issues: [] };
      const parsed = sqlReadSpec.parse(read, [], context);
      assert.deepEqual(context.issues, []);
      const described = postgres.describe(parsed!, {} as PostgresConfig);
      assert.deepEqual(described.problems, []);
      const contract = Object.entries(columns).map(([column, type]) => ({ name: column, from: column, type }));
      for (const [column, { type, from }] of Object.entries(described.columns ?? {}))
        contract.push({ name: column, from, type });
      this.tables[name] ??= new Map();
      this.versions[name] ??= new Map();
      return { name, read: parsed!, columns: contract };
    });
  }

  /** As if another process read on: what this one has kept at the server is given up. */
  async reopen(): Promise<void> {
    await this.source.close();
    this.source = await this.#open();
  }

  get datasets(): readonly ExtractDataset<SqlRead>[] {
    return this.#datasets;
  }

  hasNew(): Promise<boolean | undefined> {
    return this.source.hasNew!('changes', this.#datasets, this.position);
  }

  /** One extraction, applied to the tables; its objects. `store: false`: the position is lost, as by a kill. */
  async once(
    options: { store?: boolean; signal?: AbortSignal; now?: number } = {},
  ): Promise<{ objects: LandedObject[]; more: boolean }> {
    const sink = new MemorySink();
    const scratch = await mkdtemp(join(tmpdir(), 'granary-changes-'));
    try {
      const {
        position,
        more,
        declared,
        troubles = [],
      } = await this.source.extract(
        {
          feed: 'changes',
          datasets: this.#datasets,
          position: structuredClone(this.position),
          progress: undefined,
          full: false,
          now: () => options.now ?? Date.now(),
          currentKeys: async () => undefined,
          openEngine: async () => assert.fail('no engine is needed'),
          scratch,
          warn: (message) => this.warnings.push(message),
          progressed: () => undefined,
          ...(options.signal && { signal: options.signal }),
        },
        sink,
      );
      this.troubles = Object.fromEntries(
        troubles.map(({ dataset, error: { message, hint = '' } }) => [dataset, `${message} ${hint}`.trimEnd()]),
      );
      for (const dataset of sink.left) await sink.cut(dataset, declared?.[dataset]);
      for (const object of sink.ended)
        assert.equal(object.declared?.rows, object.rows.length, `rows of ${object.dataset}`);
      if (options.store !== false) {
        this.position = JSON.parse(JSON.stringify(position));
        for (const object of sink.ended) this.#apply(object);
      }
      return { objects: sink.ended, more };
    } finally {
      await rm(scratch, { recursive: true });
    }
  }

  /** Until there is nothing more; all rows that came, of all datasets. */
  async all(options: { now?: number } = {}): Promise<LandedObject[]> {
    const objects: LandedObject[] = [];
    for (let more = true; more; ) {
      const extracted = await this.once(options);
      objects.push(...extracted.objects);
      more = extracted.more;
    }
    return objects;
  }

  /** As the warehouse does for `merge`. */
  #apply({ dataset, complete, rows }: LandedObject): void {
    const { read } = this.#datasets.find((d) => d.name === dataset)!;
    const [table, versions] = [this.tables[dataset]!, this.versions[dataset]!];
    if (complete) {
      table.clear();
      versions.clear();
    }
    for (const row of rows) {
      const key = read.key!.map((k) => row[k]).join('|');
      const version = BigInt(row['_position']!);
      if ((versions.get(key) ?? -1n) >= version) continue;
      versions.set(key, version);
      if (row['_deleted'] === 'true') table.delete(key);
      else table.set(key, row);
    }
  }

  /** Rows by key, without what the connector adds. */
  rows(dataset: string): Row[] {
    const own = new Set(['_op', '_deleted', '_changed_at', '_position']);
    return [...this.tables[dataset]!]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, row]) => Object.fromEntries(Object.entries(row).filter(([name]) => !own.has(name))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.close();
  }
}
