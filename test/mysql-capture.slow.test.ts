/**
 * Captured tables while Granary, its workers and the database server are killed at random points: equal to the source at the end.
 * `KILLS` is how often (10 with MariaDB, 8 with MySQL), `SEED` what is random.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { mariaDbMissing, startMariaDb } from './servers/mariadb.ts';
import { mysqlMissing, startMysql } from './servers/mysql.ts';
import type { MysqlServer } from './servers/mysql-family.ts';
import { assertSame, captureProject, differences, SCHEMA } from './support/mysql-capture.ts';
import { ask, startUp, type Up, until, workersOf } from './support/up-owner.ts';

const SERVERS = [
  { kind: 'MariaDB', skip: mariaDbMissing(), start: startMariaDb, kills: 10 },
  { kind: 'MySQL', skip: mysqlMissing(), start: startMysql, kills: 8 },
];
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
/** Of `until`, in a row: after a kill things are tried again after growing times. */
const PATIENCE = 5;

const COLUMNS = 'order_id, store, amount, placed, note';

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
  readonly #server: MysqlServer;
  readonly #random: () => number;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(server: MysqlServer, random: () => number) {
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
    let connection: Connection | undefined;
    while (!this.#stopped) {
      try {
        connection ??= await this.#server.connect(this.#server.database);
        await this.#transaction(connection);
        this.transactions++;
        await delay(this.#random() * 20);
      } catch {
        // Killed in the middle: what the server has made of it is what counts.
        connection?.destroy();
        connection = undefined;
        await delay(50);
      }
    }
    await connection?.end();
  }

  async #transaction(connection: Connection): Promise<void> {
    const many = Math.floor(this.#random() * 6) + 1;
    const statements = Array.from({ length: many }, () => this.#statement());
    await connection.query('BEGIN');
    for (const statement of statements)
      await connection.query(statement).catch((e: { code?: string }) => {
        // The column is there, or is not.
        if (!['ER_DUP_FIELDNAME', 'ER_CANT_DROP_FIELD_OR_KEY'].includes(e.code ?? '')) throw e;
      });
    await connection.query(this.#random() < 0.1 ? 'ROLLBACK' : 'COMMIT');
  }

  #statement(): string {
    const random = this.#random;
    const id = Math.floor(random() * 2000) + 1;
    const other = Math.floor(random() * 2000) + 1;
    const kinds: [weight: number, kind: string, statement: string][] = [
      [
        30,
        'insert',
        `INSERT INTO orders (${COLUMNS}) VALUES (${id}, 'Köln', ${other / 100}, NOW(6), 'a "${other}",\\n') ON DUPLICATE KEY UPDATE amount = amount + 1`,
      ],
      [10, 'items', `INSERT IGNORE INTO items VALUES (${id}, ${other % 3}, 'Müsli', ${other})`],
      [20, 'update', `UPDATE orders SET amount = ${other}, note = NULL WHERE order_id = ${id}`],
      [15, 'delete', `DELETE FROM orders WHERE order_id BETWEEN ${id} AND ${id + 3}`],
      [15, 'key', `UPDATE IGNORE orders SET order_id = ${other} WHERE order_id = ${id}`],
      [5, 'many', `UPDATE items SET quantity = quantity + 1 WHERE order_id % 7 = ${id % 7}`],
      [
        1,
        'bulk',
        `INSERT IGNORE INTO orders (${COLUMNS}) SELECT seq, 'bulk', seq, NULL, REPEAT('x', 300) FROM (${this.#server.numbers(1, 2000)}) s`,
      ],
      [0.4, 'truncate', `TRUNCATE ${random() < 0.5 ? 'orders' : 'items'}`],
      [0.3, 'add column', 'ALTER TABLE orders ADD COLUMN extra INT DEFAULT 3 FIRST'],
      [0.3, 'drop column', 'ALTER TABLE orders DROP COLUMN extra'],
      [0.3, 'modify', `ALTER TABLE orders MODIFY store VARCHAR(${40 + (id % 50)})`],
      [0.3, 'rotate', 'FLUSH BINARY LOGS'],
    ];
    let at = random() * kinds.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, kind, statement] of kinds) {
      at -= weight;
      if (at >= 0) continue;
      this.did.set(kind, (this.did.get(kind) ?? 0) + 1);
      return statement;
    }
    return 'DO 1';
  }
}

for (const { kind, skip, start, kills: least } of SERVERS) {
  const KILLS = Number(process.env['KILLS'] ?? least);
  it(`${kind}: captured tables are equal to the source after ${KILLS} kills (SEED=${SEED})`, {
    skip,
    timeout: 3_600_000,
  }, async (t) => {
    const random = randomBy(SEED);
    const server = await start({ tls: false });
    t.after(() => server.stop());
    await server.admin(...SCHEMA);
    const dir = await captureProject(t, server);
    const shop = new Shop(server, randomBy(SEED + 1));
    let up: Up = startUp(t, dir);
    await up.ready;
    shop.start();
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
    await shop.stop();
    for (let i = 0; i < PATIENCE; i++)
      await until('the tables are the same', async () => (await differences(server, query)).length === 0).catch(
        () => undefined,
      );
    await assertSame(server, query);
    t.diagnostic(
      `${shop.transactions} transactions: ${JSON.stringify(Object.fromEntries(shop.did))}; killed ${JSON.stringify(killed)}`,
    );
    const [[rows]] = (await query('SELECT count(*)::INT FROM orders')) as [[number]];
    assert.ok(shop.transactions > KILLS * 10, `only ${shop.transactions} transactions`);
    assert.ok(rows >= 0);
    const [[balanced]] = (await query('SELECT bool_and(balanced) FROM granary.books')) as [[boolean]];
    assert.equal(balanced, true);
    assert.equal(await up.stop(), 0);
  });
}
