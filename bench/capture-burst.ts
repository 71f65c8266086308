/**
 * One transaction of many rows at a PostgreSQL server, and what it does to the changes of another table under `granary up`: how far these are behind while it
 * is open, how long after its commit its rows can be queried, and how long after that the others are less than 2 s behind again. `node bench/capture-burst.ts [rows]`; 2 million
 * if not given.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startPostgres } from '../test/servers/postgres.ts';
import { writeFiles } from '../test/support/projects.ts';
import { ask, startUp, until } from '../test/support/up-owner.ts';
import { settingsOf } from './capturing.ts';

const TICK_MS = 100;
const BEFORE_MS = 5000;
const FRESH_MS = 2000;
const PATIENCE_MS = 120_000;

const rows = Number(process.argv[2] ?? 2_000_000);
const server = await startPostgres({ tls: 'none', settings: ['max_wal_size = 8GB'] });
const ends: (() => unknown)[] = [];
const dir = await mkdtemp(join(tmpdir(), 'granary-bench-'));
try {
  await server.admin(`ALTER ROLE granary REPLICATION; ALTER SCHEMA public OWNER TO granary; SET ROLE granary;
    CREATE TABLE orders (id bigint PRIMARY KEY, customer varchar(40), amount numeric(12,2), placed timestamp, note varchar(200));
    CREATE TABLE ticks (id int PRIMARY KEY)`);
  await writeFiles(dir, {
    'granary.yaml': 'name: bench\n',
    'sources/shop.yaml': `connector: ${JSON.stringify({ type: 'postgres', ...settingsOf(server) })}
datasets:
  ticks:
    read: { changes: ticks, key: [id] }
    columns: { id: integer }
  orders:
    read: { changes: orders, key: [id] }
    columns: { id: bigint, customer: text, amount: 'decimal(12,2)', placed: timestamp, note: text }
`,
  });
  const up = startUp({ after: (end: () => unknown) => ends.push(end) } as never, dir);
  await up.ready;
  const counts = async () =>
    (await ask(dir, 'SELECT (SELECT count(*) FROM ticks), (SELECT count(*) FROM orders)'))?.[0];
  await until('the tables are there', async () => (await counts()) !== undefined);
  const client = await server.connect();
  const sent: number[] = [];
  let writing = true;
  const ticking = (async () => {
    for (; writing; await delay(TICK_MS)) {
      await client.query(`INSERT INTO ticks VALUES (${sent.length})`);
      sent.push(performance.now());
    }
  })();
  let phase = 'before' as 'before' | 'open' | 'committed' | 'there';
  let committed = 0;
  const writer = delay(BEFORE_MS).then(async () => {
    phase = 'open';
    await server.admin(
      `INSERT INTO orders SELECT i, 'Customer ' || i, i / 100.0, '2026-01-01'::timestamp + i * interval '1 s', 'note ' || i FROM generate_series(1, ${rows}) i`,
    );
    committed = performance.now();
    phase = 'committed';
  });
  const behind = { before: 0, open: 0, committed: 0, there: 0 };
  let there = 0;
  let fresh: number | undefined;
  while (fresh === undefined && (phase !== 'there' || performance.now() - there < PATIENCE_MS)) {
    const [ticks, orders] = (await counts())!.map(Number) as [number, number];
    const now = performance.now();
    const late = sent[ticks] === undefined ? 0 : now - sent[ticks];
    if (phase === 'committed' && orders === rows) {
      phase = 'there';
      there = now;
    }
    behind[phase] = Math.max(behind[phase], late);
    if (phase === 'there' && late < FRESH_MS) fresh = now;
    await delay(50);
  }
  writing = false;
  await Promise.all([ticking, writer]);
  await client.end();
  await up.stop();
  const s = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  console.log(
    `${rows.toLocaleString('en-US')} rows in one transaction: queried ${s(there - committed)} after its commit; other changes behind at most: ` +
      `${s(behind.before)} before, ${s(behind.open)} while it was open, ${s(behind.committed)} until it was there; less than ${s(FRESH_MS)} again ` +
      (fresh === undefined ? 'never' : `${s(fresh - there)} after that`),
  );
} finally {
  for (const end of ends) end();
  await server.stop();
  await rm(dir, { recursive: true, force: true });
}
