/**
 * Changes captured from PostgreSQL: rows from its log to landed files with their SHA-256, against `pg_recvlogical` writing the messages of the same log as they
 * are; and how long a change takes until a query sees it, at 1,000 changes a second under `granary up`. `node bench/capture-postgres.ts [rows] [seconds]`; 2
 * million and 30 if not given.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, globSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { postgres } from '../src/connectors/postgres.ts';
import type { ExtractSink, Position } from '../src/ports/extract.ts';
import { type PostgresServer, startPostgres } from '../test/servers/postgres.ts';
import { run } from '../test/servers/processes.ts';
import { parseAll } from '../test/support/extracting.ts';
import { writeFiles } from '../test/support/projects.ts';
import { ask, startUp, until } from '../test/support/up-owner.ts';

const ROUNDS = 3;
const MOST_RATIO = 1.1;
const MOST_LAG_MS = 2000;
const PER_SECOND = 1000;
const TOGETHER = 10;
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

const settingsOf = ({ host, port, user, password, database }: PostgresServer) => ({
  host,
  port,
  user,
  password,
  database,
  tls: 'off',
});

/** The process that is measured: reads from a position to the end of the log. */
async function capture(settings: Record<string, unknown>, position: Position | undefined, folder: string) {
  const source = await postgres.open(parseAll(postgres.spec, settings), { projectDir: folder, source: 'bench' });
  const read = parseAll(postgres.read, { changes: 'orders', key: ['id'] });
  const columns = COLUMNS.map(([name, type]) => ({ name, from: name, type }));
  const hash = createHash('sha256');
  const file = openSync(join(folder, 'landed.csv'), 'w');
  let bytes = 0;
  const sink: ExtractSink = {
    async write(_, chunk) {
      hash.update(chunk);
      bytes += chunk.length;
      for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
    },
    open: async () => undefined,
    cut: async () => undefined,
    checkpoint: async () => undefined,
  };
  const scratch = join(folder, 'scratch');
  mkdirSync(scratch);
  const from = performance.now();
  const before = process.cpuUsage();
  let reached = position;
  for (let more = true; more; ) {
    const extracted = await source.extract(
      {
        feed: 'changes',
        datasets: [{ name: 'orders', read, columns }],
        position: reached,
        progress: undefined,
        full: false,
        now: () => Date.now(),
        currentKeys: async () => undefined,
        openEngine: () => Promise.reject(new Error('not needed')),
        scratch,
        warn: (message) => console.error(message),
        progressed: () => undefined,
      },
      sink,
    );
    reached = extracted.position;
    more = extracted.more;
  }
  const seconds = (performance.now() - from) / 1000;
  const cpu = process.cpuUsage(before);
  closeSync(file);
  await source.close();
  const memory = process.resourceUsage().maxRSS * 1024;
  console.log(JSON.stringify({ seconds, cpu: (cpu.user + cpu.system) / 1e6, bytes, memory, position: reached }));
}

interface Measured {
  seconds: number;
  cpu: number;
  bytes: number;
  memory: number;
  position: Position;
}

async function measured(settings: Record<string, unknown>, position?: Position): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-bench-'));
  try {
    const child = [import.meta.filename, '--child', JSON.stringify([settings, position, folder])];
    return JSON.parse(await run(process.execPath, child)) as Measured;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** By TCP, as ours. */
function connectionOf({ host, port, user, password, database }: PostgresServer): string {
  const quoted = `'${password.replace(/['\\]/g, '\\$&')}'`;
  return `host=${host} port=${port} user=${user} password=${quoted} dbname=${database} sslmode=disable`;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

async function bulk(server: PostgresServer, rows: number): Promise<boolean> {
  const settings = settingsOf(server);
  const { position } = await measured(settings);
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
      out = await measured(settings, position);
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

async function lag(server: PostgresServer, seconds: number): Promise<boolean> {
  const ends: (() => unknown)[] = [];
  const dir = await mkdtemp(join(tmpdir(), 'granary-bench-'));
  const { host, port, user, password, database } = settingsOf(server);
  await server.admin('SET ROLE granary; CREATE TABLE ticks (id int PRIMARY KEY, n int, v varchar(50))');
  await writeFiles(dir, {
    'granary.yaml': 'name: bench\n',
    'sources/ticks.yaml': `connector:\n  { type: postgres, host: ${host}, port: ${port}, user: ${user}, password: ${JSON.stringify(password)}, database: ${database}, tls: 'off' }
datasets:\n  ticks:\n    read: { changes: ticks, key: [id] }\n    columns: { id: integer, n: integer, v: text }\n`,
  });
  try {
    const up = startUp({ after: (end: () => unknown) => ends.push(end) } as never, dir);
    await up.ready;
    await until('the table is there', async () => (await ask(dir, 'SELECT count(*) FROM ticks')) !== undefined);
    const sent: number[] = [0];
    const client = await server.connect();
    const begun = performance.now();
    let writing = true;
    const writer = (async () => {
      for (let batch = 0; batch < (seconds * PER_SECOND) / TOGETHER; batch++) {
        const first = sent.length;
        const values = Array.from(
          { length: TOGETHER },
          (_, i) => `(${(first + i) % 5000}, ${first + i}, 'tick ${first + i}')`,
        );
        await client.query(
          `INSERT INTO ticks VALUES ${values.join(', ')} ON CONFLICT (id) DO UPDATE SET n = excluded.n, v = excluded.v`,
        );
        const at = performance.now();
        for (let i = 0; i < TOGETHER; i++) sent.push(at);
        const due = begun + ((batch + 1) * TOGETHER * 1000) / PER_SECOND;
        if (due > at) await delay(due - at);
      }
      writing = false;
    })();
    const lags: number[] = [];
    let seen = 0;
    while (writing || seen < sent.length - 1) {
      const newest = Number((await ask(dir, 'SELECT coalesce(max(n), 0) FROM ticks'))![0]![0]);
      const at = performance.now();
      for (; seen < newest; seen++) if (sent[seen + 1] !== undefined) lags.push(Math.max(0, at - sent[seen + 1]!));
      await delay(20);
    }
    await writer;
    const wrote = (sent.length - 1) / ((sent.at(-1)! - begun) / 1000);
    await client.end();
    await up.stop();
    const sorted = lags.toSorted((a, b) => a - b);
    const at = (share: number) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!);
    console.log(
      `lag at ${Math.round(wrote)} changes/s for ${seconds} s, commit to query: median ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`,
    );
    return at(0.99) < MOST_LAG_MS;
  } finally {
    for (const end of ends) end();
    await delay(500);
    await rm(dir, { recursive: true, force: true });
  }
}

if (process.argv[2] === '--child') {
  const [settings, position, folder] = JSON.parse(process.argv[3]!);
  await capture(settings, position ?? undefined, folder);
} else {
  const [rows, seconds] = [Number(process.argv[2] ?? 2_000_000), Number(process.argv[3] ?? 30)];
  const server = await startPostgres({ tls: 'none', settings: ['max_wal_size = 8GB'] });
  try {
    await server.admin(
      `ALTER ROLE granary REPLICATION; ALTER SCHEMA public OWNER TO granary; SET ROLE granary; ${ORDERS}`,
    );
    const isFast = rows === 0 || (await bulk(server, rows));
    const isFresh = seconds === 0 || (await lag(server, seconds));
    if (!isFast) console.error(`more than ${MOST_RATIO} of the time of pg_recvlogical`);
    if (!isFresh) console.error(`p99 of the lag above ${MOST_LAG_MS} ms`);
    if (!isFast || !isFresh) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}
