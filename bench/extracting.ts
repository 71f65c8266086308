/** Measures an extraction in a process of its own, against the server that writes its own file. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SqlRead } from '../src/connectors/lib/sql/read.ts';
import { mysql } from '../src/connectors/mysql.ts';
import { postgres } from '../src/connectors/postgres.ts';
import type { ExtractConnector, ExtractSink } from '../src/ports/extract.ts';
import { run } from '../test/servers/processes.ts';
import { datasetOf, parseAll } from '../test/support/extracting.ts';

const ROUNDS = 5;
const MEMORY_LIMIT = 250e6;
// biome-ignore lint/suspicious/noExplicitAny: connectors of any configuration.
const CONNECTORS: Record<string, ExtractConnector<any, SqlRead>> = { mysql, postgres };

export interface Comparison {
  name: string;
  type: 'mysql' | 'postgres';
  settings: Record<string, unknown>;
  /** Of the table `orders`. */
  read: unknown;
  rows: number;
  /** Seconds that the server takes to write its own file. */
  byServer(): Promise<number>;
}

/** In alternation; returns the ratio of the best times or the median ratio of a round, whichever is worse. */
export async function compare({ name, type, settings, read, rows, byServer }: Comparison): Promise<number> {
  const times: { ours: number[]; server: number[] } = { ours: [], server: [] };
  let memory = 0;
  for (let i = 0; i <= ROUNDS; i++) {
    const folder = await mkdtemp(join(tmpdir(), 'granary-bench-'));
    const child = [import.meta.filename, '--child', JSON.stringify([type, settings, read, rows, folder])];
    const out = JSON.parse(await run(process.execPath, child)) as { seconds: number; memory: number };
    await rm(folder, { recursive: true });
    const seconds = await byServer();
    if (i === 0) continue; // warms the server's buffers
    times.ours.push(out.seconds);
    times.server.push(seconds);
    memory = Math.max(memory, out.memory);
  }
  const [ours, theirs] = [Math.min(...times.ours), Math.min(...times.server)];
  const ratios = times.ours.map((t, i) => t / times.server[i]!).sort((a, b) => a - b);
  const median = ratios[Math.floor(ratios.length / 2)]!;
  const list = (all: number[]) => all.map((t) => t.toFixed(2)).join(' ');
  console.log(
    `${name}: ${list(times.ours)} s, server's own file ${list(times.server)} s: ${(ours / theirs).toFixed(2)} × (median of rounds ${median.toFixed(2)} ×), ${Math.round(rows / ours / 1000)} k rows/s, ${Math.round(memory / 1e6)} MB resident`,
  );
  if (memory > MEMORY_LIMIT) process.exitCode = 1;
  return Math.max(ours / theirs, median);
}

export function judge(ratio: number, limit: number): void {
  console.log(ratio <= limit ? `within ${limit} ×` : `ABOVE ${limit} ×`);
  if (ratio > limit) process.exitCode = 1;
}

/** The process that is measured. */
async function extract(
  type: string,
  settings: Record<string, unknown>,
  read: unknown,
  rows: number,
  folder: string,
): Promise<void> {
  const connector = CONNECTORS[type]!;
  const source = await connector.open(parseAll(connector.spec, settings), { projectDir: folder });
  const dataset = await datasetOf(connector, source, 'orders', read);
  const hash = createHash('sha256');
  const file = openSync(join(folder, 'landed.csv'), 'w');
  const sink: ExtractSink = {
    async write(_, bytes) {
      hash.update(bytes);
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    },
    open: async () => undefined,
    cut: async () => undefined,
    discard: async () => undefined,
    checkpoint: async () => undefined,
  };
  const from = performance.now();
  const { declared } = await source.extract(
    {
      feed: 'orders',
      datasets: [dataset],
      position: undefined,
      progress: undefined,
      full: false,
      now: () => Date.now(),
      currentKeys: async () => undefined,
      openEngine: () => Promise.reject(new Error('not needed')),
      scratch: folder,
      warn: (message) => console.error(message),
      progressed: () => undefined,
    },
    sink,
  );
  const seconds = (performance.now() - from) / 1000;
  closeSync(file);
  assert.equal(declared!['orders']!.rows, rows);
  await source.close();
  const memory = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ seconds, memory, sha256: hash.digest('hex') }));
}

if (process.argv[2] === '--child') {
  const [type, settings, read, rows, folder] = JSON.parse(process.argv[3]!);
  await extract(type, settings, read, rows, folder);
}
