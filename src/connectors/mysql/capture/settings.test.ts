/** Settings of the server under which changes would be missed without a word. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type MariaDbServer, mariaDbMissing, startMariaDb } from '../../../../test/servers/mariadb.ts';
import { Replica } from '../../../../test/support/capturing.ts';
import type { ExtractSource } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { datasetFor, opened, refused, selected, settingsOf } from './testing.ts';

type Use = (server: MariaDbServer, source: ExtractSource<SqlRead>) => Promise<void>;

const under = (name: string, settings: string[], use: Use) =>
  it(name, { skip: mariaDbMissing(), timeout: 300_000 }, async () => {
    const server = await startMariaDb({ tls: false, settings });
    try {
      await server.admin('CREATE TABLE Orders (id INT PRIMARY KEY, v INT)', 'INSERT INTO Orders VALUES (1, 1)');
      const source = await opened(settingsOf(server));
      await use(server, source);
      await source.close();
    } finally {
      await server.stop();
    }
  });

under(
  'where case does not matter in names, a table is followed however it is written',
  ['--lower-case-table-names=1'],
  async (server, source) => {
    const replica = new Replica<SqlRead>(() => source, [await datasetFor(source, 'ORDERS')]);
    await replica.catchUp();
    await server.admin('UPDATE Orders SET v = 2');
    await replica.catchUp();
    assert.deepEqual(replica.rows('ORDERS'), [{ id: '1', v: '2' }]);
    await server.admin('ALTER TABLE oRDERS MODIFY v BIGINT', 'UPDATE orders SET v = 3000000000');
    await replica.catchUp();
    assert.deepEqual(replica.rows('ORDERS'), await selected(source, replica.datasets[0]!));
  },
);

under('a database that is kept out of the log is refused', ['--binlog-ignore-db=shop'], async (_, source) => {
  const replica = new Replica<SqlRead>(() => source, [await datasetFor(source, 'Orders')]);
  await assert.rejects(replica.catchUp(), refused('connector.unsupported', /keeps shop out of its binary log/));
});

under('so is one that is not among those in the log', ['--binlog-do-db=other'], async (_, source) => {
  const replica = new Replica<SqlRead>(() => source, [await datasetFor(source, 'Orders')]);
  await assert.rejects(replica.catchUp(), refused('connector.unsupported', /binlog_do_db/));
});

under(
  'a node of a cluster whose log has only what was written to itself is refused',
  ['--wsrep-on=ON'],
  async (_, source) => {
    const replica = new Replica<SqlRead>(() => source, [await datasetFor(source, 'Orders')]);
    await assert.rejects(replica.catchUp(), refused('connector.unsupported', /Galera.*log_slave_updates = ON/));
  },
);

under('rows that come and go with a partition of another table are read anew', [], async (server, source) => {
  const replica = new Replica<SqlRead>(() => source, [await datasetFor(source, 'Orders')]);
  await replica.catchUp();
  await server.admin(
    'CREATE TABLE old (id INT PRIMARY KEY, v INT) PARTITION BY RANGE (id) (PARTITION p VALUES LESS THAN (100))',
    'INSERT INTO old VALUES (50, 50)',
    'ALTER TABLE old EXCHANGE PARTITION p WITH TABLE Orders',
  );
  await replica.catchUp();
  assert.deepEqual(replica.rows('Orders'), [{ id: '50', v: '50' }]);
});
