/** What lands of the log of a server is what a SELECT gives. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Connection } from 'mysql2/promise';
import type { MysqlServer } from '../../../../test/servers/mysql-family.ts';
import { Replica } from '../../../../test/support/capturing.ts';
import { wideTable } from '../../../../test/support/mysql-wide.ts';
import type { ExtractSource } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { datasetFor, opened, SERVERS, selected, settingsOf } from './testing.ts';

for (const kind of SERVERS)
  describe(`capture of ${kind.name}`, { skip: kind.skip, timeout: 300_000 }, () => {
    const isMariaDb = kind.name === 'MariaDB';
    let server: MysqlServer;
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
      server = await kind.start();
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
      it(`gives every type as a SELECT does, with a log that is compressed: ${compress}`, async () => {
        if (isMariaDb)
          await server.admin(`SET GLOBAL log_bin_compress = ${compress}`, 'SET GLOBAL log_bin_compress_min_len = 10');
        else await run(`SET SESSION binlog_transaction_compression = ${compress}`);
        const [create, ...inserts] = wideTable(isMariaDb ? 'mariadb' : 'mysql').create;
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
        if (isMariaDb) await server.admin('SET GLOBAL log_bin_compress = OFF');
      });

    it('gives odd values as a SELECT does: zeros, limits, all bytes of character sets, shapes', async () => {
      const bytes = Array.from({ length: 256 }, (_, i) => i).filter((i) => i > 0);
      const all = `X'${Buffer.from(bytes).toString('hex')}'`;
      const sets = ['latin1', 'latin2', 'cp1251', 'koi8r', 'greek', 'cp850', 'macroman', 'swe7', 'ascii', 'tis620'];
      await run(
        `CREATE TABLE odd (id INT PRIMARY KEY, z INT(8) ZEROFILL, y YEAR, d DATE, dt DATETIME(4), ts TIMESTAMP(1) NULL, tm TIME(5),
        b BINARY(6), vb VARBINARY(300), c CHAR(200) CHARACTER SET utf8mb4, e ENUM('','ä','x,"y') CHARACTER SET latin1, s SET('é','b','"') CHARACTER SET latin2,
        bt BIT(64), dec1 DECIMAL(1,0), dec3 DECIMAL(65,0) UNSIGNED, dec4 DECIMAL(30,30), fl FLOAT, db DOUBLE, ${isMariaDb ? 'ip INET6, i4 INET4, ' : ''}g GEOMETRY, vi INT AS (id * 2) VIRTUAL, inv INT INVISIBLE DEFAULT 4,
        ${sets.map((set) => `t_${set} VARCHAR(300) CHARACTER SET ${set}`).join(', ')}, u32 TEXT CHARACTER SET utf32, u16 TEXT CHARACTER SET utf16le, sj VARCHAR(50) CHARACTER SET sjis) DEFAULT CHARACTER SET utf8mb4`,
      );
      const replica = await replicaOf('odd');
      await replica.catchUp();
      /** Of types that MySQL has not. */
      const of = (text: string) => (isMariaDb ? text : '');
      const texts = sets.map((set) => `t_${set} = CONVERT(${all} USING ${set})`).join(', ');
      await run(
        `INSERT INTO odd SET id = 1, z = 42, y = 0, d = '0000-00-00', dt = '2024-00-00 00:00:00', ts = '1970-01-01 00:00:01', tm = '-838:59:59', b = X'0102', vb = ${all}, c = '', e = '', s = 'é,"',
        bt = ~0, dec1 = -9, dec3 = REPEAT('9', 65), dec4 = -0.000000000000000000000000000001, fl = -1e-30, db = 1e308, ${of("ip = '::ffff:1.2.3.4', i4 = '0.0.0.0', ")}g = ST_GeomFromText('MULTIPOLYGON(((0 0,1.5 0,1 1e20,0 0)),((5 5,6 5,6 6,5 5)))'), u32 = '😀"', u16 = 'é😀', sj = '日本', ${texts}`,
        `INSERT INTO odd SET id = -2147483648, z = 0, y = 2155, d = '9999-12-31', dt = '9999-12-31 23:59:59.9999', ts = '2038-01-19 03:14:07.9', tm = '838:59:59', b = '', vb = '', c = REPEAT('😀', 200), e = 'ä', s = '',
        bt = 0, dec1 = 0, dec3 = 0, dec4 = 0.1, fl = 3.4e38, db = -5e-324, ${of("ip = '::', i4 = '255.255.255.255', ")}g = ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1 1),MULTIPOINT(0 0,1 1))')`,
        `INSERT INTO odd SET id = 2, ${of("ip = '1:0:0:2::', ")}e = 3, tm = '-00:00:00.00001', dt = '0001-01-01', g = ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')`,
        `INSERT INTO odd SET id = 3, ${of("ip = '1:0:2:3:4:5:6:7', ")}e = 0, tm = '100:00:00.5', d = '2024-02-29'`,
        `INSERT INTO odd SET id = 4, ${of("ip = '::1:2', ")}dec3 = 1000000000, dec4 = 0.123456789000000001, db = 123456789012345678`,
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
        FROM_UNIXTIME(RAND() * 2147483647), '1000-01-01' + INTERVAL RAND() * 280000000000 SECOND, SEC_TO_TIME((RAND() - 0.5) * 6000000), RAND() * 131071, RAND() - 0.5, '0001-01-01' + INTERVAL RAND() * 3600000 DAY FROM (${server.numbers(1, 3000)}) s`,
      );
      await same(replica);
      assert.equal(replica.rows('numbers').length, 3000);
    });

    it('gives JSON as a SELECT does: every kind of value, large and deep documents', async () => {
      await run('CREATE TABLE documents (id INT PRIMARY KEY, j JSON)');
      const replica = await replicaOf('documents');
      await replica.catchUp();
      const deep = `${'[{"a": '.repeat(15)}1${'}]'.repeat(15)}`;
      const wide = JSON.stringify(
        Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`key ${i}`, 'x'.repeat(i % 50)])),
      );
      const texts = [
        'null',
        'true',
        '[]',
        '{}',
        '""',
        '[0, -1, 127, 32767, 32768, -32769, 65535, 65536, 2147483647, 2147483648, 4294967296, -9223372036854775808, 9223372036854775807, 18446744073709551615]',
        '[1.0, 0.1, -0.0, 1e100, 1.5e-10, 123456789012345678.0, 3.141592653589793, 1e15, 1e17, 2.5e-320]',
        '{"b": 1, "a": {"nested": [true, false, null]}, "ü 😀": "Grüße 😀"}',
        JSON.stringify('quotes " and \\ and \b\f\n\r\t\u0001\u001f / end \u2028'),
        JSON.stringify(Array.from({ length: 20_000 }, (_, i) => i * 7)),
        deep,
        wide,
      ];
      for (const [i, text] of texts.entries()) await db.query('INSERT INTO documents VALUES (?, ?)', [i, text]);
      if (!isMariaDb)
        await run(
          "INSERT INTO documents VALUES (100, JSON_ARRAY(CAST('2024-02-29' AS DATE), CAST('2024-02-29 12:34:56.000001' AS DATETIME(6)), CAST('-838:59:59' AS TIME), CAST('00:00:00.5' AS TIME(6)), CAST(1234567890.0123456789 AS DECIMAL(30,10)), CAST(-0.5 AS DECIMAL(2,1)), X'00ff', b'101'))",
        );
      await run('INSERT INTO documents VALUES (101, NULL)');
      await same(replica);
      assert.equal(replica.rows('documents').length, texts.length + (isMariaDb ? 1 : 2));
    });

    if (!isMariaDb)
      it('gives shapes in the order of their reference system', async () => {
        await run('CREATE TABLE places (id INT PRIMARY KEY, g GEOMETRY SRID 4326, h GEOMETRY)');
        const replica = await replicaOf('places');
        await replica.catchUp();
        await run(
          "INSERT INTO places VALUES (1, ST_GeomFromText('POINT(50.94 6.96)', 4326), ST_GeomFromText('MULTIPOINT(1 2,3 4)'))",
        );
        await same(replica);
        assert.equal(replica.rows('places')[0]!['g'], 'POINT(50.94 6.96)');
      });
  });
