/**
 * A server of the MySQL family: a fresh data directory in a temporary folder, reached by TCP with a password and by a local socket without.
 */
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { makeCertificate, type TestCertificate } from './certificate.ts';
import { account, freePorts, isRoot, LOOPBACK, type RunningServer, run, startServer } from './processes.ts';

/** The server does not like to run as root. */
const ACCOUNT = 'mysql';

/** What makes one of them different. */
export interface Family {
  name: string;
  program: string;
  /** Before all options. */
  before: string[];
  /** Makes the data directory: program and arguments, without those of this file. */
  install: { program: string; before: string[]; args: string[] };
  /** Options of every start. */
  settings: string[];
  /** Instead of a certificate. */
  withoutTls: string;
  /** Global rights of the user. */
  rights: string;
  /** A SELECT of whole numbers, as `seq`. */
  numbers(first: number, last: number): string;
}

export interface MysqlServer {
  host: string;
  port: number;
  socket: string;
  /** May read and write its databases, named `shop…`, and see transactions (PROCESS); no superuser. */
  user: string;
  password: string;
  database: string;
  certificate: TestCertificate;
  /** A connection of the superuser, over the socket. The caller ends it. */
  connect(database?: string): Promise<Connection>;
  /** Runs statements, one after the other, as the superuser; rows of the last one. */
  admin(...statements: string[]): Promise<Record<string, unknown>[]>;
  /** A SELECT of whole numbers, as `seq`. */
  numbers(first: number, last: number): string;
  /** SIGKILL: nothing is written any more. */
  kill(): Promise<void>;
  /** Stops if it runs, and starts again on the same port with the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  tls?: boolean;
  /** Of the server, such as `--max-connections=5`. */
  settings?: string[];
}

/**
 * Writes a binary log of rows with full metadata, with GTIDs. The time zones of the server and of its machine are different. Writes are not
 * synced: a killed server loses nothing, a killed machine does.
 */
export async function startFamilyServer(family: Family, options: ServerOptions = {}): Promise<MysqlServer> {
  const { tls = true, settings = [] } = options;
  const folder = await mkdtemp(`/tmp/granary-${family.name}-`);
  const [data, temporary, socket] = [join(folder, 'data'), join(folder, 'tmp'), join(folder, 'server.sock')];
  const certificate = await makeCertificate(folder);
  await mkdir(data);
  await mkdir(temporary);
  await chmod(certificate.key, 0o600);
  if (isRoot) {
    const { uid, gid } = await account(ACCOUNT);
    for (const path of [folder, data, temporary, certificate.certificate, certificate.key]) await chown(path, uid, gid);
  }
  const asAccount = isRoot ? [`--user=${ACCOUNT}`] : [];
  // A server that starts deletes what others have as temporary tables in the same folder.
  const apart = `--tmpdir=${temporary}`;
  const { program, before, args: making } = family.install;
  const empty = [...asAccount, `--datadir=${data}`, apart, '--skip-log-bin'];
  await run(program, [...before, '--no-defaults', ...making, ...empty]);
  // Only now: what is free may not be so for long.
  const port = await freePorts();
  const args = [
    ...family.before,
    '--no-defaults',
    ...family.settings,
    ...asAccount,
    `--datadir=${data}`,
    apart,
    `--socket=${socket}`,
    `--port=${port}`,
    `--bind-address=${LOOPBACK}`,
    `--pid-file=${join(folder, 'pid')}`,
    '--skip-name-resolve',
    '--default-time-zone=+05:30',
    '--innodb-buffer-pool-size=256M',
    '--innodb-flush-log-at-trx-commit=2',
    `--log-bin=${join(data, 'binlog')}`,
    '--sync-binlog=0',
    '--server-id=1',
    '--binlog-format=ROW',
    '--binlog-row-image=FULL',
    '--binlog-row-metadata=FULL',
    ...(tls ? [`--ssl-cert=${certificate.certificate}`, `--ssl-key=${certificate.key}`] : [family.withoutTls]),
    ...settings,
  ];
  let server: RunningServer | undefined;
  const connect = async (database?: string) => {
    const connection = await mysql.createConnection({
      socketPath: socket,
      user: 'root',
      supportBigNumbers: true,
      bigNumberStrings: true,
      dateStrings: true,
      ...(database && { database }),
    });
    connection.on('error', () => undefined);
    return connection;
  };
  const [user, password, database] = ['granary', "Pass word-'€1", 'shop'];
  const admin = async (...statements: string[]) => {
    const connection = await connect(database);
    try {
      let rows: Record<string, unknown>[] = [];
      for (const statement of statements) {
        const [result] = await connection.query<RowDataPacket[]>(statement);
        rows = Array.isArray(result) ? result : [];
      }
      return rows;
    } finally {
      await connection.end();
    }
  };
  server = await startServer(family.program, args, { port, env: { TZ: 'America/New_York' } });
  // It listens on TCP a moment before the socket is there.
  const root = await patiently(connect).catch(async (e) => {
    await server?.kill();
    throw e;
  });
  await root.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
  await root.query('CREATE USER ?@? IDENTIFIED BY ?', [user, '%', password]);
  await root.query('GRANT ALL ON `shop%`.* TO ?@?', [user, '%']);
  await root.query(`GRANT ${family.rights} ON *.* TO ?@?`, [user, '%']);
  await root.end();
  return {
    host: LOOPBACK,
    port,
    socket,
    user,
    password,
    database,
    certificate,
    connect,
    admin,
    numbers: family.numbers,
    async kill() {
      await server?.kill();
      server = undefined;
    },
    async restart() {
      await server?.stop();
      server = await startServer(family.program, args, { port, env: { TZ: 'America/New_York' } });
      await (await patiently(connect)).end();
    },
    async stop() {
      await server?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function patiently<T>(open: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await open();
    } catch (e) {
      // A server that was killed has left its socket.
      if (tries === 100 || !['ENOENT', 'ECONNREFUSED'].includes((e as { code?: string }).code ?? '')) throw e;
      await delay(100);
    }
  }
}
