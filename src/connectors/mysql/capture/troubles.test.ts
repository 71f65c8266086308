/** A table that cannot be captured holds up no other one, is told of, and is read again by itself. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { captureOnce, type Replica } from '../../../../test/support/capturing.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { CaptureFixture, opened, SERVERS, settingsOf } from './testing.ts';

const HOUR_MS = 3_600_000;

for (const kind of SERVERS)
  describe(`tables of ${kind.name} that cannot be captured`, { skip: kind.skip, timeout: 600_000 }, () => {
    const fixture = new CaptureFixture(kind);
    const run = (...statements: string[]) => fixture.run(...statements);
    let now = Date.now();

    before(() => fixture.start());
    after(() => fixture.stop());

    /** Two tables in one feed. */
    async function both(): Promise<{ good: string; bad: string; feed: Replica<SqlRead> }> {
      const [{ name: bad, replica: feed }, { name: good, replica }] = [
        await fixture.captured(),
        await fixture.captured(),
      ];
      feed.datasets = [...feed.datasets, ...replica.datasets];
      await feed.catchUp();
      return { good, bad, feed };
    }

    const troubles = async (feed: Replica<SqlRead>) =>
      Object.fromEntries(
        (await captureOnce(fixture.source, feed.datasets, feed.position, { now })).troubles.map(
          ({ dataset, error }) => [dataset, `${error.message} ${error.hint}`],
        ),
      );

    it('the others go on, whoever reads next, and once it is mended it is read again', async () => {
      const { good, bad, feed } = await both();
      const cases: [breaks: string, told: RegExp, mends: string][] = [
        [
          `DROP TABLE ${bad}`,
          /There is no table/,
          `CREATE TABLE ${bad} (id INT PRIMARY KEY, v VARCHAR(2000), n DECIMAL(10,2))`,
        ],
        [
          `ALTER TABLE ${bad} CHANGE id other INT`,
          /has no column "id", which is in the key/,
          `ALTER TABLE ${bad} CHANGE other id INT`,
        ],
        ...(kind.name === 'MariaDB'
          ? ([
              [
                `ALTER TABLE ${bad} MODIFY v VARCHAR(2000) COMPRESSED`,
                /its columns v are compressed/,
                `ALTER TABLE ${bad} MODIFY v VARCHAR(2000)`,
              ],
            ] as [string, RegExp, string][])
          : []),
        [`RENAME TABLE ${bad} TO moved`, /There is no table/, `RENAME TABLE moved TO ${bad}`],
      ];
      for (const [i, [breaks, told, mends]] of cases.entries()) {
        await run(breaks, `INSERT INTO ${good} VALUES (${10 + i}, 'while', 1)`);
        // As another process of the pool: it knows nothing of before.
        await fixture.source.close();
        fixture.source = await opened(settingsOf(fixture.server));
        await feed.catchUp({ now });
        assert.equal(feed.rows(good).length, 4 + i);
        assert.match((await troubles(feed))[bad]!, told);
        assert.match(feed.warnings.join(), told);
        const { problem } = await fixture.source.lag!('changes', feed.datasets, feed.position);
        assert.match(problem!, new RegExp(`^${bad} is not captured, and the others go on: `));
        await run(mends, `INSERT INTO ${bad} VALUES (${100 + i}, 'mended', 1)`);
        now += HOUR_MS;
        await feed.catchUp({ now });
        await fixture.same(feed);
        assert.deepEqual(await troubles(feed), {});
        await run(`INSERT INTO ${bad} VALUES (${200 + i}, 'followed', 1)`);
        await fixture.same(feed);
      }
    });

    it('goes on without a dataset that is new and cannot be read, and without asking for it all the time', async () => {
      const { good, bad, feed } = await both();
      const [first] = feed.datasets;
      feed.datasets = [...feed.datasets, { ...first!, name: 'none', read: { ...first!.read, changes: 'nowhere' } }];
      await run(`UPDATE ${good} SET n = 7`, `UPDATE ${bad} SET n = 8`);
      now = Date.now();
      await feed.catchUp({ now });
      assert.equal(feed.rows(good)[0]!['n'], '7.00');
      assert.equal(feed.rows(bad)[0]!['n'], '8.00');
      assert.match((await troubles(feed))['none']!, /There is no table nowhere/);
      assert.equal(await fixture.source.hasNew!('changes', feed.datasets, feed.position), false);
      await run(`CREATE TABLE nowhere LIKE ${bad}`, `INSERT INTO nowhere SELECT * FROM ${bad}`);
      now += HOUR_MS;
      await feed.catchUp({ now });
      assert.equal(feed.rows('none').length, 3);
      await run('DROP TABLE nowhere');
    });

    it('a table whose rows cannot be read to their end leaves nothing behind, and is tried again later', async () => {
      const { name: good, replica: feed } = await fixture.captured();
      const { name: bad, replica } = await fixture.captured();
      feed.datasets = [...feed.datasets, ...replica.datasets];
      await run(`INSERT INTO ${good} VALUES (9, 'nine', 9)`);
      const holder = await fixture.server.connect(fixture.server.database);
      await holder.query(`LOCK TABLES ${bad} WRITE`);
      const reading = feed.catchUp({ now });
      for (let id: unknown; id === undefined; ) {
        const [found] = await fixture.server.admin(
          "SELECT id FROM information_schema.processlist WHERE user = 'granary' AND state LIKE 'Waiting for table%'",
        );
        id = found?.['id'];
        if (id !== undefined) await fixture.server.admin(`KILL QUERY ${String(id)}`);
      }
      const objects = await reading;
      assert.deepEqual([...new Set(objects.map((o) => o.dataset))], [good]);
      assert.equal(feed.rows(good).length, 4);
      await holder.query('UNLOCK TABLES');
      await holder.end();
      now += HOUR_MS;
      await feed.catchUp({ now });
      await fixture.same(feed);
    });
  });
