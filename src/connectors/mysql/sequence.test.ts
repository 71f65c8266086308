import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type MariaDbServer, mariaDbMissing, startMariaDb } from '../../../test/servers/mariadb.ts';
import { datasetOf, extractOnce, parseAll, rowsOf } from '../../../test/support/extracting.ts';
import type { SqlDatabase } from '../lib/sql/database.ts';
import { SqlSource } from '../lib/sql/source.ts';
import { racing } from '../lib/sql/testing.ts';
import { mysql } from '../mysql.ts';
import { loadDriver } from './connect.ts';
import { MysqlDatabase } from './database.ts';

describe('a sequence of MariaDB as a watermark', { skip: mariaDbMissing(), timeout: 120_000 }, () => {
  let server: MariaDbServer;
  let database: MysqlDatabase;
  before(async () => {
    server = await startMariaDb();
    const { host, port, user, password, database: name } = server;
    const config = parseAll(mysql.spec, { host, port, user, password, database: name, tls: 'off' });
    database = await MysqlDatabase.open(await loadDriver(), config, '/');
  });
  after(async () => {
    await database?.close();
    await server?.stop();
  });

  for (const [when, nth] of [
    ['just before open transactions are asked for', 1],
    ['between that and the snapshot', 2],
  ] as const)
    it(`loses no row whose transaction begins ${when}, and ends after others took more numbers than the look-back`, async () => {
      const table = `events_${nth}`;
      await server.admin(`CREATE TABLE ${table} (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, word TEXT)`);
      const insert = (n: number) => `INSERT INTO ${table} (word) SELECT 'x' FROM seq_1_to_${n}`;
      await server.admin(insert(10));
      const dataset = await datasetOf(mysql, new SqlSource(database), table, { table, key: ['id'], watermark: 'id' });
      const read = async (
        from: SqlDatabase,
        position?: Awaited<ReturnType<typeof extractOnce>>['extracted']['position'],
      ) => {
        const { extracted, object } = await extractOnce(new SqlSource(from), { dataset, position });
        const ids = (await rowsOf(mysql, dataset, object)).map((r) => Number(r['id']));
        return { position: extracted.position, ids };
      };
      const first = await read(database);
      assert.equal(first.ids.length, 10);

      const late = await server.connect(server.database);
      let lateId = 0;
      const race = racing(database, nth, async () => {
        await late.query('BEGIN');
        const [{ insertId }] = (await late.query(`INSERT INTO ${table} (word) VALUES ('late')`)) as unknown as [
          { insertId: number },
        ];
        lateId = insertId;
        await server.admin(insert(3000));
      });
      const second = await read(race, first.position);
      assert.ok(lateId > 10);
      assert.ok(Math.max(...second.ids) > lateId + 2000, 'what the others wrote is there');
      assert.ok(!second.ids.includes(lateId), 'the late one is not');

      await late.query('COMMIT');
      await late.end();
      assert.ok((await read(database, second.position)).ids.includes(lateId));
    });
});
