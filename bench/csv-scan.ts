/**
 * Measures the CSV format on one file: `npx node bench/csv-scan.ts [file]`. Without a file it makes one of 1 M rows × 12 columns.
 * Prints the speed of counting, of the fast attempt against the raw typed statement, and of the lossless attempt.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openDuckDbEngine } from '../src/adapters/engine/duckdb.ts';
import { completeConfig } from '../src/formats/csv/config.ts';
import { type CsvFacts, countCsv } from '../src/formats/csv/count.ts';
import { fastAttempt, slowReason } from '../src/formats/csv/fast.ts';
import { readHeader } from '../src/formats/csv/header.ts';
import { losslessAttempt } from '../src/formats/csv/lossless.ts';
import { type ColumnType, engineType } from '../src/model/schema.ts';
import type { Attempt, ReadColumn, Settlement } from '../src/ports/format.ts';

const COLUMNS: [string, ColumnType][] = [
  ['line_id', 'bigint'],
  ['store', 'text'],
  ['product', 'text'],
  ['customer_id', 'bigint'],
  ['qty', 'integer'],
  ['unit_price', 'decimal(10,2)'],
  ['discount', 'decimal(4,2)'],
  ['amount', 'decimal(12,2)'],
  ['sale_date', 'date'],
  ['sold_at', 'timestamp'],
  ['currency', 'text'],
  ['payment', 'text'],
  ['is_return', 'boolean'],
  ['email', 'text'],
  ['note', 'text'],
];

/** Sales lines; every hundredth has a quantity that is no number, every thousandth a field too few. */
function* salesLines(rows: number): Generator<string> {
  yield `${COLUMNS.map(([name]) => name).join(',')}\n`;
  for (let i = 0; i < rows; i++) {
    const price = `${i % 900}.${String(i % 100).padStart(2, '0')}`;
    const day = `2024-0${1 + (i % 9)}-${10 + (i % 18)}`;
    const note = i % 6 === 0 ? `"note, with ""quotes"" ${i}"` : `note ${i}`;
    const qty = i % 100 === 0 ? 'abc' : String(i % 12);
    const end = i % 1000 === 0 ? '' : `,${note}`;
    yield `${i},S${i % 500},P${100000 + (i % 900000)},${1e6 + i},${qty},${price},0.1${i % 10},${price},${day},${day} 10:15:${10 + (i % 50)},EUR,CARD,false,user${i}@example.com${end}\n`;
  }
}

const seconds = async (act: () => Promise<unknown>): Promise<number> => {
  const from = performance.now();
  await act();
  return (performance.now() - from) / 1000;
};

/** Of this process so far, in seconds; unlike the time it does not depend on what else the machine does. */
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const folder = await mkdtemp(join(tmpdir(), 'granary-bench-'));
try {
  const path = process.argv[2] ?? join(folder, 'sales.csv');
  if (!process.argv[2]) await pipeline(salesLines(1_000_000), createWriteStream(path));
  const megabytes = (await stat(path)).size / 1e6;
  const config = completeConfig({});

  const counter = countCsv(config);
  let index: Uint8Array | undefined;
  let facts: CsvFacts | undefined;
  let pushing = 0;
  const counting = await seconds(async () => {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
      const from = performance.now();
      counter.push(chunk);
      pushing += (performance.now() - from) / 1000;
    }
    const counted = await counter.finish(path);
    index = counted.index;
    facts = counted.facts as CsvFacts;
  });
  const speed = Math.round(megabytes / pushing);
  console.log(`count: ${facts!.records} records, ${counting.toFixed(2)} s with reading, ${speed} MB/s without`);

  const engine = await openDuckDbEngine({ memoryLimit: 2e9, threads: 2, scratch: folder });
  const columns: ReadColumn[] = COLUMNS.map(([source, type], position) => ({ source, position, type, asText: false }));
  const header = await readHeader({ path, config });
  console.log(`fast attempt: ${slowReason({ config, header, columns }, facts!) ?? 'yes'}`);
  const typed = COLUMNS.map(([name, type]) => `'${name}': '${engineType(type)}'`).join(', ');
  const parquet = (select: string) =>
    engine.run(`COPY (${select}) TO '${join(folder, 'staging.parquet')}' (FORMAT parquet, COMPRESSION zstd)`);
  const raw = () =>
    parquet(
      `SELECT * FROM read_csv('${path}', auto_detect=false, header=true, columns={${typed}}, ignore_errors=true)`,
    );
  const attempt = async (make: (scratch: string) => Attempt) => {
    const scratch = join(folder, 'scratch');
    await rm(scratch, { recursive: true, force: true });
    await mkdir(scratch);
    const of = make(scratch);
    const before = cpuSeconds();
    const prepare = await seconds(async () => {
      relation = (await of.prepare()).sql;
    });
    const scan = await seconds(() => parquet(`SELECT * FROM ${relation}`));
    const [{ rows }] = (await engine.all<{ rows: number }>(
      `SELECT count(*) AS rows FROM '${join(folder, 'staging.parquet')}'`,
    )) as [{ rows: number }];
    let settlement: Settlement | 'mismatch' | undefined;
    const settle = await seconds(async () => {
      settlement = await of.settle(rows);
    });
    const outcome = settlement === 'mismatch' ? settlement : `${rows} rows, ${settlement!.rejected} rejected`;
    return { prepare, scan, settle, total: prepare + scan + settle, cpu: cpuSeconds() - before, outcome, settlement };
  };
  let relation = '';

  await raw();
  for (let round = 0; round < 3; round++) {
    const before = cpuSeconds();
    const base = await seconds(raw);
    const rawCpu = cpuSeconds() - before;
    const input = { engine, path, config, columns, facts: facts!, index: index!, header };
    const fast = await attempt((scratch) => fastAttempt({ ...input, scratch }, facts!));
    const cpu = `CPU ${(fast.cpu / rawCpu).toFixed(2)}`;
    const parts = `scan ${fast.scan.toFixed(2)}, settle ${fast.settle.toFixed(2)}`;
    console.log(
      `raw ${base.toFixed(2)} s; fast ${fast.total.toFixed(2)} s (${parts}) = ${(fast.total / base).toFixed(2)}, ${cpu}; ${fast.outcome}`,
    );
    if (round > 0 || fast.settlement === 'mismatch') continue;
    const every20th = Array.from({ length: Math.floor(facts!.records / 20) }, (_, i) => 2 + i * 20);
    let found = 0;
    const texts = await seconds(async () => {
      for await (const { raw } of (fast.settlement as Settlement).rawText(every20th)) if (raw !== undefined) found++;
    });
    console.log(`raw text of every 20th line: ${texts.toFixed(2)} s, ${found} found`);
    const lossless = await attempt((scratch) => losslessAttempt({ ...input, scratch }));
    const rate = (s: number) => `${s.toFixed(2)} s, ${Math.round(megabytes / s)} MB/s`;
    console.log(`lossless: reading ${rate(lossless.prepare)}; in all ${rate(lossless.total)}; ${lossless.outcome}`);
  }
  await engine.close();
} finally {
  await rm(folder, { recursive: true });
}
