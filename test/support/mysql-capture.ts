/** A shop whose tables are captured: its server, its project, and whether both have the same. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { RowDataPacket } from 'mysql2/promise';
import { mariaDbMissing, startMariaDb } from '../servers/mariadb.ts';
import { mysqlMissing, startMysql } from '../servers/mysql.ts';
import type { MysqlServer } from '../servers/mysql-family.ts';
import { makeProject } from './projects.ts';

export const SERVERS = [
  { kind: 'MariaDB', skip: mariaDbMissing(), start: startMariaDb },
  { kind: 'MySQL', skip: mysqlMissing(), start: startMysql },
] as const;

export const TABLES = ['orders', 'items'] as const;

export const SCHEMA = [
  'CREATE TABLE orders (order_id BIGINT PRIMARY KEY, store VARCHAR(40), amount DECIMAL(12,2), placed DATETIME(6), note TEXT)',
  'CREATE TABLE items (order_id BIGINT, line INT, product VARCHAR(40) CHARACTER SET latin1, quantity INT UNSIGNED, PRIMARY KEY (order_id, line))',
];

const COLUMNS = {
  orders: "{ order_id: bigint, store: text, amount: 'decimal(12,2)', placed: timestamp, note: text }",
  items: '{ order_id: bigint, line: integer, product: text, quantity: bigint }',
};
const KEYS = { orders: '[order_id]', items: '[order_id, line]' };

export function sourceYaml({ host, port, user, password, database }: MysqlServer, extra = ''): string {
  const datasets = TABLES.map(
    (name) => `  ${name}:\n    read: { changes: ${name}, key: ${KEYS[name]} }\n    columns: ${COLUMNS[name]}\n`,
  );
  return `connector:
  { type: mysql, host: ${host}, port: ${port}, user: ${user}, password: ${JSON.stringify(password)}, database: ${database}, tls: 'off' }
datasets:
${datasets.join('')}${extra}`;
}

export function captureProject(t: TestContext, server: MysqlServer, extra = ''): Promise<string> {
  return makeProject(t, { 'sources/shop.yaml': sourceYaml(server, extra) });
}

const SELECTED = {
  orders: {
    server: 'SELECT order_id, store, amount, placed, note FROM orders ORDER BY order_id',
    here: "SELECT order_id::VARCHAR, store, amount::VARCHAR, strftime(placed, '%Y-%m-%d %H:%M:%S.%f'), note FROM orders ORDER BY order_id",
  },
  items: {
    server: 'SELECT order_id, line, product, quantity FROM items ORDER BY order_id, line',
    here: 'SELECT order_id::VARCHAR, line::VARCHAR, product, quantity::VARCHAR FROM items ORDER BY order_id, line',
  },
};

const rowsOfServer = async (server: MysqlServer, table: (typeof TABLES)[number]): Promise<string[]> => {
  const connection = await server.connect(server.database);
  try {
    const [rows] = await connection.query<RowDataPacket[]>({ sql: SELECTED[table].server, rowsAsArray: true });
    return (rows as unknown as unknown[][]).map((row) =>
      JSON.stringify(row.map((v) => (v === null ? null : String(v)))),
    );
  } finally {
    await connection.end();
  }
};

/** What differs, by table; empty when all is the same. `ask` queries the warehouse. */
export async function differences(
  server: MysqlServer,
  ask: (sql: string) => Promise<unknown[][] | undefined>,
): Promise<string[]> {
  const found: string[] = [];
  for (const table of TABLES) {
    const there = await rowsOfServer(server, table);
    const here = ((await ask(SELECTED[table].here)) ?? []).map((row) => JSON.stringify(row));
    const [inHere, inThere] = [new Set(here), new Set(there)];
    found.push(
      ...here.filter((row) => !inThere.has(row)).map((row) => `${table}: only here ${row}`),
      ...there.filter((row) => !inHere.has(row)).map((row) => `${table}: only there ${row}`),
    );
    if (here.length !== there.length) found.push(`${table}: ${here.length} rows here, ${there.length} there`);
  }
  return found;
}

export async function assertSame(
  server: MysqlServer,
  ask: (sql: string) => Promise<unknown[][] | undefined>,
): Promise<void> {
  assert.deepEqual((await differences(server, ask)).slice(0, 10), []);
}
