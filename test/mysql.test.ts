/** MySQL and MariaDB as a source, with a MariaDB server. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { RowDataPacket } from 'mysql2/promise';
import { mysql } from '../src/connectors/mysql.ts';
import { extractSourceContract, type Writer } from './contracts/extract-source.ts';
import { startCuttingProxy } from './servers/cutting-proxy.ts';
import { type MariaDbServer, mariaDbMissing, startMariaDb } from './servers/mariadb.ts';
import { freePorts } from './servers/processes.ts';
import { parseAll } from './support/extracting.ts';
import { WIDE } from './support/mysql-wide.ts';

const opened = (settings: Record<string, unknown>) =>
  mysql.open(parseAll(mysql.spec, settings), { projectDir: '/tmp' });

function settingsOf({ host, port, user, password, database, certificate }: MariaDbServer): Record<string, unknown> {
  return { host, port, user, password, database, tls: 'required', ca_file: certificate.certificate };
}

async function writerTo(server: MariaDbServer): Promise<Writer> {
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

extractSourceContract('mysql', mariaDbMissing(), async () => {
  const server = await startMariaDb();
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
      `INSERT INTO ${table} (id, name, amount, updated_at) SELECT seq, concat('name ', seq), seq / 100, NOW(6) FROM seq_${first}_to_${first + n - 1}`,
    wide: WIDE,
    stop: server.stop,
  };
});

describe('what is special to MySQL', { skip: mariaDbMissing(), timeout: 120_000 }, () => {
  let server: MariaDbServer;
  before(async () => {
    server = await startMariaDb({ settings: ['--max-connections=12'] });
  });
  after(() => server?.stop());

  it('placeholder', () => assert.ok(server));
});
