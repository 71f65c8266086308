/** Reads a CSV payload the way the curate stage does: count, scan the relation once, settle. */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckDbEngine } from '../src/adapters/engine/duckdb.ts';
import { type CsvConfig, completeConfig } from '../src/formats/csv/config.ts';
import { type CsvFacts, countCsv } from '../src/formats/csv/count.ts';
import { readHeader } from '../src/formats/csv/header.ts';
import { readCsv } from '../src/formats/csv/read.ts';
import type { Reject } from '../src/formats/csv/rejects.ts';
import type { ColumnType } from '../src/model/schema.ts';
import type { Engine } from '../src/ports/engine.ts';
import { PARSE_REJECTS, type ReadColumn, type Settlement } from '../src/ports/format.ts';

export interface Room extends AsyncDisposable {
  engine: Engine;
  folder: string;
}

/** An engine and a folder, for the time of a test. */
export async function openRoom(): Promise<Room> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-csv-'));
  const engine = await openDuckDbEngine({ memoryLimit: 1e9, threads: 2, scratch: folder });
  return {
    engine,
    folder,
    async [Symbol.asyncDispose]() {
      await engine.close();
      await rm(folder, { recursive: true });
    },
  };
}

export interface Reading {
  facts: CsvFacts;
  header: string[] | undefined;
  /** The attempt that accounted for every record. */
  attempt: string;
  /** Whether each column came with its type. */
  typed: boolean[];
  settlement: Settlement;
  /** `line` and the columns as text, in order. */
  rows: { line: number; [column: string]: unknown }[];
  rejects: Reject[];
}

export const column = (source: string, position: number, type: ColumnType = 'text', asText = false): ReadColumn => ({
  source,
  position,
  type,
  asText,
});

/** Without `columns`, all columns of the file as text. */
export async function read(
  room: Room,
  content: Uint8Array | string,
  settings: Partial<CsvConfig> = {},
  columns?: ReadColumn[],
): Promise<Reading> {
  const path = join(room.folder, 'payload.csv');
  await writeFile(path, content);
  return readFileAt(room, path, settings, columns);
}

export async function readFileAt(
  room: Room,
  path: string,
  settings: Partial<CsvConfig> = {},
  columns?: ReadColumn[],
): Promise<Reading> {
  const { engine, folder } = room;
  const config = completeConfig(settings);
  const counter = countCsv(config);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) counter.push(chunk);
  const { facts: counted, index } = await counter.finish(path);
  const facts = counted as CsvFacts;
  const header = await readHeader({ path, config });
  const scratch = join(folder, 'scratch');
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch);
  const wanted =
    columns ??
    Array.from({ length: Math.max(0, facts.columns) }, (_, i) => column(header?.[i] ?? `column_${i + 1}`, i));
  const attempts = await readCsv({ engine, path, config, columns: wanted, facts, index, scratch, header });
  for (const attempt of attempts) {
    const relation = await attempt.prepare();
    await engine.run('DROP TABLE IF EXISTS staging');
    await engine.run(`CREATE TABLE staging AS SELECT * FROM ${relation.sql}`);
    const [{ rows: n }] = (await engine.all<{ rows: number }>('SELECT count(*) AS rows FROM staging')) as [
      { rows: number },
    ];
    const settlement = await attempt.settle(n);
    if (settlement === 'mismatch') continue;
    const line = relation.hasLine ? '_line' : settlement.line!.sql;
    const texts = wanted.map((_, i) => `c${i}::VARCHAR AS c${i}`);
    const rows = await engine.all<Reading['rows'][number]>(
      `SELECT ${['_n', `${line} AS line`, ...texts].join(', ')} FROM (SELECT rowid AS _n, * FROM staging) s ${settlement.line?.join ?? ''} ORDER BY _n`,
    );
    const rejects = await engine.all<Reject>(`SELECT * FROM ${PARSE_REJECTS} ORDER BY line, "column"`);
    for (const row of rows) delete row['_n'];
    return { facts, header, attempt: attempt.name, typed: relation.typed, settlement, rows, rejects };
  }
  throw new Error('no attempt accounted for every record');
}

/** Raw text of some lines. */
export async function rawText(reading: Reading, lines: number[]): Promise<(string | undefined)[]> {
  const texts: (string | undefined)[] = [];
  for await (const { raw } of reading.settlement.rawText(lines)) texts.push(raw);
  return texts;
}
