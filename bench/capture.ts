/**
 * Changes captured from MariaDB: rows a second from its log to landed files with their SHA-256, against `mariadb-binlog` copying the same log; and how long a
 * change takes until a query sees it, at 1,000 changes a second under `granary up`. `node bench/capture.ts [rows] [seconds]`; 2 million and 30 if not given.
 */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mysql } from '../src/connectors/mysql.ts';
import { type MariaDbServer, startMariaDb } from '../test/servers/mariadb.ts';
import { run } from '../test/servers/processes.ts';
import { capture, lag, type Measured, MOST_LAG_MS, measured, median, settingsOf } from './capturing.ts';

const ROUNDS = 3;
const LEAST_RATE = 300_000;

const ORDERS = `CREATE TABLE orders (id BIGINT PRIMARY KEY, store INT, customer VARCHAR(40), amount DECIMAL(12,2), quantity INT UNSIGNED,
  placed DATETIME(6), paid TIMESTAMP(3) NULL, state ENUM('new','paid','sent'), note VARCHAR(200))`;
const COLUMNS = [
  ['id', 'bigint'],
  ['store', 'integer'],
  ['customer', 'text'],
  ['amount', 'decimal(12,2)'],
  ['quantity', 'bigint'],
  ['placed', 'timestamp'],
  ['paid', 'timestamp_tz'],
  ['state', 'text'],
  ['note', 'text'],
] as const;

async function bulk(server: MariaDbServer, rows: number): Promise<boolean> {
  const settings = settingsOf(server);
  const { position } = await measured(import.meta.filename, settings);
  await server.admin('FLUSH BINARY LOGS');
  const [status] = await server.admin('SHOW MASTER STATUS');
  const each = 10_000;
  for (let first = 1; first <= rows; first += each)
    await server.admin(
      `INSERT INTO orders SELECT seq, seq % 97, CONCAT('Customer ', seq), seq / 100, seq % 7, '2026-01-01' + INTERVAL seq SECOND, FROM_UNIXTIME(1.7e9 + seq), 1 + seq % 3, IF(seq % 4 = 0, NULL, CONCAT('note "', seq, '", of some length')) FROM seq_${first}_to_${first + each - 1}`,
    );
  const folder = await mkdtemp(join(tmpdir(), 'granary-bench-'));
  const times: { ours: number[]; theirs: number[]; cpu: number[] } = { ours: [], theirs: [], cpu: [] };
  let out: Measured | undefined;
  try {
    for (let i = 0; i < ROUNDS; i++) {
      out = await measured(import.meta.filename, settings, position);
      assert.equal((out.position as { rows: number }).rows, (position as { rows: number }).rows + rows);
      times.ours.push(out.seconds);
      times.cpu.push(out.cpu);
      const from = performance.now();
      await run('/usr/bin/mariadb-binlog', [
        '--no-defaults',
        '--read-from-remote-server',
        '--raw',
        '--to-last-log',
        `--host=${server.host}`,
        `--port=${server.port}`,
        `--user=${server.user}`,
        `--password=${server.password}`,
        `--result-file=${folder}/`,
        String(status!['File']),
      ]);
      times.theirs.push((performance.now() - from) / 1000);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const [ours, theirs, cpu] = [median(times.ours), median(times.theirs), median(times.cpu)];
  console.log(
    `bulk: ${Math.round(rows / ours / 1000)},000 rows/s (${Math.round(out!.bytes / 1e6)} MB landed in ${ours.toFixed(2)} s, ${cpu.toFixed(2)} s of CPU = ${Math.round(rows / cpu / 1000)},000 rows per CPU second); ` +
      `mariadb-binlog --raw: ${theirs.toFixed(2)} s; peak ${Math.round(out!.memory / 1e6)} MB`,
  );
  return rows / ours >= LEAST_RATE;
}

async function fresh(server: MariaDbServer, seconds: number): Promise<boolean> {
  await server.admin('CREATE TABLE ticks (id INT PRIMARY KEY, n INT, v VARCHAR(50))');
  return lag(server, 'mysql', {
    connect: () => server.connect(server.database),
    upsert: 'ON DUPLICATE KEY UPDATE n = VALUES(n), v = VALUES(v)',
    seconds,
  });
}

if (process.argv[2] === '--child') {
  const [settings, position, folder] = JSON.parse(process.argv[3]!);
  await capture(mysql, COLUMNS, settings, position ?? undefined, folder);
} else {
  const [rows, seconds] = [Number(process.argv[2] ?? 2_000_000), Number(process.argv[3] ?? 30)];
  const server = await startMariaDb({ tls: false, settings: ['--max-binlog-size=1G'] });
  try {
    await server.admin(ORDERS);
    const isFast = rows === 0 || (await bulk(server, rows));
    const isFresh = seconds === 0 || (await fresh(server, seconds));
    if (!isFast) console.error(`slower than ${LEAST_RATE} rows/s`);
    if (!isFresh) console.error(`p99 of the lag above ${MOST_LAG_MS} ms`);
    if (!isFast || !isFresh) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}
