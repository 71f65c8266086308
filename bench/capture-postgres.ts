/**
 * Changes captured from PostgreSQL: rows from its log to landed files with their SHA-256, against `pg_recvlogical` writing the messages of the same log as they
 * are; and how long a change takes until a query sees it, at 1,000 changes a second under `granary up`. `node bench/capture-postgres.ts [rows] [seconds]`; 2
 * million and 30 if not given.
 */
import assert from 'node:assert/strict';
import { globSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgres } from '../src/connectors/postgres.ts';
import { type PostgresServer, startPostgres } from '../test/servers/postgres.ts';
import { run } from '../test/servers/processes.ts';
import { capture, lag, type Measured, MOST_LAG_MS, measured, median, settingsOf } from './capturing.ts';

const ROUNDS = 3;
const MOST_RATIO = 1.1;
const SLOT = 'granary_bench';
const RECEIVE = globSync('/usr/lib/postgresql/*/bin/pg_recvlogical').at(-1)!;

const ORDERS = `CREATE TABLE orders (id bigint PRIMARY KEY, store int, customer varchar(40), amount numeric(12,2), quantity int,
  placed timestamp, paid timestamptz, state text, note varchar(200))`;
const COLUMNS = [
  ['id', 'bigint'],
  ['store', 'integer'],
  ['customer', 'text'],
  ['amount', 'decimal(12,2)'],
  ['quantity', 'integer'],
  ['placed', 'timestamp'],
  ['paid', 'timestamp_tz'],
  ['state', 'text'],
  ['note', 'text'],
] as const;

/** By TCP, as ours. */
function connectionOf({ host, port, user, password, database }: PostgresServer): string {
  const quoted = `'${password.replace(/['\\]/g, '\\$&')}'`;
  return `host=${host} port=${port} user=${user} password=${quoted} dbname=${database} sslmode=disable`;
}

async function bulk(server: PostgresServer, rows: number): Promise<boolean> {
  const settings = settingsOf(server);
  const { position } = await measured(import.meta.filename, settings);
  // Reading moves a slot on: every round has one that is where the first was.
  await server.admin(`SELECT pg_copy_logical_replication_slot('${SLOT}', 'base')`);
  const renew = (name: string) =>
    server.admin(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = '${name}';
      SELECT pg_copy_logical_replication_slot('base', '${name}')`);
  const each = 10_000;
  for (let first = 1; first <= rows; first += each)
    await server.admin(
      `INSERT INTO orders SELECT i, i % 97, 'Customer ' || i, i / 100.0, i % 7, '2026-01-01'::timestamp + i * interval '1 s', to_timestamp(1.7e9 + i),
        (ARRAY['new', 'paid', 'sent'])[1 + i % 3], CASE WHEN i % 4 > 0 THEN 'note "' || i || '", of some length' END
       FROM generate_series(${first}, ${first + each - 1}) i`,
    );
  const [end] = await server.admin('SELECT pg_current_wal_lsn()::text AS lsn');
  const folder = await mkdtemp(join(tmpdir(), 'granary-bench-'));
  const times: { ours: number[]; theirs: number[]; cpu: number[] } = { ours: [], theirs: [], cpu: [] };
  let out: Measured | undefined;
  const theirs = async () => {
    await renew('theirs');
    const from = performance.now();
    await run(RECEIVE, [
      '--no-loop',
      ...['-d', connectionOf(server)],
      ...['--slot', 'theirs', '--start', '--endpos', String(end!['lsn']), '-f', join(folder, 'received')],
      ...['-o', 'proto_version=1', '-o', `publication_names=${SLOT}`],
    ]);
    rmSync(join(folder, 'received'));
    return (performance.now() - from) / 1000;
  };
  try {
    await theirs();
    for (let i = 0; i < ROUNDS; i++) {
      await renew(SLOT);
      out = await measured(import.meta.filename, settings, position);
      assert.equal((out.position as { rows: number }).rows, (position as { rows: number }).rows + rows);
      times.ours.push(out.seconds);
      times.cpu.push(out.cpu);
      times.theirs.push(await theirs());
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const [ours, other, cpu] = [median(times.ours), median(times.theirs), median(times.cpu)];
  const ratio = median(times.ours.map((seconds, i) => seconds / times.theirs[i]!));
  console.log(
    `bulk: ${Math.round(rows / ours / 1000)},000 rows/s (${Math.round(out!.bytes / 1e6)} MB landed in ${ours.toFixed(2)} s, ${cpu.toFixed(2)} s of CPU); ` +
      `pg_recvlogical: ${other.toFixed(2)} s; ratio ${ratio.toFixed(2)}; peak ${Math.round(out!.memory / 1e6)} MB`,
  );
  return ratio <= MOST_RATIO;
}

async function fresh(server: PostgresServer, seconds: number): Promise<boolean> {
  await server.admin('SET ROLE granary; CREATE TABLE ticks (id int PRIMARY KEY, n int, v varchar(50))');
  return lag(server, 'postgres', {
    connect: () => server.connect(),
    upsert: 'ON CONFLICT (id) DO UPDATE SET n = excluded.n, v = excluded.v',
    seconds,
  });
}

if (process.argv[2] === '--child') {
  const [settings, position, folder] = JSON.parse(process.argv[3]!);
  await capture(postgres, COLUMNS, settings, position ?? undefined, folder);
} else {
  const [rows, seconds] = [Number(process.argv[2] ?? 2_000_000), Number(process.argv[3] ?? 30)];
  const server = await startPostgres({ tls: 'none', settings: ['max_wal_size = 8GB'] });
  try {
    await server.admin(
      `ALTER ROLE granary REPLICATION; ALTER SCHEMA public OWNER TO granary; SET ROLE granary; ${ORDERS}`,
    );
    const isFast = rows === 0 || (await bulk(server, rows));
    const isFresh = seconds === 0 || (await fresh(server, seconds));
    if (!isFast) console.error(`more than ${MOST_RATIO} of the time of pg_recvlogical`);
    if (!isFresh) console.error(`p99 of the lag above ${MOST_LAG_MS} ms`);
    if (!isFast || !isFresh) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}
