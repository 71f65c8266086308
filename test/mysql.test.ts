/** MySQL and MariaDB as a source, with servers of both. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RowDataPacket } from 'mysql2/promise';
import { mysql } from '../src/connectors/mysql.ts';
import { GranaryError } from '../src/lib/errors.ts';
import { extractSourceContract, type Writer } from './contracts/extract-source.ts';
import { openRoom } from './csv-reading.ts';
import { startCuttingProxy } from './servers/cutting-proxy.ts';
import { mariaDbMissing, startMariaDb } from './servers/mariadb.ts';
import { mysqlMissing, startMysql } from './servers/mysql.ts';
import type { MysqlServer } from './servers/mysql-family.ts';
import { freePorts } from './servers/processes.ts';
import { datasetOf, extractOnce, parseAll, readLanded, rowsOf } from './support/extracting.ts';
import { wideTable } from './support/mysql-wide.ts';

const opened = (settings: Record<string, unknown>) =>
  mysql.open(parseAll(mysql.spec, settings), { projectDir: '/tmp' });

function settingsOf({ host, port, user, password, database, certificate }: MysqlServer): Record<string, unknown> {
  return { host, port, user, password, database, tls: 'required', ca_file: certificate.certificate };
}

async function writerTo(server: MysqlServer): Promise<Writer> {
  const connection = await server.connect(server.database);
  await connection.query("SET time_zone = '+00:00', sql_mode = ''");
  return {
    run: async (statement) => void (await connection.query(statement)),
    rows: async (statement) => {
      const [rows] = await connection.query<RowDataPacket[]>(statement);
      return rows as Record<string, string | null>[];
    },
    end: () => connection.end(),
  };
}

const SERVERS = [
  {
    name: 'mariadb',
    missing: mariaDbMissing(),
    start: startMariaDb,
    many: ['--max-connections=6', '--extra-max-connections=3'],
  },
  { name: 'mysql', missing: mysqlMissing(), start: startMysql, many: ['--max-connections=6'] },
] as const;

for (const { name, missing, start, many: few } of SERVERS) {
  extractSourceContract(name, missing, async () => {
    const server = await start();
    const others: [string, string] = ['shop_north', 'shop_south'];
    await server.admin(
      ...others.map((name) => `CREATE DATABASE ${name}`),
      "CREATE USER 'reader'@'%' IDENTIFIED BY 'reader'",
      "GRANT SELECT ON `shop%`.* TO 'reader'@'%'",
    );
    const settings = settingsOf(server);
    return {
      connector: mysql,
      open: (more = {}) => opened({ ...settings, ...more }),
      openWithWrongCredentials: () => opened({ ...settings, password: 'wrong password' }),
      openUnreachable: async () => opened({ ...settings, port: await freePorts() }),
      openThrough: ({ host }) => opened({ ...settings, host, silence: '5 s' }),
      openUnprivileged: () => opened({ ...settings, user: 'reader', password: 'reader' }),
      startProxy: () => startCuttingProxy([server.port]),
      connect: () => writerTo(server),
      others,
      instant: 'TIMESTAMP(6)',
      now: 'NOW(6)',
      insertMany: (table, first, n) =>
        `INSERT INTO ${table} (id, name, amount, updated_at) SELECT seq, concat('name ', seq), seq / 100, NOW(6) FROM (${server.numbers(first, first + n - 1)}) s`,
      wide: wideTable(name),
      stop: server.stop,
    };
  });

  describe(`what is special to ${name}`, { skip: missing, timeout: 120_000 }, () => {
    let server: MysqlServer;
    let writer: Writer;
    before(async () => {
      server = await start({ settings: [...few] });
      writer = await writerTo(server);
    });
    after(async () => {
      await writer?.end();
      await server?.stop();
    });
    const open = (more: Record<string, unknown> = {}) => opened({ ...settingsOf(server), ...more });
    const isFault =
      (code: string, transient: boolean, text = /./) =>
      (e: unknown) => {
        assert.ok(e instanceof GranaryError, String(e));
        assert.deepEqual([e.code, e.transient], [code, transient], e.message);
        assert.match(`${e.message} ${e.hint}`, text);
        assert.ok(!JSON.stringify(e).includes(server.password), 'no error tells the password');
        return true;
      };

    it('impossible dates are rejected, become NULL, or are kept as text, as it is said', async () => {
      await writer.run('CREATE TABLE dates (id INT PRIMARY KEY, d DATE, at DATETIME, ts TIMESTAMP NULL)');
      await writer.run(
        "INSERT INTO dates VALUES (1, '0000-00-00', NULL, NULL), (3, NULL, '2024-00-10 01:02:03', NULL), (4, NULL, NULL, '0000-00-00'), (2, '2024-01-01', '2024-01-01', '2024-01-01')",
      );
      const landed = async (zero_dates: string) => {
        const source = await open({ zero_dates });
        try {
          const dates = await datasetOf(mysql, source, 'dates');
          const { object } = await extractOnce(source, { dataset: dates });
          await using room = await openRoom();
          const { rows, rejects } = await readLanded(room, mysql, dates, object!.bytes);
          return { rows: rows.map(({ line: _, ...values }) => Object.values(values)), rejects };
        } finally {
          await source.close();
        }
      };
      const good = ['2', '2024-01-01', '2024-01-01 00:00:00', '2024-01-01 00:00:00+00'];
      const rejected = await landed('reject');
      assert.deepEqual(rejected.rows, [good]);
      assert.deepEqual(
        rejected.rejects.map((r) => r.reason),
        [
          'expected date, found "0000-00-00"',
          'expected timestamp, found "2024-00-10 01:02:03"',
          'expected timestamp_tz, found "0000-00-00 00:00:00"',
        ],
      );
      const nulls = (id: string) => [id, null, null, null];
      assert.deepEqual((await landed('null')).rows, [nulls('1'), good, nulls('3'), nulls('4')]);
      assert.deepEqual((await landed('text')).rows, [
        ['1', '0000-00-00', null, null],
        ['2', '2024-01-01', '2024-01-01 00:00:00', '2024-01-01 00:00:00'],
        ['3', null, '2024-00-10 01:02:03', null],
        ['4', null, null, '0000-00-00 00:00:00'],
      ]);
    });

    it('a wall clock of the server is a watermark that loses nothing, wherever the server stands', async () => {
      await writer.run('CREATE TABLE clocks (id INT PRIMARY KEY, changed_at DATETIME(6) NOT NULL, KEY (changed_at))');
      const local = await server.connect('shop');
      const source = await open();
      try {
        const read = { table: 'clocks', key: 'id', watermark: 'changed_at', lookback: '0 s' };
        const clocks = await datasetOf(mysql, source, 'clocks', read);
        // In the time zone of the server, as applications do.
        await local.query('INSERT INTO clocks VALUES (1, NOW(6))');
        await local.query('BEGIN');
        await local.query('INSERT INTO clocks VALUES (2, NOW(6))');
        await new Promise((r) => setTimeout(r, 1200));
        await writer.run("SET time_zone = '+05:30'");
        await writer.run('INSERT INTO clocks VALUES (3, NOW(6))');
        const first = await extractOnce(source, { dataset: clocks });
        const idsOf = async (r: typeof first) => (await rowsOf(mysql, clocks, r.object)).map((row) => row['id']);
        assert.deepEqual(await idsOf(first), ['1', '3']);
        await local.query('COMMIT');
        const second = await extractOnce(source, { dataset: clocks, position: first.extracted.position });
        assert.ok((await idsOf(second)).includes('2'));
      } finally {
        await writer.run("SET time_zone = '+00:00'");
        await local.end();
        await source.close();
      }
    });

    it('a zero byte in a text arrives, or the row is rejected with its reason', async () => {
      await writer.run('CREATE TABLE zeros (id INT PRIMARY KEY, v VARCHAR(20))');
      await writer.run("INSERT INTO zeros VALUES (1, 'a\\0b'), (2, 'c')");
      const source = await open();
      try {
        const zeros = await datasetOf(mysql, source, 'zeros');
        const { object } = await extractOnce(source, { dataset: zeros });
        await using room = await openRoom();
        const { rows, rejects } = await readLanded(room, mysql, zeros, object!.bytes);
        assert.equal(rows.length + rejects.length, 2);
        assert.deepEqual(
          rows.map((r) => r['c1']),
          ['a\0b', 'c'],
        );
      } finally {
        await source.close();
      }
    });

    it('columns of a query have their types', async () => {
      const source = await open();
      try {
        const query = `SELECT 18446744073709551615 AS big, CAST(1.5 AS DECIMAL(20,4)) AS price, x'00ff' AS raw, 0.1e0 AS f,
        TIMESTAMP'2024-01-01 00:00:00.5' AS at, 'ü' AS t, CAST(5 AS UNSIGNED) AS u`;
        const columns = (
          [
            ['big', 'decimal(20,0)'],
            ['price', 'decimal(20,4)'],
            ['raw', 'text'],
            ['f', 'double'],
            ['at', 'timestamp'],
            ['t', 'text'],
            ['u', 'bigint'],
          ] as const
        ).map(([name, type]) => ({ name, from: name, type }));
        const dataset = { name: 'q', read: parseAll(mysql.read, { query, sums: ['price'] }), columns };
        const { object } = await extractOnce(source, { dataset });
        assert.deepEqual(object!.declared, { rows: 1, sums: { price: '1.5000' } });
        assert.deepEqual(await rowsOf(mysql, dataset, object), [
          {
            big: '18446744073709551615',
            price: '1.5000',
            raw: '00ff',
            f: '0.1',
            at: '2024-01-01 00:00:00.5',
            t: 'ü',
            u: '5',
          },
        ]);
      } finally {
        await source.close();
      }
    });

    it('a query that is killed, or takes too long, is tried again; a server that is full, or gone, too', async () => {
      await writer.run('CREATE TABLE waiting (id INT PRIMARY KEY)');
      await writer.run('INSERT INTO waiting VALUES (1), (2), (3)');
      const source = await open({ connections: 2 });
      const slow = {
        ...(await datasetOf(mysql, source, 'waiting')),
        read: parseAll(mysql.read, { table: 'waiting', where: 'SLEEP(20) = 0' }),
      };
      const killed = assert.rejects(
        extractOnce(source, { dataset: slow }),
        isFault('connector.unavailable', true, /interrupted/),
      );
      for (let found: { id: number } | undefined; !found; ) {
        [found] = (await server.admin(
          "SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(20)%' AND user = 'granary'",
        )) as { id: number }[];
        if (found) await server.admin(`KILL QUERY ${found.id}`);
      }
      await killed;
      const hasty = await open({ statement_timeout: '1 s' });
      await assert.rejects(
        extractOnce(hasty, { dataset: slow }),
        isFault('connector.unavailable', true, /statement_timeout/),
      );
      await hasty.close();

      const many = await Promise.all(Array.from({ length: 12 }, () => open().catch((e: unknown) => e)));
      const refused = many.filter((m) => m instanceof GranaryError);
      assert.ok(refused.length > 0);
      for (const e of refused) isFault('connector.unavailable', true, /[Tt]oo many/)(e);
      for (const m of many) if (!(m instanceof Error)) await (m as Awaited<ReturnType<typeof open>>).close();

      const dying = assert.rejects(extractOnce(source, { dataset: slow }), isFault('connector.lost', true));
      for (let found = 0; found === 0; )
        found = (
          await server.admin(
            "SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(20)%' AND user = 'granary'",
          )
        ).length;
      await writer.end();
      await server.kill();
      await dying;
      await assert.rejects(open(), isFault('connector.unreachable', true));
      await server.restart();
      writer = await writerTo(server);
      const well = await datasetOf(mysql, source, 'waiting');
      assert.equal(
        (await extractOnce(source, { dataset: well })).object!.declared!.rows,
        3,
        'the source connects again',
      );
      await source.close();
    });

    it('never holds a lock that keeps others from writing', async () => {
      await writer.run(`CREATE TABLE busy AS SELECT seq AS id FROM (${server.numbers(1, 20_000)}) s`);
      const source = await open();
      try {
        const busy = await datasetOf(mysql, source, 'busy', { table: 'busy', throttle: { rows_per_second: 15_000 } });
        const reading = extractOnce(source, { dataset: busy });
        await writer.run('SET innodb_lock_wait_timeout = 1');
        let writes = 0;
        let isOver = false;
        const ended = reading.finally(() => {
          isOver = true;
        });
        while (!isOver) {
          await writer.run(`UPDATE busy SET id = id + 1 WHERE id = ${++writes}`);
          const [row] = await writer.rows(
            'SELECT COUNT(*) AS n FROM information_schema.innodb_trx WHERE trx_rows_locked > 0 AND trx_mysql_thread_id <> CONNECTION_ID()',
          );
          assert.equal(Number(row!['n']), 0);
        }
        const { object } = await ended;
        assert.equal(object!.declared!.rows, 20_000);
        assert.ok(writes > 3);
      } finally {
        await source.close();
      }
    });

    it('TLS is what the settings say, and never less', async () => {
      await assert.rejects(open({ ca_file: undefined }), isFault('connector.tls', false));
      // The loopback address by a name that is not in the certificate.
      await assert.rejects(open({ host: '0.0.0.0' }), isFault('connector.tls', false));
      await (await open({ ca_file: undefined, verify: false })).close();
      const plain = await start({ tls: false });
      try {
        const { host, port, user, password, certificate } = plain;
        const settings = { host, port, user, password, ca_file: certificate.certificate };
        await assert.rejects(opened({ ...settings, tls: 'required' }), isFault('connector.tls', false));
        await (await opened({ ...settings, tls: 'preferred' })).close();
        await (await opened({ ...settings, tls: 'off' })).close();
      } finally {
        await plain.stop();
      }
    });

    it('a silent server is a broken connection', async () => {
      const proxy = await startCuttingProxy([server.port]);
      const source = await open({ host: proxy.host, silence: '1 s' });
      try {
        const large = await datasetOf(mysql, source, 'busy', { table: 'busy', throttle: { rows_per_second: 100_000 } });
        proxy.goSilent();
        await assert.rejects(extractOnce(source, { dataset: large }), isFault('connector.lost', true));
      } finally {
        await source.close();
        await proxy.stop();
      }
    });
  });
}
