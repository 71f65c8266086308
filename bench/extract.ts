/**
 * Wall time from a table of MariaDB to a landed file with its SHA-256, against the server writing the file itself (`SELECT … INTO OUTFILE`), in alternation;
 * and the resident memory of the process that extracts. `node bench/extract.ts [rows]`, 3 million if not given. Needs test/servers/install.sh.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mysql } from '../src/connectors/mysql.ts';
import type { ExtractSink } from '../src/ports/extract.ts';
import { type MariaDbServer, startMariaDb } from '../test/servers/mariadb.ts';
import { run } from '../test/servers/processes.ts';
import { datasetOf, parseAll } from '../test/support/extracting.ts';

const ROUNDS = 3;
const LIMIT = 1.15;
const MEMORY_LIMIT = 250e6;

/** The process that is measured. */
async function extract(settings: Record<string, unknown>, read: unknown, rows: number, folder: string): Promise<void> {
  const source = await mysql.open(parseAll(mysql.spec, settings), { projectDir: folder });
  const dataset = await datasetOf(mysql, source, 'orders', read);
  const hash = createHash('sha256');
  const file = openSync(join(folder, 'landed.csv'), 'w');
  const sink: ExtractSink = {
    async write(_, bytes) {
      hash.update(bytes);
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    },
    open: async () => undefined,
    cut: async () => undefined,
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

async function compare(server: MariaDbServer, name: string, read: unknown, rows: number, more = {}): Promise<number> {
  const { host, port, user, password, database, certificate } = server;
  const settings = { host, port, user, password, database, tls: 'off', ca_file: certificate.certificate, ...more };
  const outfile = `/tmp/granary-outfile-${port}.csv`;
  const times: { ours: number[]; server: number[] } = { ours: [], server: [] };
  let memory = 0;
  for (let i = 0; i <= ROUNDS; i++) {
    const folder = await mkdtemp(join(tmpdir(), 'granary-bench-'));
    const child = [import.meta.filename, '--child', JSON.stringify([settings, read, rows, folder])];
    const out = JSON.parse(await run(process.execPath, child)) as { seconds: number; memory: number };
    await rm(folder, { recursive: true });
    const from = performance.now();
    await server.admin(
      `SELECT * FROM orders INTO OUTFILE '${outfile}' FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' LINES TERMINATED BY '\\n'`,
    );
    const seconds = (performance.now() - from) / 1000;
    rmSync(outfile);
    if (i === 0) continue; // warms the server's buffers
    times.ours.push(out.seconds);
    times.server.push(seconds);
    memory = Math.max(memory, out.memory);
  }
  const [ours, theirs] = [Math.min(...times.ours), Math.min(...times.server)];
  const ratios = times.ours.map((t, i) => t / times.server[i]!).sort((a, b) => a - b);
  const list = (all: number[]) => all.map((t) => t.toFixed(2)).join(' ');
  console.log(
    `${name}: ${list(times.ours)} s, server's own file ${list(times.server)} s: ${(ours / theirs).toFixed(2)} × (median of rounds ${ratios[Math.floor(ratios.length / 2)]!.toFixed(2)} ×), ${Math.round(rows / ours / 1000)} k rows/s, ${Math.round(memory / 1e6)} MB resident`,
  );
  if (memory > MEMORY_LIMIT) process.exitCode = 1;
  return ours / theirs;
}

async function bench(rows: number): Promise<void> {
  const server = await startMariaDb({ settings: ['--innodb-buffer-pool-size=1G'] });
  try {
    await server.admin(
      `CREATE TABLE orders (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, shop INT NOT NULL, customer VARCHAR(60), email VARCHAR(80),
        amount DECIMAL(12,2), quantity INT, discount DOUBLE, note VARCHAR(200), state ENUM('new','paid','sent'), ordered_on DATE,
        created_at DATETIME(6), updated_at TIMESTAMP NOT NULL)`,
      `INSERT INTO orders (shop, customer, email, amount, quantity, discount, note, state, ordered_on, created_at, updated_at)
        SELECT seq % 500, concat('Customer ', seq * 7919 % 100003), concat('c', seq, '@example.com'), seq % 100000 / 100, seq % 17, seq % 7 / 8,
          IF(seq % 5 = 0, NULL, concat('leave it at the door, "please" ', seq % 1000)), 1 + seq % 3, '2024-01-01' + INTERVAL seq % 700 DAY,
          '2024-01-01' + INTERVAL seq * 1234 MICROSECOND, '2024-01-01 00:00:00' + INTERVAL seq SECOND FROM seq_1_to_${rows}`,
      'ANALYZE TABLE orders',
    );
    console.log(`${rows} rows × 12 columns, ${ROUNDS} rounds in alternation, seconds of wall time`);
    const ratio = await compare(server, 'one snapshot', { table: 'orders', chunks: { rows: rows * 2 } }, rows);
    await compare(server, 'in parts, two at a time', 'orders', rows);
    await compare(server, 'one snapshot, TLS', { table: 'orders', chunks: { rows: rows * 2 } }, rows, {
      tls: 'required',
    });
    console.log(ratio <= LIMIT ? `within ${LIMIT} ×` : `ABOVE ${LIMIT} ×`);
    if (ratio > LIMIT) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}

if (process.argv[2] === '--child') {
  const [settings, read, rows, folder] = JSON.parse(process.argv[3]!);
  await extract(settings, read, rows, folder);
} else await bench(Number(process.argv[2] ?? 3_000_000));
