/** The configuration of the MySQL connector. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import * as settings from '../lib/sql/settings.ts';

export const mysqlSpec = s.object(
  {
    host: settings.host,
    port: s.integer({ doc: 'Port of the server.', default: 3306, min: 1, max: 65535 }),
    user: s.text({
      doc: 'User name. It needs SELECT, and PROCESS so that late commits can be waited for.',
      example: 'granary',
    }),
    password: settings.password,
    database: s.text({
      doc: 'Database of tables that are named without one.',
      example: 'shop',
      optional: true,
    }),
    ...settings.connection,
    zero_dates: s.choice(['reject', 'null', 'text'], {
      doc: 'What becomes of 0000-00-00 and of dates with a month or day 0: rows with them are rejected with their reason, the value becomes NULL, or discover proposes text for all dates.',
      default: 'reject',
    }),
  },
  { doc: 'Reads tables, views and queries of a MySQL or MariaDB server. Nothing is locked or written there.' },
);

export type MysqlConfig = Infer<typeof mysqlSpec>;

/** For messages. */
export function endpointOf({ host, port }: MysqlConfig): string {
  return `mysql://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
