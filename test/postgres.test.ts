/** PostgreSQL as a source of rows, against its contract. What is special to it: `src/connectors/postgres.test.ts`. */
import type pg from 'pg';
import { postgres } from '../src/connectors/postgres.ts';
import { extractSourceContract, type Writer } from './contracts/extract-source.ts';
import { startCuttingProxy } from './servers/cutting-proxy.ts';
import { type PostgresServer, postgresMissing, startPostgres } from './servers/postgres.ts';
import { freePorts } from './servers/processes.ts';
import { parseAll } from './support/extracting.ts';
import { WIDE } from './support/postgres-wide.ts';

const opened = (settings: Record<string, unknown>) =>
  postgres.open(parseAll(postgres.spec, settings), { projectDir: '/tmp' });

const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;

async function writerTo(server: PostgresServer): Promise<Writer> {
  const client = await server.connect();
  await client.query("SET timezone = 'UTC'");
  return {
    run: async (statement) => void (await client.query(statement)),
    rows: async (text) => (await client.query<Record<string, string | null>>({ text, types: AS_TEXT })).rows,
    end: () => client.end(),
  };
}

extractSourceContract('postgres', postgresMissing(), async () => {
  const server = await startPostgres();
  const others: [string, string] = ['shop_north', 'shop_south'];
  const readers = 'granary, reader';
  await server.admin(`CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT pg_read_all_stats TO granary;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${readers};
    ${others.map((name) => `CREATE SCHEMA ${name}; GRANT USAGE ON SCHEMA ${name} TO ${readers}`).join(';')}`);
  const { host, port, user, password, database, certificate } = server;
  const settings = { host, port, user, password, database, tls: 'required', ca_file: certificate.certificate };
  return {
    connector: postgres,
    open: (more = {}) => opened({ ...settings, ...more }),
    openWithWrongCredentials: () => opened({ ...settings, password: 'wrong password' }),
    openUnreachable: async () => opened({ ...settings, port: await freePorts() }),
    openThrough: (proxy) => opened({ ...settings, host: proxy.host, silence: '5 s' }),
    openUnprivileged: () => opened({ ...settings, user: 'reader', password: 'reader' }),
    startProxy: () => startCuttingProxy([port]),
    connect: () => writerTo(server),
    others,
    instant: 'TIMESTAMPTZ',
    now: 'now()',
    insertMany: (table, first, n) =>
      `INSERT INTO ${table} (id, name, amount, updated_at) SELECT i, 'name ' || i, i / 100.0, clock_timestamp() FROM generate_series(${first}, ${first + n - 1}) i`,
    wide: WIDE,
    stop: server.stop,
  };
});
