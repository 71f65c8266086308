/**
 * Captured tables while Granary, its workers and the PostgreSQL server are killed at random points: equal to the source at the end.
 * `KILLS` is how often (15), `SEED` what is random.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { type PostgresServer, postgresMissing } from './servers/postgres.ts';
import { assertSame, BODY, captureProject, differences, startShop } from './support/postgres-capture.ts';
import { ask, startUp, type Up, until, workersOf } from './support/up-owner.ts';

const KILLS = Number(process.env['KILLS'] ?? 15);
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
/** Of `until`, in a row: after a kill things are tried again after growing times. */
const PATIENCE = 5;
const WRITERS = 2;

/** Mulberry32. */
function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Changes tables in random transactions until it is stopped; reconnects when the server is gone. */
class Shop {
  transactions = 0;
  readonly did = new Map<string, number>();
  readonly #server: PostgresServer;
  readonly #random: () => number;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(server: PostgresServer, random: () => number) {
    this.#server = server;
    this.#random = random;
  }

  start(): void {
    this.#running = this.#work();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #work(): Promise<void> {
    let client: pg.Client | undefined;
    while (!this.#stopped) {
      try {
        if (!client) {
          client = await this.#server.connect();
          await client.query("SET ROLE granary; SET lock_timeout = '5s'");
        }
        await this.#transaction(client);
        this.transactions++;
        await delay(this.#random() * 20);
      } catch {
        // Killed in the middle, or in each other's way: what the server has made of it is what counts.
        await client?.end().catch(() => undefined);
        client = undefined;
        await delay(50);
      }
    }
    await client?.end();
  }

  async #transaction(client: pg.Client): Promise<void> {
    const many = Math.floor(this.#random() * 6) + 1;
    const statements = Array.from({ length: many }, () => this.#statement());
    await client.query('BEGIN');
    for (const statement of statements) {
      await client.query(statement);
      if (this.#random() < 0.05) await delay(this.#random() * 500);
    }
    await client.query(this.#random() < 0.1 ? 'ROLLBACK' : 'COMMIT');
  }

  #statement(): string {
    const random = this.#random;
    const id = Math.floor(random() * 2000) + 1;
    const other = Math.floor(random() * 2000) + 1;
    const kinds: [weight: number, kind: string, statement: string][] = [
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
    ];
    let at = random() * kinds.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, kind, statement] of kinds) {
      at -= weight;
      if (at >= 0) continue;
      this.did.set(kind, (this.did.get(kind) ?? 0) + 1);
      return statement;
    }
    return 'SELECT 1';
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
  let up: Up = startUp(t, dir);
  await up.ready;
  const killed = { owner: 0, worker: 0, server: 0 };
  const query = (sql: string) => ask(dir, sql);
  for (let kills = 0; kills < KILLS; ) {
    await delay(200 + random() * 5000);
    const what = (['owner', 'worker', 'server'] as const)[Math.floor(random() * 3)]!;
    if (what === 'server') {
      await server.kill();
      await delay(random() * 2000);
      await server.restart();
    } else if (what === 'owner') {
      process.kill(up.pid, 'SIGKILL');
      await up.ended;
      up = startUp(t, dir);
      await up.ready;
    } else {
      const [worker] = workersOf(up.pid);
      if (!worker) continue;
      process.kill(worker.pid, 'SIGKILL');
    }
    killed[what]++;
    kills++;
  }
  for (const shop of shops) await shop.stop();
  for (let i = 0; i < PATIENCE; i++)
    await until('the tables are the same', async () => (await differences(server, query)).length === 0).catch(
      () => undefined,
    );
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
