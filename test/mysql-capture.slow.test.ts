/**
 * Captured tables while Granary, its workers and the database server are killed at random points: equal to the source at the end.
 * `KILLS` is how often (10 with MariaDB, 8 with MySQL), `SEED` what is random.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import type { MysqlServer } from './servers/mysql-family.ts';
import { killAtRandom, randomBy, settle, Writer } from './support/capture-kills.ts';
import { assertSame, captureProject, differences, SCHEMA, SERVERS } from './support/mysql-capture.ts';
import { ask, startUp } from './support/up-owner.ts';

const LEAST = { MariaDB: 10, MySQL: 8 };
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const COLUMNS = 'order_id, store, amount, placed, note';

class Shop extends Writer<Connection> {
  readonly #server: MysqlServer;

  constructor(server: MysqlServer, random: () => number) {
    super(random);
    this.#server = server;
  }

  protected connect(): Promise<Connection> {
    return this.#server.connect(this.#server.database);
  }

  protected async close(connection: Connection): Promise<void> {
    connection.destroy();
  }

  protected async transaction(connection: Connection): Promise<void> {
    const many = Math.floor(this.random() * 6) + 1;
    const statements = Array.from({ length: many }, () => this.#statement());
    await connection.query('BEGIN');
    for (const statement of statements)
      await connection.query(statement).catch((e: { code?: string }) => {
        // The column is there, or is not.
        if (!['ER_DUP_FIELDNAME', 'ER_CANT_DROP_FIELD_OR_KEY'].includes(e.code ?? '')) throw e;
      });
    await connection.query(this.random() < 0.1 ? 'ROLLBACK' : 'COMMIT');
  }

  #statement(): string {
    const random = this.random;
    const id = Math.floor(random() * 2000) + 1;
    const other = Math.floor(random() * 2000) + 1;
    return this.pick([
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
    ]);
  }
}

for (const { kind, skip, start } of SERVERS) {
  const KILLS = Number(process.env['KILLS'] ?? LEAST[kind]);
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
    const started = startUp(t, dir);
    await started.ready;
    shop.start();
    const { up, killed } = await killAtRandom(t, started, dir, server, KILLS, random);
    await shop.stop();
    const query = (sql: string) => ask(dir, sql);
    await settle(() => differences(server, query));
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
