/** Connections to the server, and the session that all of them have. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { Connection, ConnectionOptions, FieldPacket, RowDataPacket } from 'mysql2';
import { GranaryError } from '../../lib/errors.ts';
import { codeOf } from '../lib/network.ts';
import { verifies } from '../lib/sql/settings.ts';
import { endpointOf, type MysqlConfig } from './config.ts';
import { openFault } from './faults.ts';
import { type RawConnection, SILENT } from './row-stream.ts';
import type { ResultField } from './types.ts';

export type Driver = typeof import('mysql2');

/** Error: `connector.not_installed`. */
export async function loadDriver(): Promise<Driver> {
  try {
    return (await import('mysql2')).default as unknown as Driver;
  } catch (e) {
    if (codeOf(e) !== 'ERR_MODULE_NOT_FOUND') throw e;
    throw new GranaryError('connector.not_installed', 'The package mysql2 is not installed.', {
      hint: 'Sources of type mysql need it: npm install mysql2',
      cause: e,
    });
  }
}

type Trust = NonNullable<Exclude<ConnectionOptions['ssl'], string>>;

/** Whom a connection with TLS trusts. Error: `connector.tls`. */
export async function trustOf(config: MysqlConfig, projectDir: string): Promise<Trust | undefined> {
  if (config.tls === 'off') return undefined;
  const verify = verifies(config);
  const trust: Trust = { rejectUnauthorized: verify, verifyIdentity: verify, minVersion: 'TLSv1.2' };
  if (!config.ca_file) return trust;
  const path = resolve(projectDir, config.ca_file);
  const ca = await readFile(path, 'utf8').catch((e) => {
    throw new GranaryError('connector.tls', `ca_file "${path}" cannot be read`, { cause: e });
  });
  return { ...trust, ca };
}

/** Milliseconds without a byte from a server that has to answer, after which a connection counts as broken. */
const SILENCE = new WeakMap<RawConnection, number>();
export const silenceOf = (connection: RawConnection): number => SILENCE.get(connection) ?? 0;

export interface Session {
  connection: RawConnection;
  isMariaDb: boolean;
}

/** A connection whose times are UTC, whose texts are UTF-8, and whose transactions see one state. GranaryErrors. */
export async function openSession(driver: Driver, config: MysqlConfig, trust: Trust | undefined): Promise<Session> {
  const endpoint = endpointOf(config);
  try {
    const connection = await connected(driver, config, trust);
    try {
      SILENCE.set(connection, config.silence * 1000);
      const [[version]] = (await ask(connection, 'SELECT VERSION()')) as [[string]];
      const isMariaDb = /mariadb/i.test(version);
      for (const statement of settings(config, isMariaDb)) await ask(connection, statement);
      return { connection, isMariaDb };
    } catch (e) {
      connection.destroy();
      throw e;
    }
  } catch (e) {
    throw openFault(endpoint, e);
  }
}

function settings(config: MysqlConfig, isMariaDb: boolean): string[] {
  const seconds = config.statement_timeout;
  return [
    'SET NAMES utf8mb4',
    "SET SESSION time_zone = '+00:00', sql_mode = '', net_write_timeout = 7200, lock_wait_timeout = 60",
    'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    isMariaDb
      ? `SET SESSION max_statement_time = ${seconds}`
      : // What MySQL 8 says of its tables is a day old otherwise.
        `SET SESSION max_execution_time = ${Math.round(seconds * 1000)} /*!80000 , information_schema_stats_expiry = 0 */`,
  ];
}

async function connected(driver: Driver, config: MysqlConfig, trust: Trust | undefined): Promise<RawConnection> {
  try {
    return await connectOnce(driver, config, trust);
  } catch (e) {
    if (config.tls !== 'preferred' || codeOf(e) !== 'HANDSHAKE_NO_SSL_SUPPORT') throw e;
    return connectOnce(driver, config, undefined);
  }
}

function connectOnce(driver: Driver, config: MysqlConfig, trust: Trust | undefined): Promise<RawConnection> {
  return new Promise((found, failed) => {
    const connection = driver.createConnection({
      host: config.host,
      port: config.port,
      user: config.user,
      password: config.password ?? '',
      ...(config.database !== undefined && { database: config.database }),
      ...(trust && { ssl: trust }),
      charset: 'utf8mb4',
      connectTimeout: config.timeout * 1000,
      enableKeepAlive: true,
      keepAliveInitialDelay: 30_000,
      flags: ['-LOCAL_FILES'],
      disableEval: true,
    } as ConnectionOptions) as Connection;
    const raw = connection as unknown as RawConnection;
    // The name that a certificate is checked against: Node only knows it when it had to be looked up.
    if (isIP(config.host)) Object.assign(raw.stream, { _host: config.host });
    connection.once('connect', () => {
      connection.off('error', failed);
      connection.on('error', () => undefined);
      found(raw);
    });
    connection.once('error', failed);
  });
}

/** Rows of a small result, as text. Errors: those of the driver. */
export async function ask(connection: RawConnection, sql: string): Promise<(string | null)[][]> {
  return (await askWithFields(connection, sql)).rows;
}

export function askWithFields(
  connection: RawConnection,
  sql: string,
): Promise<{ rows: (string | null)[][]; fields: ResultField[] }> {
  return new Promise((found, failed) => {
    const socket = connection.stream;
    const onError = (e: unknown) => failed(e);
    const onSilence = () => void socket.destroy(SILENT());
    connection.once('error', onError);
    socket.setTimeout(silenceOf(connection)).on('timeout', onSilence);
    const options = { sql, rowsAsArray: true, typeCast: false };
    (connection as unknown as Connection).query<RowDataPacket[][]>(options, (e, rows, fields: FieldPacket[]) => {
      connection.off('error', onError);
      socket.setTimeout(0).off('timeout', onSilence);
      if (e) return failed(e);
      const texts = Array.isArray(rows) ? (rows as unknown as (Buffer | null)[][]) : [];
      found({
        rows: texts.map((row) => row.map((v) => (v === null ? null : v.toString()))),
        fields: (fields ?? []) as unknown as ResultField[],
      });
    });
  });
}
