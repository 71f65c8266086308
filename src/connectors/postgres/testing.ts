/** A database for tests. */
import type { PostgresServer } from '../../../test/servers/postgres.ts';
import { type PostgresConfig, postgresSpec } from './config.ts';
import { PostgresDatabase } from './database.ts';
import { tlsOptions } from './session.ts';

export function configOf(server: PostgresServer, settings: Record<string, unknown> = {}): PostgresConfig {
  const { host, port, user, password, database } = server;
  const context = { issues: [] as { path: (string | number)[]; message: string }[] };
  const config = postgresSpec.parse({ host, port, user, password, database, ...settings }, [], context);
  if (!config || context.issues.length > 0) throw new Error(JSON.stringify(context.issues));
  return config;
}

export async function openDatabase(
  server: PostgresServer,
  settings?: Record<string, unknown>,
): Promise<PostgresDatabase> {
  const config = configOf(server, settings);
  const database = new PostgresDatabase(config, await tlsOptions(config, '/'));
  await database.tryLogin();
  return database;
}
