/** Rows that foreign keys change without a word in the log: the tables that have them are read anew. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Replica } from '../../../../test/support/capturing.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { parseForeignKeys } from './foreign-keys.ts';
import { CaptureFixture, datasetFor, opened, SERVERS, settingsOf } from './testing.ts';

const HOUR_MS = 3_600_000;

it('foreign keys that change rows are found in what the server writes of a table', () => {
  const text = `CREATE TABLE \`c\` (
  \`id\` int(11) NOT NULL COMMENT 'CONSTRAINT \`x\` FOREIGN KEY (\`a\`) REFERENCES \`b\` (\`c\`) ON DELETE CASCADE',
  CONSTRAINT \`a\`\`b\` FOREIGN KEY (\`x\`, \`y\`) REFERENCES \`other\`.\`p)q\` (\`k,1\`, \`k2\`) ON DELETE SET NULL ON UPDATE CASCADE,
  CONSTRAINT \`plain\` FOREIGN KEY (\`x\`) REFERENCES \`p\` (\`id\`),
  CONSTRAINT \`quiet\` FOREIGN KEY (\`x\`) REFERENCES \`p\` (\`id\`) ON DELETE NO ACTION ON UPDATE NO ACTION,
  CONSTRAINT \`one\` FOREIGN KEY (\`x\`) REFERENCES \`p\` (\`id\`) ON DELETE CASCADE
) ENGINE=InnoDB`;
  assert.deepEqual(parseForeignKeys(text, 'shop'), [
    { name: 'a`b', database: 'other', table: 'p)q', columns: ['k,1', 'k2'], onDelete: true, onUpdate: true },
    { name: 'one', database: 'shop', table: 'p', columns: ['id'], onDelete: true, onUpdate: false },
  ]);
});

for (const kind of SERVERS)
  describe(`foreign keys of captured tables of ${kind.name}`, { skip: kind.skip, timeout: 600_000 }, () => {
    const fixture = new CaptureFixture(kind, kind.name === 'MySQL' ? ['--innodb-native-foreign-keys=ON'] : []);
    const numbers = (first: number, last: number) => `(${fixture.server.numbers(first, last)}) s`;
    const run = (...statements: string[]) => fixture.run(...statements);
    let now = Date.now();

    before(async () => {
      await fixture.start();
      await run(
        'CREATE TABLE region (id INT PRIMARY KEY, name VARCHAR(20))',
        'CREATE TABLE customer (id INT PRIMARY KEY, region INT, FOREIGN KEY (region) REFERENCES region (id) ON DELETE CASCADE ON UPDATE CASCADE)',
        `CREATE TABLE purchase (id INT PRIMARY KEY, customer INT, region INT, n INT,
         FOREIGN KEY (customer) REFERENCES customer (id) ON DELETE CASCADE,
         FOREIGN KEY (region) REFERENCES region (id) ON DELETE SET NULL ON UPDATE CASCADE)`,
      );
    });
    after(() => fixture.stop());

    /** Three regions with three customers each, and a purchase of each; `purchase` is captured, its parents are not. */
    async function captured(): Promise<Replica<SqlRead>> {
      await run(
        'SET foreign_key_checks = 0',
        ...['purchase', 'customer', 'region'].map((table) => `DELETE FROM ${table}`),
        'SET foreign_key_checks = 1',
        `INSERT INTO region (id, name) SELECT seq, seq FROM ${numbers(1, 3)}`,
        `INSERT INTO customer SELECT seq, 1 + seq % 3 FROM ${numbers(1, 9)}`,
        `INSERT INTO purchase SELECT seq, seq, 1 + (seq + 1) % 3, 0 FROM ${numbers(1, 9)}`,
      );
      const replica = new Replica<SqlRead>(() => fixture.source, [await datasetFor(fixture.source, 'purchase')]);
      now += HOUR_MS;
      await replica.catchUp({ now });
      return replica;
    }
    const isReadAnew = async (replica: Replica<SqlRead>): Promise<boolean> => {
      now += HOUR_MS;
      const objects = await replica.catchUp({ now });
      await fixture.same(replica);
      return objects.some((o) => o.complete);
    };

    it('rows that are deleted, set to NULL or renumbered with those of another table are right in the end', async () => {
      const replica = await captured();
      await run('DELETE FROM customer WHERE id IN (1, 2)');
      assert.ok(await isReadAnew(replica));
      assert.equal(replica.rows('purchase').length, 7);
      await run('UPDATE region SET id = 10 WHERE id = 1');
      assert.ok(await isReadAnew(replica));
      await run('DELETE FROM region WHERE id = 10');
      assert.ok(await isReadAnew(replica));
      assert.ok(replica.rows('purchase').some((r) => r['region'] === null));
      await run('DELETE FROM region WHERE id = 2');
      assert.ok(await isReadAnew(replica), 'a region takes its customers along, and these their purchases');
    });

    it('what changes nothing here is no reason', async () => {
      const replica = await captured();
      await run(
        "UPDATE region SET name = 'renamed'",
        'UPDATE customer SET region = NULL WHERE id = 9',
        "INSERT INTO region VALUES (20, 'new')",
        'BEGIN',
        'DELETE FROM customer WHERE id = 1',
        'ROLLBACK',
        'SET foreign_key_checks = 0',
        'DELETE FROM customer WHERE id = 9',
        'SET foreign_key_checks = 1',
        'UPDATE purchase SET n = 1',
      );
      assert.ok(!(await isReadAnew(replica)));
    });

    it('is read anew at once, but not again and again; meanwhile its own changes are followed, and the lag tells', async () => {
      const replica = await captured();
      await run('DELETE FROM customer WHERE id = 1');
      now += HOUR_MS;
      assert.ok((await replica.catchUp({ now })).some((o) => o.complete));
      await run('DELETE FROM customer WHERE id = 2', 'UPDATE purchase SET n = 5 WHERE id = 5');
      assert.ok(!(await replica.catchUp({ now: now + 1000 })).some((o) => o.complete));
      const rows = replica.rows('purchase');
      assert.ok(rows.some((r) => r['id'] === '2') && rows.some((r) => r['n'] === '5'));
      const position = structuredClone(replica.position) as { tables: Record<string, { cascaded: { since: number } }> };
      position.tables['purchase']!.cascaded.since = Date.now() - HOUR_MS;
      const { seconds } = await fixture.source.lag!('changes', replica.datasets, position as never);
      assert.ok(seconds! >= 3600, String(seconds));
      assert.ok(await isReadAnew(replica));
      assert.deepEqual(await fixture.source.lag!('changes', replica.datasets, replica.position), {
        seconds: 0,
        bytes: 0,
      });
    });

    it('takes in foreign keys that are added while it follows', async () => {
      const replica = await captured();
      await run(
        'ALTER TABLE region ADD above INT',
        'CREATE TABLE world (id INT PRIMARY KEY)',
        'INSERT INTO world VALUES (1)',
        'UPDATE region SET above = 1 WHERE id = 3',
        'ALTER TABLE region ADD FOREIGN KEY (above) REFERENCES world (id) ON DELETE CASCADE',
      );
      await isReadAnew(replica);
      await run('DELETE FROM world');
      assert.ok(await isReadAnew(replica));
      const names = await fixture.server.admin(
        "SELECT constraint_name AS name FROM information_schema.referential_constraints WHERE constraint_schema = 'shop' AND table_name = 'region'",
      );
      await run(...names.map(({ name }) => `ALTER TABLE region DROP FOREIGN KEY ${name}`), 'DROP TABLE world');
    });

    it('a user who may only SELECT sees them, too, and is told of tables that hide theirs', async () => {
      await captured();
      await fixture.server.admin(
        "DROP USER IF EXISTS 'reader'@'%'",
        "CREATE USER 'reader'@'%' IDENTIFIED BY 'reader'",
        `GRANT ${kind.rights} ON *.* TO 'reader'@'%'`,
        "GRANT SELECT ON shop.purchase TO 'reader'@'%'",
        "GRANT SELECT ON shop.region TO 'reader'@'%'",
      );
      const reader = await opened({ ...settingsOf(fixture.server), user: 'reader', password: 'reader' });
      const replica = new Replica<SqlRead>(() => reader, [await datasetFor(reader, 'purchase')]);
      await replica.catchUp({ now });
      assert.match(replica.warnings.join(), /purchase_ibfk_1 to customer, purchase_ibfk_2 to region/);
      assert.match(replica.warnings.join(), /foreign keys of shop\.customer cannot be seen/);
      await run('DELETE FROM customer WHERE id = 5');
      now += HOUR_MS;
      assert.ok((await replica.catchUp({ now })).some((o) => o.complete));
      await reader.close();
    });
  });

it('what foreign keys change is in the log of MySQL since 9.6, and no table is read anew', {
  skip: SERVERS[1]!.skip,
  timeout: 300_000,
}, async () => {
  const fixture = new CaptureFixture(SERVERS[1]!);
  await fixture.start();
  try {
    const { name, replica } = await fixture.captured();
    await fixture.run(
      `CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES ${name} (id) ON DELETE CASCADE ON UPDATE SET NULL)`,
      'INSERT INTO child VALUES (1, 1), (2, 2), (3, 3)',
    );
    replica.datasets = [...replica.datasets, await datasetFor(fixture.source, 'child')];
    await fixture.same(replica);
    await fixture.run(`DELETE FROM ${name} WHERE id = 1`, `UPDATE ${name} SET id = 20 WHERE id = 2`);
    assert.ok(!(await fixture.same(replica)).some((o) => o.complete));
    assert.deepEqual(
      replica.rows('child').map((r) => [r['id'], r['parent']]),
      [
        ['2', null],
        ['3', '3'],
      ],
    );
  } finally {
    await fixture.stop();
  }
});
