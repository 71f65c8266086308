/**
 * Captured tables while Granary, its workers and the PostgreSQL server are killed at random points: equal to the source at the end.
 * `KILLS` is how often (15), `SEED` what is random.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { type PostgresServer, postgresMissing } from './servers/postgres.ts';
import { killAtRandom, randomBy, settle, Writer } from './support/capture-kills.ts';
import { assertSame, BODY, captureProject, differences, startShop } from './support/postgres-capture.ts';
import { ask, startUp } from './support/up-owner.ts';

const KILLS = Number(process.env['KILLS'] ?? 15);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const WRITERS = 2;

class Shop extends Writer<pg.Client> {
  readonly #server: PostgresServer;

  constructor(server: PostgresServer, random: () => number) {
    super(random);
    this.#server = server;
  }

  protected async connect(): Promise<pg.Client> {
    const client = await this.#server.connect();
    await client.query("SET ROLE granary; SET lock_timeout = '5s'");
    return client;
  }

  protected async close(client: pg.Client): Promise<void> {
    await client.end().catch(() => undefined);
  }

  protected async transaction(client: pg.Client): Promise<void> {
    const many = Math.floor(this.random() * 6) + 1;
    const statements = Array.from({ length: many }, () => this.#statement());
    await client.query('BEGIN');
    for (const statement of statements) {
      await client.query(statement);
      if (this.random() < 0.05) await delay(this.random() * 500);
    }
    await client.query(this.random() < 0.1 ? 'ROLLBACK' : 'COMMIT');
  }

  #statement(): string {
    const random = this.random;
    const id = Math.floor(random() * 2000) + 1;
    const other = Math.floor(random() * 2000) + 1;
    return this.pick([
      [
        25,
        'insert',
        `INSERT INTO orders (order_id, store, amount, placed, note, tags) VALUES (${id}, 'Köln', ${other / 100}, now(), E'a "${other}",\\n', ARRAY[${id}])
         ON CONFLICT (order_id) DO UPDATE SET amount = orders.amount + 1`,
      ],
      [10, 'large', `UPDATE orders SET body = ${BODY(other)} WHERE order_id BETWEEN ${id} AND ${id + 3}`],
      [10, 'items', `INSERT INTO items VALUES (${id}, ${other % 3}, 'Müsli', ${other}) ON CONFLICT DO NOTHING`],
      [25, 'update', `UPDATE orders SET amount = ${other}, note = NULL WHERE order_id = ${id}`],
      [15, 'delete', `DELETE FROM orders WHERE order_id BETWEEN ${id} AND ${id + 3}`],
      [
        15,
        'key',
        `UPDATE orders SET order_id = ${other} WHERE order_id = ${id} AND NOT EXISTS (SELECT FROM orders WHERE order_id = ${other})`,
      ],
      [5, 'many', `UPDATE items SET quantity = quantity + 1 WHERE order_id % 7 = ${id % 7}`],
      [
        1,
        'bulk',
        `INSERT INTO orders (order_id, store, amount, body) SELECT i, 'bulk', i, repeat('x', 300) FROM generate_series(1, 2000) i ON CONFLICT DO NOTHING`,
      ],
      [0.4, 'truncate', `TRUNCATE ${random() < 0.5 ? 'orders' : 'items'}`],
      [0.3, 'add column', 'ALTER TABLE orders ADD COLUMN IF NOT EXISTS extra int DEFAULT 3'],
      [0.3, 'drop column', 'ALTER TABLE orders DROP COLUMN IF EXISTS extra'],
      [0.3, 'alter type', `ALTER TABLE orders ALTER store TYPE varchar(${40 + (id % 50)})`],
      [0.2, 'rewrite', `ALTER TABLE items ALTER quantity TYPE ${random() < 0.5 ? 'bigint' : 'int'}`],
      [0.3, 'full', `ALTER TABLE orders REPLICA IDENTITY ${random() < 0.5 ? 'FULL' : 'DEFAULT'}`],
      [0.3, 'others', 'CREATE TABLE noise AS SELECT i FROM generate_series(1, 5000) i; DROP TABLE noise'],
    ]);
  }
}

it(`captured tables are equal to the source after ${KILLS} kills (SEED=${SEED})`, {
  skip: postgresMissing(),
  timeout: 3_600_000,
}, async (t) => {
  const random = randomBy(SEED);
  const server = await startShop(t);
  const dir = await captureProject(t, server);
  const shops = Array.from({ length: WRITERS }, (_, i) => new Shop(server, randomBy(SEED + 1 + i)));
  for (const shop of shops) shop.start();
  const started = startUp(t, dir);
  await started.ready;
  const { up, killed } = await killAtRandom(t, started, dir, server, KILLS, random);
  for (const shop of shops) await shop.stop();
  const query = (sql: string) => ask(dir, sql);
  await settle(() => differences(server, query));
  await assertSame(server, query);
  const transactions = shops.reduce((sum, shop) => sum + shop.transactions, 0);
  const did: Record<string, number> = {};
  for (const shop of shops) for (const [kind, n] of shop.did) did[kind] = (did[kind] ?? 0) + n;
  t.diagnostic(`${transactions} transactions: ${JSON.stringify(did)}; killed ${JSON.stringify(killed)}`);
  assert.ok(transactions > KILLS * 10, `only ${transactions} transactions`);
  const [[balanced]] = (await query('SELECT bool_and(balanced) FROM granary.books')) as [[boolean]];
  assert.equal(balanced, true);
  const [[slots]] = (await server.admin('SELECT count(*)::int AS n FROM pg_replication_slots')).map((r) => [
    r['n'],
  ]) as [[number]];
  assert.equal(slots, 1, 'no slot is left over');
  assert.equal(await up.stop(), 0);
});
