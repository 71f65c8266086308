/** For tests of capturing: sources, datasets, and what a SELECT gives. */

import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import { mariaDbMissing, startMariaDb } from '../../../../test/servers/mariadb.ts';
import { mysqlMissing, startMysql } from '../../../../test/servers/mysql.ts';
import type { MysqlServer } from '../../../../test/servers/mysql-family.ts';
import { type CapturedObject, Replica, type Row, rowsOfText } from '../../../../test/support/capturing.ts';
import { extractOnce, parseAll } from '../../../../test/support/extracting.ts';
import type { GranaryError } from '../../../lib/errors.ts';
import type { ExtractDataset, ExtractSource } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { mysql } from '../../mysql.ts';

export function settingsOf({ host, port, user, password, database }: MysqlServer): Record<string, unknown> {
  return { host, port, user, password, database, tls: 'off' };
}

export const opened = (settings: Record<string, unknown>) =>
  mysql.open(parseAll(mysql.spec, settings), { projectDir: '/tmp' });

/** All columns of a table, as text unless told. */
export async function datasetFor(
  source: ExtractSource<SqlRead>,
  table: string,
  key: string[] = ['id'],
): Promise<ExtractDataset<SqlRead>> {
  const { columns } = await source.propose({ name: table, kind: 'table', rows: undefined, read: table });
  const read = parseAll(mysql.read, { changes: table, key });
  const own = Object.entries(mysql.describe(read, {} as never).columns!).map(([name, c]) => ({ name, ...c }));
  return { name: table, read, columns: [...columns, ...own] };
}

/** As extraction reads it: the same text must come out of the log. */
export async function selected(source: ExtractSource<SqlRead>, dataset: ExtractDataset<SqlRead>): Promise<Row[]> {
  const read = parseAll(mysql.read, { table: dataset.read.changes });
  const columns = dataset.columns.filter((c) => !c.from.startsWith('_'));
  const { object } = await extractOnce(source, { dataset: { name: dataset.name, read, columns } });
  const key = dataset.read.key!;
  const id = (row: Row) => JSON.stringify(key.map((k) => row[k]));
  return rowsOfText(object?.bytes.toString() ?? '').sort((a, b) => (id(a) < id(b) ? -1 : 1));
}

/** Without a thousand rows in the message. */
function equalRows(actual: Row[], expected: Row[], table: string): void {
  const text = (row: Row) => JSON.stringify(row);
  const [here, there] = [new Set(actual.map(text)), new Set(expected.map(text))];
  const more = [...here].filter((row) => !there.has(row));
  const fewer = [...there].filter((row) => !here.has(row));
  assert.deepEqual({ more: more.slice(0, 3), fewer: fewer.slice(0, 3) }, { more: [], fewer: [] }, table);
  assert.equal(actual.length, expected.length, table);
}

export interface ServerKind {
  name: 'MariaDB' | 'MySQL';
  skip: string | false;
  start: typeof startMariaDb;
  /** In a replica, what it takes over is in its own log. */
  logsUpdates: string;
  /** Tells the end of the log. */
  logStatus: string;
  /** Begins the log anew. */
  emptyLog: string;
  /** SQL: transactions in the log. */
  gtids: string;
  /** What a user must be allowed to. */
  rights: string;
  /** The second, whose tables are those of the first, takes over what comes there, until it is told to stop. */
  replicate(first: MysqlServer, second: MysqlServer): Promise<void>;
  /** The second has everything, and is on its own. */
  promote(first: MysqlServer, second: MysqlServer): Promise<void>;
}

const gtidsOf = async (server: MysqlServer, sql: string) =>
  String((await server.admin(`SELECT ${sql} AS gtids`))[0]!['gtids']);
const REPLICA = [
  "DROP USER IF EXISTS 'replica'@'%'",
  "CREATE USER 'replica'@'%' IDENTIFIED BY 'replica'",
  "GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%'",
];

