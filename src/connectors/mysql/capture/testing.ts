/** For tests of capturing: sources, datasets, and what a SELECT gives. */

import assert from 'node:assert/strict';
import type { Connection } from 'mysql2/promise';
import { type MariaDbServer, startMariaDb } from '../../../../test/servers/mariadb.ts';
import { type CapturedObject, Replica, type Row, rowsOfText } from '../../../../test/support/capturing.ts';
import { extractOnce, parseAll } from '../../../../test/support/extracting.ts';
import type { GranaryError } from '../../../lib/errors.ts';
import type { ExtractDataset, ExtractSource } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { mysql } from '../../mysql.ts';

export function settingsOf({ host, port, user, password, database }: MariaDbServer): Record<string, unknown> {
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

/** A server with tables that are captured. The connections are new ones after `reconnect`. */
export class CaptureFixture {
  server!: MariaDbServer;
  db!: Connection;
  source!: ExtractSource<SqlRead>;
  #tables = 0;

  async start(): Promise<void> {
    this.server = await startMariaDb({ settings: ['--log-slave-updates=ON'] });
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
