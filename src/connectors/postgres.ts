/** Tables, views and queries of a PostgreSQL database. */
import { GranaryError } from '../lib/errors.ts';
import type { ExtractConnector } from '../ports/extract.ts';
import { codeOf } from './lib/network.ts';
import { describeRead } from './lib/sql/describe.ts';
import { type SqlRead, sqlReadSpec } from './lib/sql/read.ts';
import { SqlSource } from './lib/sql/source.ts';
import { type PostgresConfig, postgresSpec } from './postgres/config.ts';

export const postgres: ExtractConnector<PostgresConfig, SqlRead> = {
  kind: 'extracts',
  type: 'postgres',
  title: 'PostgreSQL',
  spec: postgresSpec,
  read: sqlReadSpec,
  describe: describeRead,
  async open(config, context) {
    await loadDriver();
    const [{ PostgresDatabase }, { PostgresCapture }, { tlsOptions }] = await Promise.all([
      import('./postgres/database.ts'),
      import('./postgres/capture/capture.ts'),
      import('./postgres/session.ts'),
    ]);
    const database = new PostgresDatabase(config, await tlsOptions(config, context.projectDir));
    try {
      await database.tryLogin();
      return new SqlSource(database, new PostgresCapture(database, context.source ?? ''));
    } catch (e) {
      await database.close();
      throw e;
    }
  },
};

/** Error: `connector.not_installed`, when npm left the optional dependency out. */
async function loadDriver(): Promise<void> {
  try {
    await import('pg');
  } catch (e) {
    if (codeOf(e) !== 'ERR_MODULE_NOT_FOUND') throw e;
    throw new GranaryError('connector.not_installed', 'The package pg is not installed.', {
      hint: 'npm install pg',
      cause: e,
    });
  }
}
