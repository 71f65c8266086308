/** Captured tables stay equal to those of the server, whatever happens to either. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { startCuttingProxy } from '../../../../test/servers/cutting-proxy.ts';
import { type MariaDbServer, mariaDbMissing, startMariaDb } from '../../../../test/servers/mariadb.ts';
import { captureOnce, Replica, type Row } from '../../../../test/support/capturing.ts';
import type { GranaryError } from '../../../lib/errors.ts';
import type { ExtractDataset, ExtractSource } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { datasetFor, opened, selected, settingsOf } from './testing.ts';

/** Without a thousand rows in the message. */
function equalRows(actual: Row[], expected: Row[], table: string): void {
  const text = (row: Row) => JSON.stringify(row);
  const [here, there] = [new Set(actual.map(text)), new Set(expected.map(text))];
  const more = [...here].filter((row) => !there.has(row));
  const fewer = [...there].filter((row) => !here.has(row));
  assert.deepEqual({ more: more.slice(0, 3), fewer: fewer.slice(0, 3) }, { more: [], fewer: [] }, table);
  assert.equal(actual.length, expected.length, table);
}

describe('incidents of capturing', { skip: mariaDbMissing(), timeout: 600_000 }, () => {
  let server: MariaDbServer;
  let db: Connection;
  let source: ExtractSource<SqlRead>;
  let tables = 0;
  const run = async (...statements: string[]) => {
    for (const statement of statements) await db.query(statement);
  };
  const connect = async () => {
    db = await server.connect(server.database);
    source = await opened(settingsOf(server));
  };
  /** A table of its own with three rows, captured. */
  const captured = async (options = '') => {
    const name = `t${++tables}`;
    await run(
      `CREATE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(2000), n DECIMAL(10,2)) ${options}`,
      `INSERT INTO ${name} VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3)`,
    );
    const replica = new Replica<SqlRead>(() => source, [await datasetFor(source, name)]);
    await same(replica);
    return { name, replica };
  };
  const same = async (replica: Replica<SqlRead>) => {
    const objects = await replica.catchUp();
    for (const dataset of replica.datasets)
      equalRows(replica.rows(dataset.name), await selected(source, dataset), dataset.name);
    return objects;
  };
  const refused = (code: string, words: RegExp) => (e: GranaryError) => {
    assert.equal(e.code, code, e.message);
    assert.match(`${e.message} ${e.hint}`, words);
    return true;
  };

  before(async () => {
    server = await startMariaDb({ settings: ['--log-slave-updates=ON'] });
    await connect();
  });
  after(async () => {
    await source?.close();
    await db?.end();
    await server?.stop();
  });

  it('lands a change that changes the key as the end of one row and the beginning of another', async () => {
    const { name, replica } = await captured();
    await run(
      `UPDATE ${name} SET id = id + 10, v = 'moved' WHERE id = 2`,
      `UPDATE ${name} SET v = 'x' WHERE id = 1`,
      `DELETE FROM ${name} WHERE id = 3`,
    );
    await same(replica);
    assert.deepEqual(
      replica.log.slice(3).map((row) => [row['_op'], row['id'], row['v'], row['_deleted']]),
      [
        ['delete', '2', 'two', 'true'],
        ['insert', '12', 'moved', 'false'],
        ['update', '1', 'x', 'false'],
        ['delete', '3', 'three', 'true'],
      ],
    );
  });

  it('counts on and never turns back the time', async () => {
    const { name, replica } = await captured();
    await run(`SET timestamp = 1000000000`, `UPDATE ${name} SET v = 'early' WHERE id = 1`, 'SET timestamp = DEFAULT');
    await run(`UPDATE ${name} SET v = 'late' WHERE id = 1`);
    await same(replica);
    const positions = replica.log.map((row) => Number(row['_position']));
    assert.deepEqual(positions, [1, 1, 1, 2, 3]);
    const times = replica.log.map((row) => row['_changed_at']!);
    assert.deepEqual(times, [...times].sort());
    assert.match(times[0]!, /^20[2-9]\d-\d\d-\d\d \d\d:\d\d:\d\d$/);
  });

  it('says whether there is anything new, at little cost, and how far it is behind', async () => {
    const { name, replica } = await captured();
    const { datasets } = replica;
    assert.equal(await source.hasNew!('changes', datasets, undefined), true);
    assert.equal(await source.hasNew!('changes', datasets, replica.position), false);
    assert.deepEqual(await source.lag!('changes', datasets, replica.position), { seconds: 0, bytes: 0 });
    await run(`INSERT INTO ${name} VALUES (4, 'four', 4)`);
    assert.equal(await source.hasNew!('changes', datasets, replica.position), true);
    const lag = await source.lag!('changes', datasets, replica.position);
    assert.ok(lag.bytes! > 0 && lag.bytes! < 2000, String(lag.bytes));
    assert.ok(lag.seconds! >= 0);
    await same(replica);
    assert.equal(await source.hasNew!('changes', datasets, replica.position), false);
  });

  it('empties a table that is truncated, and keeps what comes after', async () => {
    const { name, replica } = await captured();
    await run(
      `INSERT INTO ${name} VALUES (4, 'four', 4)`,
      `TRUNCATE ${name}`,
      `INSERT INTO ${name} VALUES (1, 'again', 1)`,
    );
    const objects = await same(replica);
    assert.deepEqual(
      objects.map((o) => o.complete),
      [false, true, false],
    );
    await run(`TRUNCATE TABLE ${name}`);
    await same(replica);
    assert.deepEqual(replica.rows(name), []);
  });

  it('lands no transaction that was rolled back, and all of one that is large', async () => {
    const { name, replica } = await captured();
    await run('BEGIN', `INSERT INTO ${name} VALUES (7, 'never', 0)`, 'ROLLBACK');
    await run(
      `INSERT INTO ${name} VALUES (8, 'before', 0)`,
      'BEGIN',
      `INSERT INTO ${name} SELECT seq, REPEAT('x', 2000), seq FROM seq_100_to_20000`,
      `DELETE FROM ${name} WHERE id = 1`,
      'COMMIT',
      `UPDATE ${name} SET v = id`,
    );
    await same(replica);
    assert.equal(replica.rows(name).length, 3 + 19_901);
  });

  it('reads a table anew that was altered in columns of the contract, and others not', async () => {
    const { name, replica } = await captured();
    await run(
      `ALTER TABLE ${name} ADD INDEX (v), ADD COLUMN note INT DEFAULT 7`,
      `INSERT INTO ${name} VALUES (4, 'four', 4, 1)`,
    );
    assert.ok(!(await same(replica)).some((o) => o.complete));
    assert.match(replica.warnings.join(), /new columns that the contract does not have: note/);
    await run(
      `ALTER TABLE ${name} MODIFY n DECIMAL(10,1), MODIFY v VARCHAR(300) FIRST`,
      `INSERT INTO ${name} VALUES ('five', 5, 5.55, 1)`,
    );
    assert.ok((await same(replica)).some((o) => o.complete));
    await run(`ALTER TABLE ${name} DROP COLUMN v`, `UPDATE ${name} SET n = 0`);
    await replica.catchUp();
    assert.match(replica.warnings.join(), /has no v/);
    assert.deepEqual(
      replica.rows(name).map((r) => [r['id'], r['v'], r['n']]),
      [1, 2, 3, 4, 5].map((id) => [String(id), null, '0.0']),
    );
  });

  it('matches columns by their names where the table was another one at that place of the log', async () => {
    const { name, replica } = await captured();
    await run(
      `INSERT INTO ${name} VALUES (4, 'four', 4)`,
      `ALTER TABLE ${name} ADD COLUMN first INT DEFAULT 9 FIRST, MODIFY v VARCHAR(20) AFTER n`,
      `INSERT INTO ${name} (id, v, n) VALUES (5, 'five', 5)`,
    );
    await replica.catchUp();
    await same(replica);
  });

  it('reads a table anew that was made anew, renamed, or changed by statements', async () => {
    const { name, replica } = await captured();
    await run(
      `CREATE TABLE ${name}_new LIKE ${name}`,
      `INSERT INTO ${name}_new VALUES (9, 'new', 9)`,
      `RENAME TABLE ${name} TO ${name}_old, ${name}_new TO ${name}`,
    );
    await same(replica);
    await run(
      `CREATE OR REPLACE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(20), n DECIMAL(10,2)) SELECT 5 AS id, 'made' AS v, 1.5 AS n`,
    );
    await same(replica);
    await run(
      "SET SESSION binlog_format = 'STATEMENT'",
      `UPDATE ${name} SET v = 'by statement'`,
      "SET SESSION binlog_format = 'ROW'",
    );
    await same(replica);
    assert.match(replica.warnings.join(), /a statement was logged instead of its rows/);
    await run(
      "SET SESSION binlog_row_image = 'MINIMAL'",
      `UPDATE ${name} SET v = 'in part'`,
      "SET SESSION binlog_row_image = 'FULL'",
    );
    await same(replica);
    assert.match(replica.warnings.join(), /binlog_row_image/);
  });

  it('keeps the rows of a table that was dropped until it is back, and goes on with others', async () => {
    const { name, replica } = await captured();
    const other = await captured();
    replica.datasets = [...replica.datasets, ...other.replica.datasets];
    await replica.catchUp();
    await run(`DROP TABLE ${name}`, `INSERT INTO ${other.name} VALUES (4, 'four', 4)`);
    await replica.catchUp();
    assert.equal(replica.rows(name).length, 3);
    assert.equal(replica.rows(other.name).length, 4);
    assert.match(replica.warnings.join(), /There is no table/);
    assert.match((await source.lag!('changes', replica.datasets, replica.position)).problem ?? '', /dropped/);
    await run(
      `CREATE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(20), n DECIMAL(10,2))`,
      `INSERT INTO ${name} VALUES (8, 'back', 8)`,
    );
    await replica.catchUp({ now: Date.now() + 3_600_000 });
    await same(replica);
  });

  it('takes in a dataset that is added later, and one whose contract changes, beside the others', async () => {
    const { name, replica } = await captured();
    const other = await captured();
    await run(`INSERT INTO ${name} VALUES (4, 'four', 4)`);
    const [first] = replica.datasets as [ExtractDataset<SqlRead>];
    replica.datasets = [first, ...other.replica.datasets];
    const objects = await same(replica);
    assert.deepEqual(objects.map((o) => `${o.dataset} ${o.complete}`).sort(), [`${name} false`, `${other.name} true`]);
    replica.datasets = [{ ...first, columns: first.columns.filter((c) => c.from !== 'n') }, replica.datasets[1]!];
    assert.deepEqual(
      (await same(replica)).map((o) => [o.dataset, o.complete]),
      [[name, true]],
    );
  });

  it('is answered with tables read anew when the log was purged, or is another one', async () => {
    const { name, replica } = await captured();
    await run(
      'FLUSH BINARY LOGS',
      `DELETE FROM ${name} WHERE id = 1`,
      'FLUSH BINARY LOGS',
      `INSERT INTO ${name} VALUES (5, 'five', 5)`,
    );
    const [status] = await server.admin('SHOW MASTER STATUS');
    const logs = () => server.admin('SHOW BINARY LOGS');
    // The server keeps a log while its tables are not written to disk.
    while ((await logs()).length > 1) await run(`PURGE BINARY LOGS TO '${status!['File']}'`);
    const lag = await source.lag!('changes', replica.datasets, replica.position);
    assert.match(lag.problem ?? '', /purged/);
    await same(replica);
    assert.match(replica.warnings.join(), /has not got its log/);
    await run('RESET MASTER', `DELETE FROM ${name} WHERE id = 2`);
    await same(replica);
    await run(`INSERT INTO ${name} VALUES (6, 'six', 6)`);
    assert.ok(!(await same(replica)).some((o) => o.complete));
  });

  it('reads a table anew after a distributed transaction', async () => {
    const { name, replica } = await captured();
    await run("XA START 'a'", `INSERT INTO ${name} VALUES (4, 'four', 4)`, "XA END 'a'", "XA PREPARE 'a'");
    await replica.catchUp();
    assert.equal(replica.rows(name).length, 3);
    await run("XA COMMIT 'a'");
    await same(replica);
    await run(
      "XA START 'b'",
      `INSERT INTO ${name} VALUES (5, 'five', 5)`,
      "XA END 'b'",
      "XA PREPARE 'b'",
      "XA ROLLBACK 'b'",
    );
    assert.ok(!(await same(replica)).some((o) => o.complete));
  });

  it('goes on after the server was killed, and started again', async () => {
    const { name, replica } = await captured();
    await run(`INSERT INTO ${name} VALUES (4, 'four', 4)`);
    await source.close();
    db.destroy();
    await server.kill();
    await server.restart();
    await connect();
    await run(`INSERT INTO ${name} VALUES (5, 'five', 5)`);
    assert.ok(!(await same(replica)).some((o) => o.complete));
  });

  it('goes on at a replica by the transactions that it has', async () => {
    const { name, replica } = await captured();
    const second = await startMariaDb({ settings: ['--server-id=2', '--log-slave-updates=ON'] });
    const old = source;
    try {
      const [at] = await server.admin(
        "CREATE OR REPLACE USER 'replica'@'%' IDENTIFIED BY 'replica'",
        "GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%'",
        'SELECT @@gtid_binlog_pos AS gtid',
      );
      await second.admin(
        `CREATE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(2000), n DECIMAL(10,2))`,
        `INSERT INTO ${name} VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3)`,
        'RESET MASTER',
        `SET GLOBAL gtid_slave_pos = '${at!['gtid']}'`,
        `CHANGE MASTER TO master_host = '${server.host}', master_port = ${server.port}, master_user = 'replica', master_password = 'replica', master_use_gtid = slave_pos`,
        'START SLAVE',
      );
      await run(`UPDATE ${name} SET v = 'seen by both' WHERE id = 1`);
      await same(replica);
      await run(`DELETE FROM ${name} WHERE id = 2`, `INSERT INTO ${name} VALUES (4, 'four', 4)`);
      const [end] = await server.admin('SELECT @@gtid_binlog_pos AS gtid');
      await second.admin(`SELECT MASTER_GTID_WAIT('${end!['gtid']}', 60)`, 'STOP SLAVE', 'RESET SLAVE ALL');
      source = await opened(settingsOf(second));
      const objects = await same(replica);
      assert.deepEqual(
        objects.map((o) => o.complete),
        [false],
      );
      assert.deepEqual(
        replica.log.slice(-2).map((r) => r['_op']),
        ['delete', 'insert'],
      );
      await second.admin(`INSERT INTO ${name} VALUES (5, 'on the new primary', 5)`);
      assert.ok(!(await same(replica)).some((o) => o.complete));
    } finally {
      await source.close();
      source = old;
      await second.stop();
    }
  });

  it('says what has to be granted and set', async () => {
    const { replica } = await captured();
    await server.admin(
      "CREATE OR REPLACE USER 'reader'@'%' IDENTIFIED BY 'reader'",
      "GRANT SELECT ON shop.* TO 'reader'@'%'",
    );
    const reader = await opened({ ...settingsOf(server), user: 'reader', password: 'reader' });
    const asReader = new Replica<SqlRead>(() => reader, replica.datasets);
    await assert.rejects(
      asReader.catchUp(),
      refused('connector.denied', /GRANT REPLICATION SLAVE, BINLOG MONITOR ON \*\.\* TO 'reader'@'%'/),
    );
    await server.admin("GRANT BINLOG MONITOR ON *.* TO 'reader'@'%'");
    await reader.close();
    const again = await opened({ ...settingsOf(server), user: 'reader', password: 'reader' });
    await assert.rejects(
      new Replica<SqlRead>(() => again, replica.datasets).catchUp(),
      refused('connector.denied', /GRANT REPLICATION SLAVE/),
    );
    await again.close();
    for (const [name, wrong] of [
      ['binlog_row_image', 'MINIMAL'],
      ['binlog_row_metadata', 'NO_LOG'],
      ['binlog_format', 'MIXED'],
    ] as const) {
      const [before] = await server.admin(`SELECT @@GLOBAL.${name} AS value`);
      await server.admin(`SET GLOBAL ${name} = ${wrong}`);
      await assert.rejects(replica.catchUp(), refused('connector.unsupported', new RegExp(`SET GLOBAL ${name} = `)));
      await server.admin(`SET GLOBAL ${name} = ${before!['value']}`);
    }
    await same(replica);
    const without = await startMariaDb({ settings: ['--skip-log-bin'] });
    try {
      await without.admin('CREATE TABLE t (id INT PRIMARY KEY)');
      const bare = await opened(settingsOf(without));
      const dataset = await datasetFor(bare, 't');
      await assert.rejects(
        new Replica<SqlRead>(() => bare, [dataset]).catchUp(),
        refused('connector.unsupported', /log_bin = binlog/),
      );
      await bare.close();
    } finally {
      await without.stop();
    }
  });

  it('warns of rows that foreign keys change, and refuses views and tables with versions', async () => {
    const { name } = await captured();
    await run(
      `CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES ${name} (id) ON DELETE CASCADE)`,
      `CREATE VIEW seen AS SELECT * FROM ${name}`,
      'CREATE TABLE versioned (id INT PRIMARY KEY) WITH SYSTEM VERSIONING',
    );
    const child = new Replica<SqlRead>(() => source, [await datasetFor(source, 'child')]);
    await child.catchUp();
    assert.match(child.warnings.join(), /foreign keys change by themselves \(child_ibfk_1 to t\d+\)/);
    for (const table of ['seen', 'versioned'])
      await assert.rejects(
        new Replica<SqlRead>(() => source, [await datasetFor(source, table)]).catchUp(),
        refused('connector.unsupported', /cannot be captured/),
      );
  });

  it('reads over TLS', async () => {
    const { name, replica } = await captured();
    const encrypted = await opened({ ...settingsOf(server), tls: 'required', ca_file: server.certificate.certificate });
    const [dataset] = replica.datasets;
    await run(`INSERT INTO ${name} SELECT seq, REPEAT('x', 500), seq FROM seq_100_to_5000`);
    const { objects } = await captureOnce(encrypted, [dataset!], replica.position);
    assert.equal(objects[0]!.text.split('\n').length, 4901 + 2);
    await encrypted.close();
  });

  it('stops when it is told to, and notices a server that says nothing any more, or hangs up', async () => {
    const { name, replica } = await captured();
    const before = structuredClone(replica.position);
    await run(`INSERT INTO ${name} SELECT seq, REPEAT('x', 2000), seq FROM seq_100_to_10000`);
    const aborted = captureOnce(source, replica.datasets, before, { signal: AbortSignal.abort() });
    await assert.rejects(aborted, refused('cancelled', /stopped/));
    const proxy = await startCuttingProxy([server.port]);
    try {
      const through = () => opened({ ...settingsOf(server), host: proxy.host, silence: '1 s' });
      const cut = await through();
      await captureOnce(cut, replica.datasets, undefined);
      proxy.cutAfter(3_000_000);
      await assert.rejects(captureOnce(cut, replica.datasets, before), refused('connector.lost', /binary log/));
      await cut.close();
      const silent = await through();
      proxy.goSilent();
      await assert.rejects(captureOnce(silent, replica.datasets, before), refused('connector.lost', /says nothing/));
      await silent.close();
    } finally {
      await proxy.stop();
    }
    await same(replica);
  });

  it('warns of a key that does not tell rows apart, and of one that is not there', async () => {
    const { name } = await captured();
    const other = new Replica<SqlRead>(() => source, [await datasetFor(source, name, ['v'])]);
    await other.catchUp();
    assert.match(other.warnings.join(), /told apart by v, and the table's key is id/);
    const wrong = new Replica<SqlRead>(() => source, [await datasetFor(source, name, ['ID', 'nothing'])]);
    await assert.rejects(wrong.catchUp(), refused('connector.not_found', /has no column "nothing".*id, v, n/));
  });
});
