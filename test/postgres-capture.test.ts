/** Changes of a PostgreSQL server, the whole way: captured, loaded, merged, and kept as history. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { findDeadLetters } from '../src/runtime/dead-letters.ts';
import { statusOf } from '../src/runtime/status.ts';
import { postgresMissing } from './servers/postgres.ts';
import { assertSame, BODY, captureProject, differences, sourceYaml, startShop } from './support/postgres-capture.ts';
import { rowsOf, runProject, writeFiles } from './support/projects.ts';
import { ask, startUp, until } from './support/up-owner.ts';

const skip = postgresMissing();
const test = (name: string, run: (t: TestContext) => Promise<void>) => it(name, { skip, timeout: 300_000 }, run);

const HISTORY = `  history:
    read: { changes: orders, key: [order_id], history: true }
    columns: { order_id: bigint, store: text, amount: 'decimal(12,2)' }
`;
const LOG = `  log:
    read: { changes: public.items, key: [order_id, line] }
    columns: { order_id: bigint, operation: { type: text, from: _op } }
    load: { strategy: append }
`;

async function shop(t: TestContext) {
  const server = await startShop(t);
  const sql = (statements: string) => server.admin(`SET ROLE granary; ${statements}`);
  await sql(`INSERT INTO orders SELECT i, 'Köln ' || i, i / 100.0, '2026-01-01'::timestamp + i * interval '1 us', NULL, ARRAY[i, NULL], ${BODY('a')} || i
      FROM generate_series(1, 2000) i;
    INSERT INTO items SELECT i, 1, 'Müsli', i FROM generate_series(1, 100) i`);
  return { server, sql };
}

const CHANGES = `UPDATE orders SET amount = amount + 1, note = E'a "note", with\\nlines' WHERE order_id % 50 = 0;
  DELETE FROM orders WHERE order_id % 77 = 0;
  INSERT INTO orders VALUES (9001, '', 0, NULL, '', '{}', ''), (9002, NULL, NULL, '2026-05-05 05:05:05.5', E'\\\\N', NULL, NULL);
  UPDATE orders SET order_id = order_id + 5000 WHERE order_id <= 3;
  UPDATE items SET order_id = order_id + 1000 WHERE order_id <= 3;
  DELETE FROM items WHERE order_id = 50`;

test('tables are read whole and then followed: inserts, updates, deletes, changed keys, truncates, large values', async (t) => {
  const { server, sql } = await shop(t);
  const dir = await captureProject(t, server, LOG);
  await runProject(dir, async (runtime) => assertSame(server, (query) => rowsOf(runtime, query)));
  await sql(CHANGES);
  const { doc } = await runProject(dir, async (runtime) => {
    await assertSame(server, (query) => rowsOf(runtime, query));
    assert.deepEqual(await rowsOf(runtime, 'SELECT operation, count(*)::INT FROM log GROUP BY ALL ORDER BY ALL'), [
      ['delete', 4],
      ['insert', 3],
      ['read', 100],
    ]);
  });
  assert.equal(doc.status, 'succeeded');
  await sql(
    "TRUNCATE items; INSERT INTO items VALUES (1, 1, 'Tee', 2); UPDATE orders SET store = NULL WHERE order_id % 3 = 0",
  );
  await runProject(dir, async (runtime) => {
    await assertSame(server, (query) => rowsOf(runtime, query));
    const [books] = await rowsOf(runtime, 'SELECT bool_and(balanced), sum(rejected)::INT FROM granary.books');
    assert.deepEqual(books, [true, 0], 'deleted rows have no product, and are not held to have one');
  });
});

test('a history keeps every state with its times', async (t) => {
  const { server, sql } = await shop(t);
  await sql('ALTER TABLE orders REPLICA IDENTITY FULL');
  const dir = await captureProject(t, server, HISTORY);
  await runProject(dir);
  for (const statement of [
    'UPDATE orders SET amount = -5 WHERE order_id = 7',
    'UPDATE orders SET amount = -6 WHERE order_id = 7',
    'DELETE FROM orders WHERE order_id = 8',
  ])
    await sql(statement);
  await runProject(dir, async (runtime) => {
    await assertSame(server, (query) => rowsOf(runtime, query));
    const history = (id: number) =>
      rowsOf(
        runtime,
        `SELECT amount::VARCHAR, _is_current, _valid_to IS NULL FROM history WHERE order_id = ${id} ORDER BY _valid_from`,
      );
    assert.deepEqual(await history(7), [
      ['0.07', false, false],
      ['-5.00', false, false],
      ['-6.00', true, true],
    ]);
    assert.deepEqual(await history(8), [['0.08', false, false]]);
    const [gaps] = await rowsOf(
      runtime,
      `SELECT count(*)::INT FROM history a WHERE order_id = 7 AND NOT _is_current
         AND NOT EXISTS (FROM history b WHERE b.order_id = 7 AND b._valid_from = a._valid_to)`,
    );
    assert.deepEqual(gaps, [0]);
  });
});

test('a table that cannot be captured holds up no other: the run fails and says why, and the next ones mend it', async (t) => {
  const { server, sql } = await shop(t);
  const dir = await captureProject(t, server);
  await runProject(dir);
  await sql("ALTER TABLE items DROP CONSTRAINT items_pkey; UPDATE orders SET store = 'while' WHERE order_id < 10");
  const { doc } = await runProject(dir, async (runtime) => {
    const while_ = await rowsOf(runtime, "SELECT count(*)::INT FROM orders WHERE store = 'while'");
    assert.deepEqual(while_, [[9]]);
    const [letter, ...others] = await findDeadLetters({}, runtime.context);
    assert.deepEqual([letter!.dataset, letter!.name, others.length], ['main/shop/items', 'items', 0]);
    assert.match(
      `${letter!.reason} ${letter!.hint}`,
      /items, of items, has no primary key.* ALTER TABLE .* REPLICA IDENTITY FULL;/,
    );
    assert.deepEqual((await statusOf(runtime.context, '')).deadLetters.open, 1);
  });
  assert.equal(doc.status, 'failed');
  assert.match(doc.errors[0]!.message, /has no primary key/);
  await sql('UPDATE orders SET amount = 1 WHERE order_id = 20');
  assert.equal((await runProject(dir)).doc.status, 'succeeded', 'it is told once');
  await sql(
    "DELETE FROM items WHERE line = 7; ALTER TABLE items ADD PRIMARY KEY (order_id, line); UPDATE items SET product = 'Tee'",
  );
  await runProject(dir, async (runtime) => {
    await assertSame(server, (query) => rowsOf(runtime, query));
    assert.deepEqual(await findDeadLetters({}, runtime.context), []);
  });
});

test('granary up follows by itself; a dataset that is added later is taken in', async (t) => {
  const { server, sql } = await shop(t);
  const dir = await captureProject(t, server);
  const first = startUp(t, dir);
  await first.ready;
  const equal = () =>
    until('the tables are the same', async () => (await differences(server, (query) => ask(dir, query))).length === 0);
  await equal();
  await sql(CHANGES);
  await equal();
  await sql("TRUNCATE orders; INSERT INTO orders VALUES (1, 'again')");
  await equal();
  await first.stop();
  await writeFiles(dir, { 'sources/shop.yaml': sourceYaml(server, LOG) });
  await sql("INSERT INTO items VALUES (7777, 1, 'Tee')");
  const second = startUp(t, dir);
  await second.ready;
  const [[there]] = (await server.admin('SELECT count(*)::int AS n FROM items')).map((r) => [r['n']]) as [[number]];
  await until('the log is there', async () => (await ask(dir, 'SELECT 1 FROM log'))?.length === there);
  await equal();
  assert.equal(await second.stop(), 0);
});
