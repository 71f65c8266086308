/** Changes of a real server. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../../test/servers/postgres.ts';
import { ChangesFeed, type Datasets } from './testing.ts';

const ORDERS: Datasets = {
  orders: {
    read: { changes: 'orders', key: ['id'] },
    columns: { id: 'bigint', name: 'text', amount: 'decimal(12,2)' },
  },
};

describe('changes of PostgreSQL tables', { skip: postgresMissing(), timeout: 300_000 }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
    await server.admin(
      'ALTER ROLE granary REPLICATION; ALTER SCHEMA public OWNER TO granary; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO granary',
    );
  });
  after(() => server?.stop());
  const as = (sql: string) => server.admin(`SET ROLE granary; ${sql}`);

  test('all rows come first, then every change, and the tables are equal', async () => {
    await as(`CREATE TABLE orders (id bigint PRIMARY KEY, name text, amount numeric(12,2));
      INSERT INTO orders VALUES (1, 'a "quoted", text', 1.50), (2, '', NULL), (3, E'two\\nlines', -1)`);
    await using feed = await ChangesFeed.open(server, ORDERS);
    const first = await feed.once();
    assert.deepEqual(
      first.objects.map((o) => [o.complete, o.rows.length]),
      [[true, 3]],
    );
    assert.ok(first.more);
    await as(`UPDATE orders SET amount = 7 WHERE id = 1; DELETE FROM orders WHERE id = 2;
      INSERT INTO orders VALUES (4, E'\\\\N', 0.10); UPDATE orders SET id = 30 WHERE id = 3`);
    const objects = await feed.all();
    assert.deepEqual(
      objects.flatMap((o) => o.rows.map((r) => [r['_op'], r['id'], r['_deleted']])),
      [
        ['update', '1', 'false'],
        ['delete', '2', 'true'],
        ['insert', '4', 'false'],
        ['delete', '3', 'true'],
        ['insert', '30', 'false'],
      ],
    );
    assert.deepEqual(feed.rows('orders'), [
      { id: '1', name: 'a "quoted", text', amount: '7.00' },
      { id: '30', name: 'two\nlines', amount: '-1.00' },
      { id: '4', name: '\\N', amount: '0.10' },
    ]);
    assert.deepEqual(feed.warnings, []);
  });
});
