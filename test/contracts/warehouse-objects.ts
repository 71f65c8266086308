/** Objects for warehouse tests: curated Parquet files as the curate stage writes them, and the requests that load them. */
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { openDuckDbEngine } from '../../src/adapters/engine/duckdb.ts';
import { ident, join, literal, raw, sql } from '../../src/lib/sql.ts';
import { engineType, type TableColumn } from '../../src/model/schema.ts';
import type { Engine } from '../../src/ports/engine.ts';
import type { CuratedObject, LoadRequest, LoadStrategy } from '../../src/ports/warehouse.ts';

export type Row = Record<string, unknown>;

/** One curation of an object. Lines are 1, 2… by place in `rows`; a row may name its `_member`. */
export interface TestObject {
  id: string;
  order: string;
  effective: string;
  rows: Row[];
  supersedes?: string[];
  curationId?: string;
  rejects?: Row[];
  complete?: boolean;
}

/** Writes curated files into a folder that the warehouse may read, and remembers the newest of each object. */
export class ObjectMaker {
  readonly folder: string;
  private readonly engine: Engine;
  private readonly curated = new Map<string, readonly string[]>();

  constructor(folder: string, engine: Engine) {
    this.folder = folder;
    this.engine = engine;
  }

  static async open(folder: string): Promise<ObjectMaker> {
    return new ObjectMaker(folder, await openDuckDbEngine({ memoryLimit: 256e6, threads: 1, scratch: folder }));
  }

  /** The request that loads this object into `main.<dataset>`. */
  async request(
    dataset: string,
    columns: readonly TableColumn[],
    strategy: LoadStrategy,
    object: TestObject,
  ): Promise<LoadRequest> {
    const lineage: TableColumn[] = [
      { name: '_object', type: 'text' },
      { name: '_line', type: 'bigint' },
      ...(object.rows.some((r) => '_member' in r) ? [{ name: '_member', type: 'text' as const }] : []),
    ];
    const rows = object.rows.map((r, i) => ({ ...r, _object: object.id, _line: i + 1 }));
    const files = rows.length > 0 ? [await this.parquet([...columns, ...lineage], rows)] : [];
    this.curated.set(`${dataset}/${object.id}`, files);
    const rejects = object.rejects ? [await this.parquet(REJECT_COLUMNS, object.rejects)] : [];
    return {
      tenant: 'main',
      dataset,
      objectId: object.id,
      curationId: object.curationId ?? 'c1',
      supersedes: object.supersedes ?? [],
      order: object.order,
      effective: object.effective,
      table: { schema: 'main', name: dataset.replaceAll('.', '_') },
      columns,
      files,
      rows: rows.length,
      rejects,
      strategy,
      complete: object.complete ?? false,
      evolve: true,
      siblings: async () => this.siblings(dataset, object.id),
    };
  }

  /** Forgets the curated files of an object, as if they were gone. */
  forget(dataset: string, id: string): void {
    this.curated.delete(`${dataset}/${id}`);
  }

  private siblings(dataset: string, except: string): CuratedObject[] {
    return [...this.curated]
      .filter(([key]) => key.startsWith(`${dataset}/`) && key !== `${dataset}/${except}`)
      .map(([key, files]) => ({ objectId: key.slice(dataset.length + 1), files }));
  }

  /** A Parquet file with these rows; values are given as JSON. */
  async parquet(columns: readonly TableColumn[], rows: readonly Row[]): Promise<string> {
    const path = joinPath(this.folder, `${randomUUID()}.parquet`);
    const json = `${path}.ndjson`;
    await writeFile(json, rows.map((r) => `${JSON.stringify(r)}\n`).join(''));
    const types = columns.map((c) => raw(sql`${ident(c.name)}: ${literal(engineType(c.type))}`));
    await this.engine.run(sql`
      COPY (SELECT * FROM read_json(${literal(json)}, format = 'newline_delimited', columns = {${join(types)}}))
      TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
    await rm(json);
    return path;
  }

  /** Rows of a Parquet file in the order of a column. */
  async read(path: string, orderBy: string): Promise<Row[]> {
    return await this.engine.all(sql`SELECT * FROM read_parquet(${literal(path)}) ORDER BY ${ident(orderBy)}`);
  }

  async close(): Promise<void> {
    await this.engine.close();
  }
}

const REJECT_COLUMNS: TableColumn[] = [
  { name: 'object', type: 'text' },
  { name: 'line', type: 'bigint' },
  { name: 'member', type: 'text' },
  { name: 'rule', type: 'text' },
  { name: 'column', type: 'text' },
  { name: 'severity', type: 'text' },
  { name: 'reason', type: 'text' },
  { name: 'raw', type: 'text' },
];
