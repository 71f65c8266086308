/** What lands of the log of a MariaDB server is what a SELECT gives. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { type MariaDbServer, mariaDbMissing, startMariaDb } from '../../../../test/servers/mariadb.ts';
import { Replica } from '../../../../test/support/capturing.ts';
import { wideTable } from '../../../../test/support/mysql-wide.ts';
import type { ExtractSource } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { datasetFor, opened, selected, settingsOf } from './testing.ts';

const skip = mariaDbMissing();

describe('capture of MariaDB', { skip, timeout: 300_000 }, () => {
  let server: MariaDbServer;
  let db: Connection;
  let source: ExtractSource<SqlRead>;
  const run = async (...statements: string[]) => {
    for (const statement of statements) await db.query(statement);
  };
  const replicaOf = async (table: string, key?: string[]) =>
    new Replica(() => source, [await datasetFor(source, table, key)]);
  const same = async (replica: Replica<SqlRead>) => {
    await replica.catchUp();
    for (const dataset of replica.datasets)
      assert.deepEqual(replica.rows(dataset.name), await selected(source, dataset), dataset.name);
  };

  before(async () => {
    server = await startMariaDb();
    db = await server.connect(server.database);
    await db.query("SET time_zone = '+00:00', sql_mode = ''");
    source = await opened(settingsOf(server));
  });
  after(async () => {
    await source?.close();
    await db?.end();
    await server?.stop();
  });

  for (const compress of ['OFF', 'ON'])
    it(`gives every type as a SELECT does, with log_bin_compress ${compress}`, async () => {
      await server.admin(`SET GLOBAL log_bin_compress = ${compress}`, 'SET GLOBAL log_bin_compress_min_len = 10');
      const [create, ...inserts] = wideTable('mariadb').create;
      await run('DROP TABLE IF EXISTS wide', create!);
      const replica = await replicaOf('wide', ['n']);
      await replica.catchUp();
      await run(...inserts);
      await same(replica);
      assert.equal(replica.log.filter((row) => row['_op'] === 'insert').length, 3);
      await run(
        'UPDATE wide SET n = n + 10, t4 = 7 WHERE n = 1',
        'UPDATE wide SET dt6 = NULL, v = "" WHERE n = 2',
        'DELETE FROM wide WHERE n = 3',
      );
      await same(replica);
      await server.admin('SET GLOBAL log_bin_compress = OFF');
    });

  it('gives odd values as a SELECT does: zeros, limits, all bytes of character sets, shapes', async () => {
    const bytes = Array.from({ length: 256 }, (_, i) => i).filter((i) => i > 0);
    const all = `X'${Buffer.from(bytes).toString('hex')}'`;
    const sets = ['latin1', 'latin2', 'cp1251', 'koi8r', 'greek', 'cp850', 'macroman', 'swe7', 'ascii', 'tis620'];
    await run(
      `CREATE TABLE odd (id INT PRIMARY KEY, z INT(8) ZEROFILL, y YEAR, d DATE, dt DATETIME(4), ts TIMESTAMP(1) NULL, tm TIME(5),
        b BINARY(6), vb VARBINARY(300), c CHAR(200) CHARACTER SET utf8mb4, e ENUM('','ä','x,"y') CHARACTER SET latin1, s SET('é','b','"') CHARACTER SET latin2,
        bt BIT(64), dec1 DECIMAL(1,0), dec3 DECIMAL(65,0) UNSIGNED, dec4 DECIMAL(30,30), fl FLOAT, db DOUBLE, ip INET6, i4 INET4, g GEOMETRY, vi INT AS (id * 2) VIRTUAL, inv INT INVISIBLE DEFAULT 4,
        ${sets.map((set) => `t_${set} VARCHAR(300) CHARACTER SET ${set}`).join(', ')}, u32 TEXT CHARACTER SET utf32, u16 TEXT CHARACTER SET utf16le, sj VARCHAR(50) CHARACTER SET sjis) DEFAULT CHARACTER SET utf8mb4`,
    );
    const replica = await replicaOf('odd');
    await replica.catchUp();
    const texts = sets.map((set) => `t_${set} = CONVERT(${all} USING ${set})`).join(', ');
    await run(
      `INSERT INTO odd SET id = 1, z = 42, y = 0, d = '0000-00-00', dt = '2024-00-00 00:00:00', ts = '1970-01-01 00:00:01', tm = '-838:59:59', b = X'0102', vb = ${all}, c = '', e = '', s = 'é,"',
        bt = ~0, dec1 = -9, dec3 = REPEAT('9', 65), dec4 = -0.000000000000000000000000000001, fl = -1e-30, db = 1e308, ip = '::ffff:1.2.3.4', i4 = '0.0.0.0', g = ST_GeomFromText('MULTIPOLYGON(((0 0,1.5 0,1 1e20,0 0)),((5 5,6 5,6 6,5 5)))'), u32 = '😀"', u16 = 'é😀', sj = '日本', ${texts}`,
      `INSERT INTO odd SET id = -2147483648, z = 0, y = 2155, d = '9999-12-31', dt = '9999-12-31 23:59:59.9999', ts = '2038-01-19 03:14:07.9', tm = '838:59:59', b = '', vb = '', c = REPEAT('😀', 200), e = 'ä', s = '',
        bt = 0, dec1 = 0, dec3 = 0, dec4 = 0.1, fl = 3.4e38, db = -5e-324, ip = '::', i4 = '255.255.255.255', g = ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1),MULTIPOINT(0 0,1 1))')`,
      `INSERT INTO odd SET id = 2, ip = '1:0:0:2::', e = 3, tm = '-00:00:00.00001', dt = '0001-01-01', g = ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')`,
      `INSERT INTO odd SET id = 3, ip = '1:0:2:3:4:5:6:7', e = 0, tm = '100:00:00.5', d = '2024-02-29'`,
      `INSERT INTO odd SET id = 4, ip = '::1:2', dec3 = 1000000000, dec4 = 0.123456789000000001, db = 123456789012345678`,
    );
    await same(replica);
    assert.equal(replica.rows('odd').length, 5);
  });

  it('gives random numbers and times as a SELECT does', async () => {
    await run(
      'CREATE TABLE numbers (id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, a TINYINT, b SMALLINT UNSIGNED, c MEDIUMINT, y YEAR, d BIGINT UNSIGNED, e BIGINT, f DECIMAL(20,7), g DECIMAL(38,19), h DOUBLE, i FLOAT, j TIMESTAMP(3) NULL, k DATETIME(2), l TIME(6), m BIT(17), n DECIMAL(9,9), o DATE)',
    );
    const replica = await replicaOf('numbers');
    await replica.catchUp();
    await run(
      `INSERT INTO numbers SELECT NULL, RAND() * 255 - 128, RAND() * 65535, RAND() * 16777215 - 8388608, 1901 + FLOOR(RAND() * 254), RAND() * POW(2, RAND() * 64), (RAND() - 0.5) * POW(2, RAND() * 64),
        (RAND() - 0.5) * POW(10, RAND() * 13), (RAND() - 0.5) * POW(10, RAND() * 38 - 19), (RAND() - 0.5) * POW(10, RAND() * 40 - 20), (RAND() - 0.5) * POW(10, RAND() * 40 - 20),
        FROM_UNIXTIME(RAND() * 2147483647), '1000-01-01' + INTERVAL RAND() * 280000000000 SECOND, SEC_TO_TIME((RAND() - 0.5) * 6000000), RAND() * 131071, RAND() - 0.5, '0001-01-01' + INTERVAL RAND() * 3600000 DAY FROM seq_1_to_3000`,
    );
    await same(replica);
    assert.equal(replica.rows('numbers').length, 3000);
  });
});
