/** A shop whose PostgreSQL tables are captured: its server, its project, and whether both have the same. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type pg from 'pg';
import { type PostgresServer, startPostgres } from '../servers/postgres.ts';
import { makeProject } from './projects.ts';

export const TABLES = ['orders', 'items'] as const;

/** `body` is so large that it is stored apart, and not in the log unless it changes. */
export const BODY = (seed: string | number) =>
  `(SELECT string_agg(md5(i || '${seed}'), '') FROM generate_series(1, 90) i)`;

const SCHEMA = `CREATE TABLE orders (order_id bigint PRIMARY KEY, store varchar(40), amount numeric(12,2), placed timestamp, note text, tags int[], body text);
  CREATE TABLE items (order_id bigint, line int, product text, quantity int, PRIMARY KEY (order_id, line))`;

const COLUMNS = {
  orders:
    "{ order_id: bigint, store: text, amount: 'decimal(12,2)', placed: timestamp, note: text, tags: json, body: text }",
  items: '{ order_id: bigint, line: integer, product: { type: text, required: true }, quantity: integer }',
};
const KEYS = { orders: '[order_id]', items: '[order_id, line]' };

/** With empty tables, which belong to the user of the source. */
export async function startShop(t: TestContext): Promise<PostgresServer> {
  const server = await startPostgres();
  t.after(() => server.stop());
  await server.admin(
    `ALTER ROLE granary REPLICATION; ALTER SCHEMA public OWNER TO granary; SET ROLE granary; ${SCHEMA}`,
  );
  return server;
}

export function sourceYaml({ host, port, user, password, database }: PostgresServer, extra = ''): string {
  const datasets = TABLES.map(
    (name) => `  ${name}:\n    read: { changes: ${name}, key: ${KEYS[name]} }\n    columns: ${COLUMNS[name]}\n`,
  );
  return `connector:
  { type: postgres, host: ${host}, port: ${port}, user: ${user}, password: ${JSON.stringify(password)}, database: ${database}, tls: 'off' }
datasets:
${datasets.join('')}${extra}`;
}

export function captureProject(t: TestContext, server: PostgresServer, extra = ''): Promise<string> {
  return makeProject(t, { 'sources/shop.yaml': sourceYaml(server, extra) });
}

const SELECTED = {
  orders: {
    server: `SELECT order_id::text, store, amount::text, to_char(placed, 'YYYY-MM-DD HH24:MI:SS.US'), note, to_json(tags)::text, md5(body)
      FROM orders ORDER BY order_id`,
    here: `SELECT order_id::VARCHAR, store, amount::VARCHAR, strftime(placed, '%Y-%m-%d %H:%M:%S.%f'), note, tags::VARCHAR, md5(body)
      FROM orders ORDER BY order_id`,
  },
  items: {
    server: 'SELECT order_id::text, line::text, product, quantity::text FROM items ORDER BY order_id, line',
    here: 'SELECT order_id::VARCHAR, line::VARCHAR, product, quantity::VARCHAR FROM items ORDER BY order_id, line',
  },
};

async function rowsOfServer(client: pg.Client, table: (typeof TABLES)[number]): Promise<string[]> {
  const { rows } = await client.query<unknown[]>({ text: SELECTED[table].server, rowMode: 'array' });
  return rows.map((row) => JSON.stringify(row));
}

/** What differs, by table; empty when all is the same. `ask` queries the warehouse. */
export async function differences(
  server: PostgresServer,
  ask: (sql: string) => Promise<unknown[][] | undefined>,
): Promise<string[]> {
  const found: string[] = [];
  const client = await server.connect();
  try {
    for (const table of TABLES) {
      const there = await rowsOfServer(client, table);
      const here = ((await ask(SELECTED[table].here)) ?? []).map((row) => JSON.stringify(row));
      const [inHere, inThere] = [new Set(here), new Set(there)];
      found.push(
        ...here.filter((row) => !inThere.has(row)).map((row) => `${table}: only here ${row}`),
        ...there.filter((row) => !inHere.has(row)).map((row) => `${table}: only there ${row}`),
      );
      if (here.length !== there.length) found.push(`${table}: ${here.length} rows here, ${there.length} there`);
    }
  } finally {
    await client.end();
  }
  return found;
}

export async function assertSame(
  server: PostgresServer,
  ask: (sql: string) => Promise<unknown[][] | undefined>,
): Promise<void> {
  assert.deepEqual((await differences(server, ask)).slice(0, 10), []);
}
