/** Captured tables stay equal to those of the server, whatever is done to them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Replica } from '../../../../test/support/capturing.ts';
import type { ExtractDataset } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { CaptureFixture, SERVERS } from './testing.ts';

for (const kind of SERVERS)
  describe(`incidents of tables of ${kind.name}`, { skip: kind.skip, timeout: 600_000 }, () => {
    const fixture = new CaptureFixture(kind);
    const run = (...statements: string[]) => fixture.run(...statements);
    const captured = () => fixture.captured();
    const same = (replica: Replica<SqlRead>) => fixture.same(replica);

    before(() => fixture.start());
    after(() => fixture.stop());

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
      assert.equal(await fixture.source.hasNew!('changes', datasets, undefined), true);
      assert.equal(await fixture.source.hasNew!('changes', datasets, replica.position), false);
      assert.deepEqual(await fixture.source.lag!('changes', datasets, replica.position), { seconds: 0, bytes: 0 });
      await run(`INSERT INTO ${name} VALUES (4, 'four', 4)`);
      assert.equal(await fixture.source.hasNew!('changes', datasets, replica.position), true);
      const lag = await fixture.source.lag!('changes', datasets, replica.position);
      assert.ok(lag.bytes! > 0 && lag.bytes! < 2000, String(lag.bytes));
      assert.ok(lag.seconds! >= 0 && lag.seconds! < 60, String(lag.seconds));
      // It was still for a day: what is written then is not a day old.
      const still = { ...(replica.position as { at: number; seenAt: number }) };
      still.at -= 86_400;
      assert.ok((await fixture.source.lag!('changes', datasets, still as never)).seconds! < 60);
      still.seenAt = still.at;
      assert.ok(
        (await fixture.source.lag!('changes', datasets, { ...still, gtid: '0-1-1' } as never)).seconds! > 86_000,
      );
      await same(replica);
      assert.equal(await fixture.source.hasNew!('changes', datasets, replica.position), false);
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
        `INSERT INTO ${name} SELECT seq, REPEAT('x', 2000), seq FROM (${fixture.server.numbers(100, 20_000)}) s`,
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
        `ALTER TABLE ${name} ADD INDEX (v(20)), ADD COLUMN note INT DEFAULT 7`,
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
        `DROP TABLE ${name}`,
        `CREATE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(20), n DECIMAL(10,2)) SELECT 5 AS id, 'made' AS v, 1.5 AS n`,
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
      assert.match(
        (await fixture.source.lag!('changes', replica.datasets, replica.position)).problem ?? '',
        /not captured.*no table/,
      );
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
      assert.deepEqual(objects.map((o) => `${o.dataset} ${o.complete}`).sort(), [
        `${name} false`,
        `${other.name} true`,
      ]);
      replica.datasets = [{ ...first, columns: first.columns.filter((c) => c.from !== 'n') }, replica.datasets[1]!];
      assert.deepEqual(
        (await same(replica)).map((o) => [o.dataset, o.complete]),
        [[name, true]],
      );
    });
  });
