/** Databases as sources, the whole way: a real MariaDB, real runs, tables and books. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { FEEDS } from '../src/model/feeds.ts';
import { openRuntime, type Runtime } from '../src/runtime/runtime.ts';
import { type MariaDbServer, mariaDbMissing, startMariaDb } from './servers/mariadb.ts';
import { makeProject, rowsOf, runProject, writeFiles } from './support/projects.ts';

const skip = mariaDbMissing();
const test = (name: string, run: (t: TestContext) => Promise<void>) => it(name, { skip, timeout: 300_000 }, run);

const SCHEMA = `CREATE TABLE orders(
  order_id BIGINT PRIMARY KEY AUTO_INCREMENT, store VARCHAR(20) CHARACTER SET latin1, amount DECIMAL(12,2), note TEXT,
  deleted TINYINT NOT NULL DEFAULT 0, updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), KEY(updated_at))`;
const ORDERS = `read: { table: orders, key: [order_id], watermark: [updated_at], lookback: 1 min, deleted: deleted = 1, reconcile: every 1 s, sums: [amount] }
    columns: { order_id: bigint, store: { type: text, required: true }, amount: 'decimal(12,2)', note: text, updated_at: timestamp }
    keep: store <> 'TEST'
    rules: [{ expression: amount >= 0 }]`;

const sourceOf = ({ host, port, user, password, database }: MariaDbServer, datasets: string) => `connector:
  { type: mysql, host: ${host}, port: ${port}, user: ${user}, password: ${JSON.stringify(password)}, database: ${database}, tls: 'off' }
datasets:
${datasets}`;

async function shop(t: TestContext, datasets = `  orders:\n    ${ORDERS}\n`) {
  const server = await startMariaDb({ tls: false });
  t.after(() => server.stop());
  const sql = (...statements: string[]) => server.admin(`USE ${server.database}`, ...statements);
  await sql(SCHEMA);
  const dir = await makeProject(t, { 'sources/shop.yaml': sourceOf(server, datasets) });
  return { server, sql, dir };
}

const orders = (runtime: Runtime) =>
  rowsOf(runtime, 'SELECT order_id, store, amount::VARCHAR, note FROM orders ORDER BY order_id');

async function books(runtime: Runtime) {
  const [row] = await rowsOf(
    runtime,
    `SELECT sum(received)::INT, sum(loaded + filtered + deduplicated + rejected)::INT, sum(rejected)::INT, bool_and(balanced)
     FROM granary.books WHERE active`,
  );
  return row!;
}

test('a table comes whole, then what has changed; deleted rows leave, and the books balance with the server’s counts', async (t) => {
  const { sql, dir } = await shop(t);
  await sql(
    `INSERT INTO orders(store, amount, note) VALUES('Köln', 12.34, 'a "quoted", text'), ('Bremen', 0.10, ''), ('Kiel', -1, NULL), ('Ulm', 5, 'four\\nlines')`,
  );
  await runProject(dir, async (runtime) => {
    assert.deepEqual(await orders(runtime), [
      [1, 'Köln', '12.34', 'a "quoted", text'],
      [2, 'Bremen', '0.10', ''],
      [4, 'Ulm', '5.00', 'four\nlines'],
    ]);
    assert.deepEqual(await books(runtime), [4, 4, 1, true]);
    const [declared] = await rowsOf(runtime, 'SELECT declared_rows::INT FROM granary.books');
    assert.deepEqual(declared, [4]);
  });
  await sql(
    `UPDATE orders SET amount = 99.99 WHERE order_id = 2`,
    `UPDATE orders SET deleted = 1 WHERE order_id = 4`,
    `INSERT INTO orders(store, amount) VALUES('Jena', 7)`,
    `DELETE FROM orders WHERE order_id = 1`,
  );
  await runProject(dir, async (runtime) => {
    const rows = await orders(runtime);
    assert.deepEqual(rows.slice(-2), [
      [2, 'Bremen', '99.99', ''],
      [5, 'Jena', '7.00', null],
    ]);
    assert.equal((await books(runtime)).at(-1), true);
  });
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await runProject(dir, async (runtime) => {
    assert.deepEqual(
      (await orders(runtime)).map(([id]) => id),
      [2, 5],
      'the key that is gone at the source is found by the comparison',
    );
    const feed = await runtime.context.state.get(FEEDS, 'main/shop|orders');
    assert.equal(feed!.current, null);
    assert.notEqual(feed!.reconciledAt, null);
  });
});

test('what is read again gives the same objects and rows: nothing new is nothing new', async (t) => {
  const { sql, dir } = await shop(t, `  orders:\n    ${ORDERS.replace('1 min', '1 h')}\n`);
  await sql(`INSERT INTO orders(store, amount) SELECT CONCAT('s', seq), seq FROM seq_1_to_5000`);
  await runProject(dir);
  const { doc } = await runProject(dir, async (runtime) => {
    assert.deepEqual(await rowsOf(runtime, 'SELECT count(*)::INT, sum(amount)::VARCHAR FROM orders'), [
      [5000, '12502500.00'],
    ]);
  });
  assert.equal(doc.status, 'succeeded');
  assert.equal(doc.totals.rejected, 0);
  await sql(`INSERT INTO orders(store, amount) VALUES('Jena', 7), ('Gera', 8)`);
  await runProject(dir, async (runtime) => {
    const last =
      'SELECT inserted::INT, replaced::INT, table_rows::INT FROM granary.loads ORDER BY load_seq DESC LIMIT 1';
    assert.deepEqual(await rowsOf(runtime, last), [[5002, 5000, 5002]], 'what was read again made way for itself');
  });
});

test('a table without a watermark replaces what was there, also when it has become empty', async (t) => {
  const { sql, dir } = await shop(
    t,
    `  orders:\n    read: orders\n    columns: { order_id: bigint, store: text, amount: 'decimal(12,2)', note: text }\n`,
  );
  await sql(`INSERT INTO orders(store, amount) VALUES('Köln', 1), ('Ulm', 2)`);
  await runProject(dir, async (runtime) => assert.equal((await orders(runtime)).length, 2));
  await sql('DELETE FROM orders WHERE order_id = 1');
  await runProject(dir, async (runtime) => assert.deepEqual(await orders(runtime), [[2, 'Ulm', '2.00', null]]));
  await sql('DELETE FROM orders');
  await runProject(dir, async (runtime) => assert.deepEqual(await orders(runtime), []));
});

test('a table that is not there is a dead letter that names it, and holds up no other', async (t) => {
  const { sql, dir } = await shop(
    t,
    `  orders:\n    ${ORDERS}\n  gone:\n    read: ordres\n    columns: { order_id: bigint }\n`,
  );
  await sql(`INSERT INTO orders(store, amount) VALUES('Köln', 1)`);
  const { doc } = await runProject(dir, async (runtime) => assert.equal((await orders(runtime)).length, 1));
  assert.equal(doc.status, 'failed');
  assert.match(doc.errors[0]!.message, /ordres/);
  assert.match(`${doc.errors[0]!.message} ${doc.errors[0]!.hint}`, /orders/);
  await sql('CREATE TABLE ordres(order_id BIGINT PRIMARY KEY)');
  assert.equal((await runProject(dir)).doc.status, 'succeeded');
});

test('a source of tables without a schedule is warned of, and with one it is not', async (t) => {
  const { server, dir } = await shop(t);
  const warnings = async () => {
    const runtime = await openRuntime({ dir, command: 'test' });
    await runtime.close();
    return runtime.warnings.map((w) => w.message);
  };
  assert.match((await warnings()).join(), /nothing starts this source/);
  await writeFiles(dir, {
    'sources/shop.yaml': `schedule: every 15 min\n${sourceOf(server, `  orders:\n    ${ORDERS}\n`)}`,
  });
  assert.doesNotMatch((await warnings()).join(), /nothing starts/);
});
