/** A process of its own that takes a document from its file to Parquet, and prints what came of it and its peak of resident memory. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { openDuckDbEngine } from '../../adapters/engine/duckdb.ts';
import { xml } from '../xml.ts';
import { xmlConfig } from './testing.ts';

const [path, folder] = process.argv.slice(2) as [string, string];
const engine = await openDuckDbEngine({ memoryLimit: 120e6, threads: 2, scratch: folder });
const config = xmlConfig({ record: 'Transaction/Line' });
const sources = ['../@id', '../BeginDateTime', '@seq', 'Sku', 'Desc', 'Qty', 'UnitPrice'];
const columns = sources.map((source, position) => ({ source, position, type: 'text' as const, asText: true }));
const { facts } = await xml.count(config).finish(path);
const scratch = await mkdtemp(join(folder, 'scratch-'));
const [attempt] = await xml.read({ engine, path, config, columns, facts, scratch, header: undefined });
/** As curation stages parts. */
const PARQUET =
  '(FORMAT parquet, COMPRESSION snappy, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1, ROW_GROUP_SIZE 30720)';
let parts = 0;
let running = Promise.resolve();
for await (const { sql } of attempt!.parts!()) {
  await running;
  running = engine.run(`COPY (SELECT * FROM ${sql}) TO '${folder}/rows-${parts++}.parquet' ${PARQUET}`);
}
await running;
const [row] = await engine.all<{ rows: number; sum: number; lines: number; last: number }>(
  `SELECT count(*) AS rows, sum(c5::BIGINT)::BIGINT AS sum, max(_line) AS lines, max(_n)::BIGINT AS last FROM '${folder}/rows-*.parquet'`,
);
const settled = await attempt!.settle(row!.rows);
await engine.close();
console.log(
  JSON.stringify({
    ...row,
    parts,
    balanced: settled !== 'mismatch' && settled.received === facts.records,
    bytes: process.resourceUsage().maxRSS * 1024,
  }),
);
