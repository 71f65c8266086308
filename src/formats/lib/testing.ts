/** For tests: reads a payload as the stages do, and fails when its records are not all accounted for. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckDbEngine } from '../../adapters/engine/duckdb.ts';
import type { Engine } from '../../ports/engine.ts';
import { type Discovery, type Format, PARSE_REJECTS, type PayloadFacts, type ReadColumn } from '../../ports/format.ts';

export interface ReadBack {
  facts: PayloadFacts;
  header: string[] | undefined;
  /** Name of the attempt that accounted for every record. */
  attempt: string;
  /** Cells as the engine shows them. */
  rows: unknown[][];
  lines: number[];
  rejects: { line: number; rule: string; column: string | null; reason: string; raw: string | null }[];
  rawText(lines: number[]): Promise<(string | undefined)[]>;
}

export interface Bench<C> {
  engine: Engine;
  folder: string;
  /** Counts, reads and settles a payload. Bytes are pushed to the counter in pieces of `piece`. */
  read(
    content: string | Uint8Array,
    config: Partial<C>,
    columns: (string | ReadColumn)[],
    piece?: number,
  ): Promise<ReadBack>;
  /** Discovers a payload. */
  discover(content: string | Uint8Array, config?: Partial<C>, whole?: boolean): Promise<Discovery<C>>;
}

/** Runs `use` with an engine and a folder that are gone afterwards. */
export async function withFormat<C>(format: Format<C>, use: (bench: Bench<C>) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-format-'));
  const engine = await openDuckDbEngine({ memoryLimit: 500e6, threads: 2, scratch: folder });
  let payloads = 0;
  const save = async (content: string | Uint8Array) => {
    const path = join(folder, `payload-${payloads++}`);
    await writeFile(path, content);
    return path;
  };
  try {
    await use({
      engine,
      folder,
      read: async (content, config, columns, piece = 2 ** 20) =>
        await readBack(
          engine,
          format,
          await save(content),
          complete(format, config),
          columns.map(asColumn),
          piece,
          Buffer.from(content),
        ),
      discover: async (content, config = {}, whole = true) =>
        await format.discover({ engine, path: await save(content), name: 'payload', config, whole }),
    });
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const asColumn = (column: string | ReadColumn, position: number): ReadColumn =>
  typeof column === 'string' ? { source: column, position, type: 'text', asText: true } : column;

function complete<C>(format: Format<C>, config: Partial<C>): C {
  const context = { issues: [] };
  const parsed = format.spec.parse(config, [], context);
  assert.deepEqual(context.issues, []);
  return parsed as C;
}

async function readBack<C>(
  engine: Engine,
  format: Format<C>,
  path: string,
  config: C,
  columns: ReadColumn[],
  piece: number,
  content: Buffer,
): Promise<ReadBack> {
  const counter = format.count(config);
  if (format.content === 'text')
    for (let i = 0; i < content.length; i += piece) counter.push(content.subarray(i, i + piece));
  const { facts, index } = await counter.finish(path);
  const header = await format.header({ path, config });
  const scratch = await mkdtemp(`${path}-scratch-`);
  const attempts = await format.read({ engine, path, config, columns, facts, index, scratch, header });
  for (const attempt of attempts) {
    const relation = await attempt.prepare();
    await engine.run(
      `CREATE OR REPLACE TEMP TABLE staging AS SELECT row_number() OVER () - 1 AS _n, * FROM (SELECT * FROM ${relation.sql})`,
    );
    const [{ n }] = (await engine.all<{ n: number }>('SELECT count(*) AS n FROM staging')) as [{ n: number }];
    const settled = await attempt.settle(n);
    if (settled === 'mismatch') continue;
    assert.equal(settled.received, facts.records);
    const line = relation.hasLine ? { sql: '_line', join: '' } : settled.line!;
    const cells = columns.map((_, i) => `c${i}`).join(', ') || 'NULL';
    const data = await engine.all<Record<string, unknown>>(
      `SELECT ${cells}, ${line.sql} AS line FROM staging s ${line.join} ORDER BY _n`,
    );
    const rejects = await engine.all<ReadBack['rejects'][number]>(`SELECT * FROM ${PARSE_REJECTS} ORDER BY line`);
    assert.equal(new Set(rejects.map((r) => r.line)).size, settled.rejected);
    assert.equal(n + settled.rejected, facts.records);
    return {
      facts,
      header,
      attempt: attempt.name,
      rows: data.map((row) => columns.map((_, i) => row[`c${i}`])),
      lines: data.map((row) => row['line'] as number),
      rejects,
      rawText: async (lines) => {
        const found: (string | undefined)[] = [];
        for await (const { raw } of settled.rawText(lines)) found.push(raw);
        return found;
      },
    };
  }
  throw new assert.AssertionError({ message: 'the last attempt did not account for every record' });
}
