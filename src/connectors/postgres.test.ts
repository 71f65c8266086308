import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { type PostgresServer, postgresMissing, startPostgres } from '../../test/servers/postgres.ts';
import type { ExtractSource } from '../ports/extract.ts';
import type { SqlRead } from './lib/sql/read.ts';
import { Feed, openSource, type Row, until } from './postgres/testing.ts';

const skip = postgresMissing();

describe('extraction from PostgreSQL', { skip, timeout: 300_000 }, () => {
  let server: PostgresServer;
  let source: ExtractSource<SqlRead>;
  before(async () => {
    server = await startPostgres({ settings: ['max_prepared_transactions = 2'] });
    source = await openSource(server);
    await server.admin(
      'GRANT pg_read_all_stats TO granary; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO granary',
    );
  });
  after(async () => {
    await source?.close();
    await server?.stop();
  });

  const ids = (rows: Row[]) => rows.map((r) => Number(r['id'])).sort((a, b) => a - b);

  it('reads a table in chunks, several at once, as it was at one moment, whatever is written meanwhile', async () => {
    await server.admin(`CREATE TABLE accounts (id bigint PRIMARY KEY, amount numeric(12,2) NOT NULL);
      INSERT INTO accounts SELECT i, 100 FROM generate_series(1, 30000) i; ANALYZE accounts`);
    const read = { table: 'accounts', chunks: { rows: 3000, parallel: 3 }, sums: 'amount' };
    await using feed = await Feed.create(read, { id: 'bigint', amount: 'decimal(12,2)' });
    const writer = await server.connect();
    let transfers = 0;
    let stop = false;
    const writing = (async () => {
      while (!stop) {
        const [a, b] = [1 + Math.floor(Math.random() * 30_000), 1 + Math.floor(Math.random() * 30_000)];
        // Money moves, and rows move to other chunks: neither their number nor the sum ever changes.
        await writer.query(`BEGIN; UPDATE accounts SET amount = amount - 1 WHERE id % 30000 = ${a % 30_000};
          UPDATE accounts SET amount = amount + 1 WHERE id % 30000 = ${b % 30_000} AND EXISTS (SELECT FROM accounts WHERE id % 30000 = ${a % 30_000});
          UPDATE accounts SET id = (id + 30000) % 60000 WHERE id = ${a}; COMMIT`);
        transfers++;
      }
    })();
    await until(() => transfers > 5, 'the writer writes');
    for (let i = 0; i < 3; i++) {
      const before = transfers;
      const { rows, objects } = await feed.extract(source, { full: true });
      assert.ok(transfers > before, 'something was written meanwhile');
      assert.equal(new Set(rows.map((r) => Number(r['id']) % 30_000)).size, 30_000);
      assert.equal(rows.length, 30_000);
      const cents = rows.reduce((sum, r) => sum + Math.round(Number(r['amount']) * 100), 0);
      assert.equal(cents, 300_000_000);
      assert.deepEqual(objects[0]!.declared, { rows: 30_000, sums: { amount: '3000000.00' } });
      assert.equal(objects[0]!.complete, true);
    }
    assert.ok(feed.checkpoints > 9, `${feed.checkpoints} checkpoints`);
    stop = true;
    await writing;
    await writer.end();
  });

  it('loses no row to a late commit, as reading begins again before the oldest open transaction', async () => {
    await server.admin(`CREATE TABLE events (id int PRIMARY KEY, v int, updated_at timestamptz NOT NULL DEFAULT now());
      CREATE INDEX ON events (updated_at)`);
    const read = { table: 'events', key: 'id', watermark: 'updated_at', lookback: '0 s' };
    await using feed = await Feed.create(read, { id: 'integer', v: 'integer', updated_at: 'timestamp_tz' });
    const table = new Map<string, Row>();
    const extract = async () => {
      const { rows, warnings } = await feed.extract(source);
      assert.deepEqual(warnings, []);
      for (const row of rows)
        if (row['updated_at']! >= (table.get(row['id']!)?.['updated_at'] ?? '')) table.set(row['id']!, row);
      return rows.length;
    };
    const early = await server.connect();
    await early.query('BEGIN; SELECT now()');
    await server.admin('INSERT INTO events (id) SELECT generate_series(1, 100)');
    await extract();
    await early.query('INSERT INTO events (id) SELECT generate_series(101, 110)');
    await server.admin('INSERT INTO events (id) SELECT generate_series(111, 120)');
    await extract();
    assert.equal(table.size, 110);
    await early.query('COMMIT');
    await extract();
    assert.equal(table.size, 120);
    // Several writers whose transactions overlap, each row with the time at which its transaction began.
    let id = 1000;
    const clients = await Promise.all(Array.from({ length: 4 }, () => server.connect()));
    let stop = false;
    const writers = clients.map(async (client, n) => {
      while (!stop) {
        await client.query('BEGIN; SELECT now()');
        await client.query(`SELECT pg_sleep(${Math.random() * 0.05 * n})`);
        await client.query(`INSERT INTO events (id, v) VALUES (${++id}, 1)`);
        await client.query(`SELECT pg_sleep(${Math.random() * 0.05 * n}); COMMIT`);
      }
    });
    for (let i = 0; i < 12; i++) await extract();
    stop = true;
    await Promise.all(writers);
    await extract();
    assert.deepEqual(
      [...table.keys()].map(Number).sort((a, b) => a - b),
      (await server.admin('SELECT id FROM events ORDER BY id')).map((r) => r['id']),
    );
    // When nothing is open any more, little is read again.
    await server.admin(
      "INSERT INTO events (id, updated_at) VALUES (1, now() + interval '1 s') ON CONFLICT (id) DO UPDATE SET v = 5, updated_at = excluded.updated_at",
    );
    await extract();
    assert.equal(table.get('1')!['v'], '5');
    for (const client of [early, ...clients]) await client.end();
  });

  it('says so when open transactions are hidden from its user, and looks back instead', async () => {
    await server.admin('REVOKE pg_read_all_stats FROM granary');
    try {
      await server.admin('CREATE TABLE hidden (id int PRIMARY KEY, updated_at timestamptz DEFAULT now())');
      const late = await server.connect();
      await late.query('BEGIN; INSERT INTO hidden VALUES (1)');
      await server.admin('INSERT INTO hidden VALUES (2)');
      const read = { table: 'hidden', key: 'id', watermark: 'updated_at' };
      await using feed = await Feed.create(read, { id: 'integer', updated_at: 'timestamp_tz' });
      const { warnings, rows } = await feed.extract(source);
      assert.deepEqual(ids(rows), [2]);
      assert.match(warnings[0]!, /hidden from the user of this source: GRANT pg_read_all_stats/);
      await late.query('COMMIT');
      await late.end();
      assert.ok(ids((await feed.extract(source)).rows).includes(1));
    } finally {
      await server.admin('GRANT pg_read_all_stats TO granary');
    }
    const prepared = await server.connect();
    await prepared.query("BEGIN; INSERT INTO hidden VALUES (3); PREPARE TRANSACTION 'later'");
    await using feed = await Feed.create({ table: 'hidden', key: 'id', watermark: 'updated_at' }, { id: 'integer' });
    assert.match((await feed.extract(source)).warnings.join(), /prepared.*lookback/);
    await prepared.query("COMMIT PREPARED 'later'");
    await prepared.end();
    assert.deepEqual((await feed.extract(source)).warnings, []);
  });

  it('reads tables of several schemas as one, without the partitions of those that have them', async () => {
    for (const tenant of ['tenant_a', 'tenant_b', 'other'])
      await server.admin(`CREATE SCHEMA ${tenant}; GRANT USAGE ON SCHEMA ${tenant} TO granary;
        CREATE TABLE ${tenant}.orders (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
        CREATE TABLE ${tenant}.orders_2025 PARTITION OF ${tenant}.orders FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
        CREATE TABLE ${tenant}.orders_2026 PARTITION OF ${tenant}.orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
        INSERT INTO ${tenant}.orders VALUES (1, '2025-05-05'), (2, '2026-06-06');
        GRANT SELECT ON ALL TABLES IN SCHEMA ${tenant} TO granary`);
    await using feed = await Feed.create('tenant_*.orders*', { id: 'integer', day: 'date' });
    const { rows } = await feed.extract(source);
    assert.deepEqual(rows.map((r) => `${r['_table']} ${r['id']} ${r['day']}`).sort(), [
      'tenant_a.orders 1 2025-05-05',
      'tenant_a.orders 2 2026-06-06',
      'tenant_b.orders 1 2025-05-05',
      'tenant_b.orders 2 2026-06-06',
    ]);
    await using one = await Feed.create('other.orders_2026', { id: 'integer', day: 'date' });
    assert.deepEqual((await one.extract(source)).rows, [{ id: '2', day: '2026-06-06' }]);
  });

  it('reads views, materialised views and queries', async () => {
    await server.admin(`CREATE TABLE base (id int PRIMARY KEY, v numeric(8,2), seen timestamp NOT NULL);
      INSERT INTO base VALUES (1, 1.5, '2026-01-01'), (2, 2.5, '2026-01-02'), (3, NULL, '2026-01-03');
      CREATE VIEW some_of_it AS SELECT * FROM base WHERE id > 1; CREATE MATERIALIZED VIEW kept AS SELECT * FROM base`);
    const columns = { id: 'integer', v: 'decimal(8,2)' } as const;
    await using view = await Feed.create({ table: 'some_of_it', sums: 'v' }, columns);
    const ofView = await view.extract(source);
    assert.deepEqual(ofView.rows, [
      { id: '2', v: '2.50' },
      { id: '3', v: null },
    ]);
    assert.deepEqual(ofView.objects[0]!.declared, { rows: 2, sums: { v: '2.50' } });
    await using kept = await Feed.create({ table: 'kept', where: "seen >= '2026-01-02'" }, columns);
    assert.deepEqual(ids((await kept.extract(source)).rows), [2, 3]);
    const query = `WITH w AS (SELECT * FROM base) -- all of them
      SELECT id, v, seen FROM w WHERE seen >= :watermark ORDER BY id; `;
    await using asked = await Feed.create(
      { query, key: 'id', watermark: 'seen', lookback: '0 s' },
      { ...columns, seen: 'timestamp' },
    );
    assert.deepEqual(ids((await asked.extract(source)).rows), [1, 2, 3]);
    await server.admin("INSERT INTO base VALUES (4, 4, '2026-01-04')");
    const next = ids((await asked.extract(source)).rows);
    assert.ok(next.includes(4) && !next.includes(2), 'from the watermark on');
  });

  it('lists what can be read, with estimates, and proposes columns, key and watermark', async () => {
    await server.admin(`CREATE SCHEMA sales; GRANT USAGE ON SCHEMA sales TO granary;
      CREATE TABLE sales.items (id bigserial PRIMARY KEY, name text NOT NULL, price numeric(10,2), updated_at timestamptz NOT NULL DEFAULT now());
      INSERT INTO sales.items (name) SELECT 'x' FROM generate_series(1, 500); ANALYZE sales.items;
      GRANT SELECT ON sales.items TO granary; CREATE TABLE sales.secret (id int); REVOKE ALL ON sales.secret FROM granary`);
    const offers = await Array.fromAsync(source.offers());
    const offer = offers.find((o) => o.name === 'sales.items')!;
    assert.deepEqual(offer, { name: 'sales.items', kind: 'table', rows: 500, read: 'sales.items' });
    assert.ok(
      !offers.some((o) => o.name === 'sales.secret' || o.name.includes('pg_') || o.name === 'other.orders_2025'),
    );
    assert.equal(offers.find((o) => o.name === 'some_of_it')!.kind, 'view');
    const proposal = await source.propose(offer);
    assert.deepEqual(
      proposal.columns.map((c) => [c.name, c.type, c.required]),
      [
        ['id', 'bigint', true],
        ['name', 'text', true],
        ['price', 'decimal(10,2)', false],
        ['updated_at', 'timestamp_tz', true],
      ],
    );
    assert.deepEqual(proposal.key, ['id']);
    assert.deepEqual(proposal.read, { table: 'sales.items', key: ['id'], watermark: ['updated_at'] });
    assert.match(proposal.notes.join(), /No index of sales\.items|No index begins with updated_at/);
  });

  it('names what is missing, and what would be right', async () => {
    const failing = async (read: unknown, columns: Record<string, 'integer'> = { id: 'integer' }) => {
      await using feed = await Feed.create(read, columns);
      return await feed.extract(source).then(
        () => assert.fail('it was read'),
        (e) => ({ code: e.code, transient: e.transient, text: `${e.message} ${e.hint}` }),
      );
    };
    const table = await failing('sales.itms');
    assert.deepEqual([table.code, table.transient], ['connector.not_found', false]);
    assert.match(table.text, /sales\.itms.*sales\.items/);
    const column = await failing('sales.items', { pricee: 'integer' });
    assert.equal(column.code, 'connector.not_found');
    assert.match(column.text, /pricee.*price/);
    const denied = await failing('sales.secret');
    assert.deepEqual([denied.code, denied.transient], ['connector.denied', false]);
    assert.match(denied.text, /Grant/);
    const query = await failing({ query: 'SELECT idd FROM sales.items' });
    assert.equal(query.code, 'connector.not_found');
    assert.match(query.text, /at character 8.*items\.id/);
    const syntax = await failing({ query: 'SELEC 1' });
    assert.deepEqual([syntax.code, syntax.transient], ['connector.protocol', false]);
  });

  it('neither locks nor writes', async () => {
    const writer: Client = await server.connect();
    await server.admin('CREATE TABLE busy (id int PRIMARY KEY); INSERT INTO busy SELECT generate_series(1, 20000)');
    await using feed = await Feed.create({ table: 'busy', throttle: { rows_per_second: 20_000 } }, { id: 'integer' });
    const reading = feed.extract(source);
    await until(
      async () =>
        (
          await server.admin(
            "SELECT FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%busy%' AND usename = 'granary'",
          )
        ).length > 0,
      'it is read',
    );
    const locks = await server.admin(`SELECT DISTINCT l.mode FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE a.usename = 'granary' AND l.locktype = 'relation'`);
    assert.deepEqual(locks, [{ mode: 'AccessShareLock' }]);
    await writer.query("SET lock_timeout = '5s'; UPDATE busy SET id = id + 100000; TRUNCATE hidden");
    await writer.end();
    assert.equal((await reading).rows.length, 20_000);
    await using writing = await Feed.create(
      { query: "SELECT setval(pg_get_serial_sequence('sales.items', 'id'), 1)::int AS id" },
      { id: 'integer' },
    );
    await assert.rejects(writing.extract(source), { code: 'connector.denied' });
  });
});
