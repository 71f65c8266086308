import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type PostgresServer, postgresMissing, startPostgres } from '../../../test/servers/postgres.ts';
import { SqlSource } from '../lib/sql/source.ts';
import { racing } from '../lib/sql/testing.ts';
import type { PostgresDatabase } from './database.ts';
import { Feed, openDatabase, type Row } from './testing.ts';

describe('a sequence as a watermark', { skip: postgresMissing(), timeout: 120_000 }, () => {
  let server: PostgresServer;
  let database: PostgresDatabase;
  before(async () => {
    server = await startPostgres();
    database = await openDatabase(server);
    await server.admin(
      'GRANT pg_read_all_stats TO granary; ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO granary',
    );
  });
  after(async () => {
    await database?.close();
    await server?.stop();
  });

  const ids = (rows: Row[]) => rows.map((r) => Number(r['id']));

  for (const [when, nth] of [
    ['before open transactions are asked for', 1],
    ['between that and the snapshot', 2],
  ] as const)
    it(`loses no row whose transaction begins ${when}, and ends after others took more numbers than the look-back`, async () => {
      const table = `events_${nth}`;
      await server.admin(`CREATE TABLE ${table} (id bigserial PRIMARY KEY, word text)`);
      const insert = (n: number) => `INSERT INTO ${table} (word) SELECT 'x' FROM generate_series(1, ${n})`;
      await server.admin(insert(10));
      await using feed = await Feed.create({ table, key: ['id'], watermark: 'id' }, { id: 'bigint', word: 'text' });
      assert.equal((await feed.extract(new SqlSource(database))).rows.length, 10);

      const late = await server.connect();
      let asked = 0;
      const race = racing(database, nth, async () => {
        asked++;
        await late.query(`BEGIN; ${insert(1)}`);
        await server.admin(insert(3000));
      });
      const second = await feed.extract(new SqlSource(race));
      assert.equal(asked, 1);
      assert.equal(Math.max(...ids(second.rows)), 3011, 'what the others wrote is there');
      assert.ok(!ids(second.rows).includes(11), 'the late one is not');

      await late.query('COMMIT');
      await late.end();
      assert.ok(ids((await feed.extract(new SqlSource(database))).rows).includes(11));
      // When nothing is open any more, only the look-back is read again.
      await feed.extract(new SqlSource(database));
      await server.admin(insert(1));
      const last = ids((await feed.extract(new SqlSource(database))).rows);
      assert.deepEqual([Math.min(...last), Math.max(...last)], [3011 - 1000, 3012]);
    });
});
