/** Captured tables stay equal to those of the server, whatever happens to it; what it lacks is said. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startCuttingProxy } from '../../../../test/servers/cutting-proxy.ts';
import { captureOnce, Replica } from '../../../../test/support/capturing.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { CaptureFixture, datasetFor, opened, refused, SERVERS, settingsOf } from './testing.ts';

for (const kind of SERVERS)
  describe(`incidents of ${kind.name} servers`, { skip: kind.skip, timeout: 600_000 }, () => {
    const fixture = new CaptureFixture(kind);
    const run = (...statements: string[]) => fixture.run(...statements);
    const captured = () => fixture.captured();
    const same = (replica: Replica<SqlRead>) => fixture.same(replica);

    before(() => fixture.start());
    after(() => fixture.stop());

    it('is answered with tables read anew when the log was purged, or is another one', async () => {
      const { name, replica } = await captured();
      await run(
        'FLUSH BINARY LOGS',
        `DELETE FROM ${name} WHERE id = 1`,
        'FLUSH BINARY LOGS',
        `INSERT INTO ${name} VALUES (5, 'five', 5)`,
      );
      const [status] = await fixture.server.admin(kind.logStatus);
      const logs = () => fixture.server.admin('SHOW BINARY LOGS');
      // The server keeps a log while its tables are not written to disk.
      while ((await logs()).length > 1) await run(`PURGE BINARY LOGS TO '${status!['File']}'`);
      const lag = await fixture.source.lag!('changes', replica.datasets, replica.position);
      assert.match(lag.problem ?? '', /purged/);
      await same(replica);
      assert.match(replica.warnings.join(), /has not got its log/);
      await run(kind.emptyLog, `DELETE FROM ${name} WHERE id = 2`);
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
      await fixture.source.close();
      fixture.db.destroy();
      await fixture.server.kill();
      await fixture.server.restart();
      await fixture.reconnect();
      await run(`INSERT INTO ${name} VALUES (5, 'five', 5)`);
      assert.ok(!(await same(replica)).some((o) => o.complete));
    });

    it('goes on at a replica by the transactions that it has', async () => {
      const { name, replica } = await captured();
      const second = await kind.start({ settings: ['--server-id=2', kind.logsUpdates] });
      const old = fixture.source;
      try {
        await second.admin(
          `CREATE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(2000), n DECIMAL(10,2))`,
          `INSERT INTO ${name} VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3)`,
        );
        await kind.replicate(fixture.server, second);
        await run(`UPDATE ${name} SET v = 'seen by both' WHERE id = 1`);
        await same(replica);
        await run(`DELETE FROM ${name} WHERE id = 2`, `INSERT INTO ${name} VALUES (4, 'four', 4)`);
        await kind.promote(fixture.server, second);
        fixture.source = await opened(settingsOf(second));
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
        await fixture.source.close();
        fixture.source = old;
        await second.stop();
      }
    });

    it('says what has to be granted and set', async () => {
      const { replica } = await captured();
      await fixture.server.admin(
        "DROP USER IF EXISTS 'reader'@'%'",
        "CREATE USER 'reader'@'%' IDENTIFIED BY 'reader'",
        "GRANT SELECT ON shop.* TO 'reader'@'%'",
      );
      const reader = await opened({ ...settingsOf(fixture.server), user: 'reader', password: 'reader' });
      const asReader = new Replica<SqlRead>(() => reader, replica.datasets);
      await assert.rejects(
        asReader.catchUp(),
        refused('connector.denied', new RegExp(`GRANT ${kind.rights} ON \\*\\.\\* TO 'reader'@'%'`)),
      );
      await fixture.server.admin(`GRANT ${kind.rights.split(', ')[1]} ON *.* TO 'reader'@'%'`);
      await reader.close();
      const again = await opened({ ...settingsOf(fixture.server), user: 'reader', password: 'reader' });
      await assert.rejects(
        new Replica<SqlRead>(() => again, replica.datasets).catchUp(),
        refused('connector.denied', /GRANT REPLICATION SLAVE/),
      );
      await again.close();
      for (const [name, wrong] of [
        ['binlog_row_image', 'MINIMAL'],
        ['binlog_row_metadata', 'MINIMAL'],
        ['binlog_format', 'MIXED'],
      ] as const) {
        const [before] = await fixture.server.admin(`SELECT @@GLOBAL.${name} AS value`);
        await fixture.server.admin(`SET GLOBAL ${name} = ${wrong}`);
        await assert.rejects(replica.catchUp(), refused('connector.unsupported', new RegExp(`SET GLOBAL ${name} = `)));
        await fixture.server.admin(`SET GLOBAL ${name} = ${before!['value']}`);
      }
      await same(replica);
      const without = await kind.start({ settings: ['--skip-log-bin'] });
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
        ...(kind.name === 'MariaDB' ? ['CREATE TABLE versioned (id INT PRIMARY KEY) WITH SYSTEM VERSIONING'] : []),
      );
      const child = new Replica<SqlRead>(() => fixture.source, [await datasetFor(fixture.source, 'child')]);
      await child.catchUp();
      // What foreign keys change is in the log of a new MySQL.
      if (kind.name === 'MariaDB')
        assert.match(
          child.warnings.join(),
          /foreign keys change by themselves \(child_ibfk_1 to t\d+\): the table is read anew/,
        );
      for (const table of kind.name === 'MariaDB' ? ['seen', 'versioned'] : ['seen'])
        await assert.rejects(
          new Replica<SqlRead>(() => fixture.source, [await datasetFor(fixture.source, table)]).catchUp(),
          refused('connector.unsupported', /cannot be captured/),
        );
    });

    it('reads over TLS', async () => {
      const { name, replica } = await captured();
      const encrypted = await opened({
        ...settingsOf(fixture.server),
        tls: 'required',
        ca_file: fixture.server.certificate.certificate,
      });
      const [dataset] = replica.datasets;
      await run(`INSERT INTO ${name} SELECT seq, REPEAT('x', 500), seq FROM (${fixture.server.numbers(100, 5000)}) s`);
      const { objects } = await captureOnce(encrypted, [dataset!], replica.position);
      assert.equal(objects[0]!.text.split('\n').length, 4901 + 2);
      await encrypted.close();
    });

    it('stops when it is told to, and notices a server that says nothing any more, or hangs up', async () => {
      const { name, replica } = await captured();
      const before = structuredClone(replica.position);
      await run(
        `INSERT INTO ${name} SELECT seq, REPEAT('x', 2000), seq FROM (${fixture.server.numbers(100, 10_000)}) s`,
      );
      const aborted = captureOnce(fixture.source, replica.datasets, before, { signal: AbortSignal.abort() });
      await assert.rejects(aborted, refused('cancelled', /stopped/));
      const proxy = await startCuttingProxy([fixture.server.port]);
      try {
        const through = () => opened({ ...settingsOf(fixture.server), host: proxy.host, silence: '1 s' });
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
      const other = new Replica<SqlRead>(() => fixture.source, [await datasetFor(fixture.source, name, ['v'])]);
      await other.catchUp();
      assert.match(other.warnings.join(), /told apart by v, and the table's key is id/);
      const wrong = new Replica<SqlRead>(
        () => fixture.source,
        [await datasetFor(fixture.source, name, ['ID', 'nothing'])],
      );
      await assert.rejects(wrong.catchUp(), refused('connector.not_found', /has no column "nothing".*id, v, n/));
    });
  });
