/** Tables of MySQL and MariaDB servers. */
import type { ExtractConnector } from '../ports/extract.ts';
import { describeRead } from './lib/sql/describe.ts';
import { type SqlRead, sqlReadSpec } from './lib/sql/read.ts';
import { SqlSource } from './lib/sql/source.ts';
import { type MysqlConfig, mysqlSpec } from './mysql/config.ts';

export const mysql: ExtractConnector<MysqlConfig, SqlRead> = {
  kind: 'extracts',
  type: 'mysql',
  title: 'MySQL and MariaDB',
  spec: mysqlSpec,
  read: sqlReadSpec,
  describe: describeRead,
  async open(config, context) {
    const [{ loadDriver }, { MysqlDatabase }, { MysqlCapture }] = await Promise.all([
      import('./mysql/connect.ts'),
      import('./mysql/database.ts'),
      import('./mysql/capture/capture.ts'),
    ]);
    const database = await MysqlDatabase.open(await loadDriver(), config, context.projectDir);
    return new SqlSource(database, new MysqlCapture(database));
  },
};
