/** A PostgreSQL server: a fresh cluster in a temporary folder, reached by TCP with a password and by a local socket without. */

import { globSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { makeCertificate, type TestCertificate } from './certificate.ts';
import { account, freePorts, isRoot, LOOPBACK, missing, type RunningServer, run, startServer } from './processes.ts';

/** The server refuses to run as root. */
const ACCOUNT = 'postgres';
const programs = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => version(b) - version(a))[0];
const BIN = programs ?? '/usr/lib/postgresql/bin';

export interface PostgresServer {
  host: string;
  port: number;
  /** May log in, owns the database, is no superuser. */
  user: string;
  password: string;
  database: string;
  certificate: TestCertificate;
  /** A folder that the server can write to. */
  scratch: string;
  /** Runs statements as a superuser; rows of the last one. */
  admin(sql: string): Promise<Record<string, unknown>[]>;
  /** A connection of a superuser, over the socket. The caller ends it. */
  connect(database?: string): Promise<pg.Client>;
  /** SIGKILL to the server and what it started: nothing is written any more. */
  kill(): Promise<void>;
  /** Stops if it runs, and starts again on the same port with the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const postgresMissing = () => missing(join(BIN, 'postgres'), join(BIN, 'initdb'));

/**
 * `tls: 'required'` refuses connections over TCP without it, `'none'` does not offer it. `settings` are lines of `postgresql.conf`.
 * Logical replication is possible. Writes are not synced: a killed server loses nothing, a killed machine does.
 */
export async function startPostgres(
  options: { tls?: 'none' | 'offered' | 'required'; settings?: string[] } = {},
): Promise<PostgresServer> {
  const { tls = 'offered', settings = [] } = options;
  const folder = await mkdtemp('/tmp/granary-postgres-');
  const [data, sockets] = [join(folder, 'data'), join(folder, 'sockets')];
  const port = await freePorts();
  const certificate = await makeCertificate(folder);
  await mkdir(sockets);
  if (isRoot) {
    const { uid, gid } = await account(ACCOUNT);
    for (const path of [folder, sockets, certificate.certificate, certificate.key]) await chown(path, uid, gid);
  }
  await chmod(certificate.key, 0o600);
  const initdb = ['-D', data, '-U', ACCOUNT, '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
  await run(...asServer('initdb', initdb));
  await appendFile(
    join(data, 'postgresql.conf'),
    `${[...configuration(port, sockets, tls, certificate), ...settings].join('\n')}\n`,
  );
  const kind = tls === 'required' ? 'hostssl' : 'host';
  const access = [
    'local all all trust',
    `${kind} all all ${LOOPBACK}/32 scram-sha-256`,
    `${kind} replication all ${LOOPBACK}/32 scram-sha-256`,
  ];
  await writeFile(join(data, 'pg_hba.conf'), `${access.join('\n')}\n`);

  let server: RunningServer | undefined;
  const start = async () => {
    server = await startServer(...asServer('postgres', ['-D', data]), { port, stopBy: 'SIGINT' });
    await ready(() => connect('postgres'));
  };
  const connect = async (database: string) => {
    const client = new pg.Client({ host: sockets, port, user: ACCOUNT, database });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const [user, password, database] = ['granary', "Pass word-'€1", 'shop'];
  const admin = async (sql: string, on = database) => {
    const client = await connect(on);
    try {
      const result = await client.query(sql);
      return (Array.isArray(result) ? result.at(-1) : result).rows;
    } finally {
      await client.end();
    }
  };
  await start();
  await admin(`CREATE ROLE ${user} LOGIN PASSWORD ${pg.escapeLiteral(password)}`, 'postgres');
  await admin(`CREATE DATABASE ${database} OWNER ${user}`, 'postgres');
  return {
    host: LOOPBACK,
    port,
    user,
    password,
    database,
    certificate,
    scratch: sockets,
    admin: (sql) => admin(sql),
    connect: (on = database) => connect(on),
    async kill() {
      if (!server) return;
      // The processes of its connections are in groups of their own, and would say goodbye.
      const children = await readFile(`/proc/${server.pid}/task/${server.pid}/children`, 'utf8');
      const killed = server.kill();
      for (const pid of children.split(' ').filter((pid) => pid.trim() !== '')) kill(Number(pid));
      await killed;
      server = undefined;
    },
    async restart() {
      await server?.stop();
      await start();
    },
    async stop() {
      await server?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function configuration(port: number, sockets: string, tls: string, { certificate, key }: TestCertificate): string[] {
  return [
    `port = ${port}`,
    `listen_addresses = '${LOOPBACK}'`,
    `unix_socket_directories = '${sockets}'`,
    'fsync = off',
    'wal_level = logical',
    'max_replication_slots = 8',
    'max_wal_senders = 8',
    'max_connections = 50',
    'shared_buffers = 64MB',
    // What a server in another part of the world has.
    "timezone = 'Asia/Kathmandu'",
    "datestyle = 'SQL, DMY'",
    ...(tls === 'none' ? [] : ['ssl = on', `ssl_cert_file = '${certificate}'`, `ssl_key_file = '${key}'`]),
  ];
}

/** A program of the server's and its arguments, under the account that may run it. */
function asServer(program: string, args: string[]): [string, string[]] {
  const path = join(BIN, program);
  if (!isRoot) return [path, args];
  return ['setpriv', [`--reuid=${ACCOUNT}`, `--regid=${ACCOUNT}`, '--init-groups', '--', path, ...args]];
}

/** It takes connections before it can serve them: after a kill it recovers first. */
async function ready(connect: () => Promise<pg.Client>): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await (await connect()).end();
      return;
    } catch (e) {
      if (tries > 600) throw e;
      await new Promise((r) => setTimeout(r, 50));
    }
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {} // it has ended
}

function version(path: string): number {
  return Number(path.split('/')[4]);
}
