/** Connections to the server. */
import { readFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { resolve } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import pg from 'pg';
import { GranaryError } from '../../lib/errors.ts';
import { authFailed, protocol } from '../lib/faults.ts';
import { connectFault, tlsFault } from '../lib/network.ts';
import { verifies } from '../lib/sql/settings.ts';
import { endpointOf, type PostgresConfig } from './config.ts';
import { type Copied, type CopyOptions, copyOut } from './copy.ts';
import { openFault } from './errors.ts';

/** By it our own transactions are known among those of the server. */
export const APPLICATION = 'granary';
const KEEP_ALIVE_MS = 15_000;
/** Protocol: https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SSLREQUEST */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** A connection that was logged in. `broken` once nobody should use it again. */
export class Session {
  readonly client: pg.Client;
  broken = false;
  /** Statements that run. */
  #running = 0;

  /** `silence`: seconds that the server may say nothing while a statement runs. */
  constructor(client: pg.Client, silence: number) {
    this.client = client;
    client.once('connect', () => {
      const stream = client.connection.stream as Socket;
      const listen = () => {
        stream.setTimeout(silence * 1000);
        const isSilent = this.#running > 0 && !stream.isPaused();
        if (isSilent) stream.destroy(new Error(`the server said nothing for ${silence} s`));
      };
      stream.setTimeout(silence * 1000);
      stream.on('timeout', listen);
    });
    client.on('error', () => {
      this.broken = true;
    });
    client.on('end', () => {
      this.broken = true;
    });
  }

  /** Rows of a small result, all values as the server's text. */
  readonly rows = (sql: string): Promise<(string | null)[][]> => {
    const query = { text: sql, rowMode: 'array', types: AS_TEXT } as const;
    return this.#run(async () => (await this.client.query<(string | null)[]>(query)).rows);
  };

  /** Columns of a query's result. The server plans it, and computes nothing. */
  fields(query: string): Promise<pg.FieldDef[]> {
    const before = 'SELECT * FROM (';
    const text = `${before}${closed(query)}) q LIMIT 0`;
    return this.#run(async () => {
      try {
        return (await this.client.query({ text, rowMode: 'array' })).fields;
      } catch (e) {
        if (e instanceof pg.DatabaseError && e.position) e.position = String(Number(e.position) - before.length);
        throw e;
      }
    });
  }

  /** See `copyOut`. */
  copy(statement: string, options: CopyOptions): Promise<Copied> {
    return this.#run(() => copyOut(this.client, statement, options));
  }

  async #run<T>(statement: () => Promise<T>): Promise<T> {
    this.#running++;
    try {
      return await statement();
    } finally {
      this.#running--;
    }
  }

  /** Without waiting for what runs: the server notices by itself. */
  destroy(): void {
    this.broken = true;
    this.client.connection.stream.destroy();
  }

  /** Says goodbye, unless it is broken. */
  close(): void {
    if (this.broken) this.destroy();
    else this.client.end().catch(() => undefined);
  }
}

/** A query that can stand in parentheses. */
export function closed(query: string): string {
  return `${query.trim().replace(/;$/, '').trim()}\n`;
}

const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig;

/** Whether and how connections are encrypted; asks the server when that depends on it. Errors: `connector.tls`, `connector.unreachable`. */
export async function tlsOptions(config: PostgresConfig, projectDir: string): Promise<ConnectionOptions | false> {
  if (config.tls === 'off') return false;
  const ca = config.ca_file && (await certificates(resolve(projectDir, config.ca_file)));
  const offered = await offersTls(config);
  if (!offered && config.tls === 'required')
    throw new GranaryError('connector.tls', `${endpointOf(config)} does not offer TLS, and it is required`, {
      hint: 'Ask the operator of the server to turn it on (ssl = on), or set tls: off if the network is trusted.',
    });
  if (!offered) return false;
  return { rejectUnauthorized: verifies(config), ...(ca && { ca }) };
}

async function certificates(path: string): Promise<Buffer> {
  return readFile(path).catch((e) => {
    throw new GranaryError('connector.tls', `ca_file "${path}" cannot be read`, { cause: e });
  });
}

/** Asks on a connection of its own, which sends nothing else. */
function offersTls(config: PostgresConfig): Promise<boolean> {
  const endpoint = endpointOf(config);
  return new Promise((answered, failed) => {
    const socket = createConnection({ host: config.host, port: config.port });
    const fail = (e: Error) => {
      socket.destroy();
      failed(connectFault(endpoint, e));
    };
    socket.setTimeout(config.timeout * 1000, () => fail(new Error(`no answer in ${config.timeout} s`)));
    socket.on('error', fail);
    socket.on('close', () => fail(new Error('the connection was closed')));
    socket.on('connect', () => socket.write(SSL_REQUEST));
    socket.on('data', (reply) => {
      const word = reply.toString('latin1', 0, 1);
      if (word === 'S' || word === 'N') answered(word === 'S');
      else if (word === 'E') failed(connectFault(endpoint, new Error('the server takes no connections now')));
      else failed(protocol(endpoint, 'this is no PostgreSQL server'));
      socket.destroy();
    });
  });
}

/** What the driver knows, and its types leave out: the server's side is a sender of the log, which understands simple queries, too. */
const FOR_REPLICATION = { replication: 'database' } as object;

/** Connects and logs in. Errors: `connector.unreachable`, `.tls`, `.auth_failed`, `.not_found` (the database), `.unavailable`. */
export async function openSession(
  config: PostgresConfig,
  tls: ConnectionOptions | false,
  use: 'queries' | 'replication' = 'queries',
): Promise<Session> {
  const endpoint = endpointOf(config);
  const { host, port, user, database } = config;
  const client = new pg.Client({
    host,
    port,
    user,
    database,
    // Asked for only when the server wants one; nothing is taken from the environment or from ~/.pgpass.
    password: () => {
      if (config.password === undefined || config.password === '')
        throw authFailed(endpoint, undefined, 'The server wants a password: set it in the connection of this source.');
      return config.password;
    },
    ssl: tls && { ...tls },
    application_name: APPLICATION,
    connectionTimeoutMillis: config.timeout * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    ...(use === 'replication' && FOR_REPLICATION),
  });
  const session = new Session(client, config.silence);
  try {
    await client.connect();
  } catch (e) {
    session.destroy();
    if (e instanceof Error && 'code' in e && e.code === 'ERR_TLS_CERT_ALTNAME_INVALID')
      throw tlsFault(endpoint, e, 'The certificate is for another name: connect by that name, or set verify: false.');
    throw openFault(endpoint, e);
  }
  return session;
}
