/** Reads landed bytes again as the product does: by the layers and the format that the connector describes, with the types of the contract. */
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckDbEngine } from '../adapters/engine/duckdb.ts';
import { type ColumnType, engineType } from '../model/schema.ts';
import type { Engine } from '../ports/engine.ts';
import type { ReadDescription } from '../ports/extract.ts';
import { PARSE_REJECTS } from '../ports/format.ts';
import { CODEC_BY_TYPE, FORMAT_BY_TYPE } from '../runtime/catalog.ts';
import { DEFAULT_LIMITS, unpack } from '../stages/verify/unpack/unpack.ts';

export interface Landed {
  /** Records that the bytes hold, counted independently of the rows. */
  records: number;
  /** Values as text, in the order of the columns; null where there is none. */
  rows: (string | null)[][];
  /** Reasons why records would be rejected. */
  rejects: string[];
}

const ENGINE_BYTES = 400e6;

export async function readLanded(
  bytes: Buffer,
  described: ReadDescription,
  columns: readonly { from: string; type: ColumnType }[],
): Promise<Landed> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-contract-'));
  const engine = await openDuckDbEngine({ memoryLimit: ENGINE_BYTES, threads: 1, scratch: folder });
  const out: Landed = { records: 0, rows: [], rejects: [] };
  try {
    for await (const path of payloads(bytes, described, folder)) {
      const { records, rows, rejects } = await readPayload({ engine, path, folder }, described, columns);
      out.records += records;
      out.rows.push(...rows);
      out.rejects.push(...rejects);
    }
    return out;
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const settingsOf = ({ type: _, ...settings }: { type: string }) => settings;

async function* payloads(bytes: Buffer, { unpack: layers }: ReadDescription, folder: string): AsyncGenerator<string> {
  const steps = layers.map((layer) => {
    const codec = CODEC_BY_TYPE.get(layer.type)!;
    return { codec, config: codec.spec.parse(settingsOf(layer), [], { issues: [] }) };
  });
  const received = join(folder, 'received');
  await writeFile(received, bytes);
  const members = unpack({
    name: 'received',
    open: () =>
      (async function* () {
        yield bytes;
      })(),
    file: received,
    steps,
    scratch: folder,
    limits: DEFAULT_LIMITS,
  });
  for await (const { body } of members) {
    const path = join(folder, 'payload');
    await writeFile(path, body);
    yield path;
  }
}

interface Bench {
  engine: Engine;
  path: string;
  folder: string;
}

async function readPayload(
  { engine, path, folder }: Bench,
  described: ReadDescription,
  columns: readonly { from: string; type: ColumnType }[],
): Promise<Landed> {
  const format = FORMAT_BY_TYPE.get(described.format.type)!;
  const config = format.spec.parse(settingsOf(described.format), [], { issues: [] });
  const counter = format.count(config);
  await using handle = await open(path);
  for await (const chunk of handle.createReadStream({ autoClose: false })) counter.push(chunk as Uint8Array);
  const { facts, index } = await counter.finish(path);
  const header = await format.header({ path, config });
  const scratch = await mkdtemp(join(folder, 'attempt-'));
  const wanted = columns.map(({ from, type }, position) => ({ source: from, position, type, asText: false }));
  const attempts = await format.read({ engine, path, config, columns: wanted, facts, index, scratch, header });
  for (const attempt of attempts) {
    const relation = await attempt.prepare();
    await engine.run(`CREATE OR REPLACE TABLE staging AS SELECT * FROM ${relation.sql}`);
    const [{ n } = { n: 0 }] = await engine.all<{ n: number }>('SELECT count(*) AS n FROM staging');
    if ((await attempt.settle(n)) === 'mismatch') continue;
    const texts = columns.map((_, i) => `c${i}::VARCHAR AS c${i}`).join(', ');
    const rows = await engine.all<Record<string, string | null>>(`SELECT ${texts} FROM staging ORDER BY rowid`);
    const parsing = await engine.all<{ line: number; reason: string }>(`SELECT line, reason FROM ${PARSE_REJECTS}`);
    const rejects = parsing.map(({ line, reason }) => `record ${line}: ${reason}`);
    for (const [i, { from, type }] of columns.entries()) {
      if (relation.typed[i]) continue;
      const wrong = await engine.all<{ value: string }>(
        `SELECT c${i} AS value FROM staging WHERE c${i} IS NOT NULL AND TRY_CAST(c${i} AS ${engineType(type)}) IS NULL LIMIT 3`,
      );
      rejects.push(...wrong.map(({ value }) => `${from}: "${value}" is no ${type}`));
    }
    return { records: facts.records, rows: rows.map((row) => columns.map((_, i) => row[`c${i}`] ?? null)), rejects };
  }
  return { records: facts.records, rows: [], rejects: ['no reader accounted for every record of what was written'] };
}