export const SERVERS: readonly ServerKind[] = [
  {
    name: 'MariaDB',
    skip: mariaDbMissing(),
    start: startMariaDb,
    logsUpdates: '--log-slave-updates=ON',
    logStatus: 'SHOW MASTER STATUS',
    emptyLog: 'RESET MASTER',
    gtids: '@@gtid_binlog_pos',
    rights: 'REPLICATION SLAVE, BINLOG MONITOR',
    async replicate(first, second) {
      await first.admin(...REPLICA);
      const known = await gtidsOf(first, '@@gtid_binlog_pos');
      await second.admin(
        'RESET MASTER',
        `SET GLOBAL gtid_slave_pos = '${known}'`,
        `CHANGE MASTER TO master_host = '${first.host}', master_port = ${first.port}, master_user = 'replica', master_password = 'replica', master_use_gtid = slave_pos`,
        'START SLAVE',
      );
    },
    async promote(first, second) {
      const end = await gtidsOf(first, '@@gtid_binlog_pos');
      await second.admin(`SELECT MASTER_GTID_WAIT('${end}', 60)`, 'STOP SLAVE', 'RESET SLAVE ALL');
    },
  },
  {
    name: 'MySQL',
    skip: mysqlMissing(),
    start: startMysql,
    logsUpdates: '--log-replica-updates=ON',
    logStatus: 'SHOW BINARY LOG STATUS',
    emptyLog: 'RESET BINARY LOGS AND GTIDS',
    gtids: '@@gtid_executed',
    rights: 'REPLICATION SLAVE, REPLICATION CLIENT',
    async replicate(first, second) {
      await first.admin(...REPLICA);
      const known = await gtidsOf(first, '@@gtid_executed');
      await second.admin(
        'RESET BINARY LOGS AND GTIDS',
        `SET GLOBAL gtid_purged = '${known.replaceAll('\n', '')}'`,
        `CHANGE REPLICATION SOURCE TO source_host = '${first.host}', source_port = ${first.port}, source_user = 'replica', source_password = 'replica', source_auto_position = 1, source_ssl = 1`,
        'START REPLICA',
      );
    },
    async promote(first, second) {
      const end = await gtidsOf(first, '@@gtid_executed');
      await second.admin(
        `SELECT WAIT_FOR_EXECUTED_GTID_SET('${end.replaceAll('\n', '')}', 60)`,
        'STOP REPLICA',
        'RESET REPLICA ALL',
      );
    },
  },
];

/** A server with tables that are captured. The connections are new ones after `reconnect`. */
export class CaptureFixture {
  readonly kind: ServerKind;
  server!: MysqlServer;
  db!: Connection;
  source!: ExtractSource<SqlRead>;
  #tables = 0;

  readonly #settings: string[];

  constructor(kind: ServerKind = SERVERS[0]!, settings: string[] = []) {
    this.kind = kind;
    this.#settings = settings;
  }

  async start(): Promise<void> {
    this.server = await this.kind.start({ settings: [this.kind.logsUpdates, ...this.#settings] });
    await this.reconnect();
  }

  async reconnect(): Promise<void> {
    this.db = await this.server.connect(this.server.database);
    this.source = await opened(settingsOf(this.server));
  }

  async stop(): Promise<void> {
    await this.source?.close();
    await this.db?.end();
    await this.server?.stop();
  }

  async run(...statements: string[]): Promise<void> {
    for (const statement of statements) await this.db.query(statement);
  }

  /** A table of its own with three rows, captured. */
  async captured(): Promise<{ name: string; replica: Replica<SqlRead> }> {
    const name = `t${++this.#tables}`;
    await this.run(
      `CREATE TABLE ${name} (id INT PRIMARY KEY, v VARCHAR(2000), n DECIMAL(10,2))`,
      `INSERT INTO ${name} VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', 3)`,
    );
    const replica = new Replica<SqlRead>(() => this.source, [await datasetFor(this.source, name)]);
    await this.same(replica);
    return { name, replica };
  }

  /** Catches up, and compares. Returns the objects that came. */
  async same(replica: Replica<SqlRead>): Promise<CapturedObject[]> {
    const objects = await replica.catchUp();
    for (const dataset of replica.datasets)
      equalRows(replica.rows(dataset.name), await selected(this.source, dataset), dataset.name);
    return objects;
  }
}

export const refused = (code: string, words: RegExp) => (e: GranaryError) => {
  assert.equal(e.code, code, e.message);
  assert.match(`${e.message} ${e.hint}`, words);
  return true;
};
