/** Changes of MariaDB and MySQL servers, the whole way: captured, loaded, merged, and kept as history. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import type { MysqlServer } from './servers/mysql-family.ts';
import { assertSame, captureProject, differences, SCHEMA, SERVERS, sourceYaml } from './support/mysql-capture.ts';
import { rowsOf, runProject, writeFiles } from './support/projects.ts';
import { ask, startUp, until } from './support/up-owner.ts';

type Start = (typeof SERVERS)[number]['start'];
const test = (name: string, run: (t: TestContext, start: Start) => Promise<void>) => {
  for (const { kind, skip, start } of SERVERS) it(`${kind}: ${name}`, { skip, timeout: 300_000 }, (t) => run(t, start));
};

const HISTORY = `  history:
    read: { changes: orders, key: [order_id], history: true }
    columns: { order_id: bigint, store: text, amount: 'decimal(12,2)' }
  wanted:
    read: { changes: orders, key: [order_id] }
    columns: { order_id: bigint, amount: 'decimal(12,2)' }
    keep: amount < 40
  log:
    read: { changes: orders, key: [order_id] }
    columns: { order_id: bigint, operation: { type: text, from: _op } }
    load: { strategy: append }
`;

async function shop(
  t: TestContext,
  start: Start,
): Promise<{ server: MysqlServer; sql: (...s: string[]) => Promise<unknown> }> {
  const server = await start({ tls: false });
  t.after(() => server.stop());
  await server.admin(
    ...SCHEMA,
    `INSERT INTO orders SELECT seq, CONCAT('Köln ', seq), seq / 100, '2026-01-01' + INTERVAL seq MICROSECOND, NULL FROM (${server.numbers(1, 5000)}) s`,
    `INSERT INTO items SELECT seq, 1, 'Müsli', seq FROM (${server.numbers(1, 100)}) s`,
  );
  return { server, sql: (...statements) => server.admin(...statements) };
}

const CHANGES = [
  `UPDATE orders SET amount = amount + 1, note = 'a "note", with\\nlines' WHERE order_id % 50 = 0`,
  'DELETE FROM orders WHERE order_id % 77 = 0',
  `INSERT INTO orders VALUES (9001, '', 0, NULL, ''), (9002, NULL, NULL, '2026-05-05 05:05:05.5', '\\\\N')`,
  'UPDATE items SET order_id = order_id + 1000 WHERE order_id <= 3',
];

test('tables are read whole and then followed: inserts, updates, deletes, changed keys, truncates; history keeps every state', async (t, start) => {
  const { server, sql } = await shop(t, start);
  const dir = await captureProject(t, server, HISTORY);
  await runProject(dir, async (runtime) => assertSame(server, (query) => rowsOf(runtime, query)));
  await sql(...CHANGES);
  const { doc } = await runProject(dir, async (runtime) => {
    await assertSame(server, (query) => rowsOf(runtime, query));
    const wanted = 'SELECT order_id, amount FROM orders WHERE amount < 40 ORDER BY order_id';
    const here = await rowsOf(
      runtime,
      wanted.replace('orders', 'wanted').replace('amount FROM', 'amount::VARCHAR FROM'),
    );
    // Every fiftieth has become dearer by one; some of those are not wanted any more.
    assert.deepEqual(
      here.map(([id, amount]) => ({ order_id: String(id), amount })),
      await server.admin(wanted),
    );
    assert.deepEqual(await rowsOf(runtime, 'SELECT operation, count(*)::INT FROM log GROUP BY ALL ORDER BY ALL'), [
      ['delete', 64],
      ['insert', 2],
      ['read', 5000],
      ['update', 100],
    ]);
  });
  assert.equal(doc.status, 'succeeded');
  await new Promise((r) => setTimeout(r, 1100));
  await sql(
    'UPDATE orders SET amount = -5 WHERE order_id = 9001',
    'TRUNCATE items',
    `INSERT INTO items VALUES (1, 1, 'Tee', 2)`,
  );
  await runProject(dir, async (runtime) => {
    await assertSame(server, (query) => rowsOf(runtime, query));
    assert.deepEqual(
      await rowsOf(
        runtime,
        'SELECT amount::VARCHAR, _is_current FROM history WHERE order_id = 9001 ORDER BY _valid_from',
      ),
      [
        ['0.00', false],
        ['-5.00', true],
      ],
    );
    const [gone] = await rowsOf(
      runtime,
      'SELECT count(*)::INT, count(_valid_to)::INT FROM history WHERE order_id = 77',
    );
    assert.deepEqual(gone, [1, 1]);
    const [books] = await rowsOf(runtime, 'SELECT bool_and(balanced), sum(rejected)::INT FROM granary.books');
    assert.deepEqual(books, [true, 0]);
  });
});

test('granary up follows by itself; a dataset that is added later is taken in', async (t, start) => {
  const { server, sql } = await shop(t, start);
  const dir = await captureProject(t, server);
  const first = startUp(t, dir);
  await first.ready;
  const equal = () =>
    until('the tables are the same', async () => (await differences(server, (query) => ask(dir, query))).length === 0);
  await equal();
  await sql(...CHANGES);
  await equal();
  await sql('TRUNCATE orders', `INSERT INTO orders VALUES (1, 'again', 1, NULL, NULL)`);
  await equal();
  await first.stop();
  await writeFiles(dir, { 'sources/shop.yaml': sourceYaml(server, HISTORY) });
  await sql('INSERT INTO orders VALUES (2, NULL, 2, NULL, NULL)');
  const second = startUp(t, dir);
  await second.ready;
  await until('history is there', async () => (await ask(dir, 'SELECT 1 FROM history'))?.length === 2);
  await equal();
  assert.equal(await second.stop(), 0);
});
