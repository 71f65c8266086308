/** The configuration of the MySQL connector. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import * as common from '../lib/fields.ts';

export const mysqlSpec = s.object(
  {
    host: s.text({ doc: 'Name or address of the server.', example: 'db.example.com' }),
    port: s.integer({ doc: 'Port of the server.', default: 3306, min: 1, max: 65535 }),
    user: s.text({
      doc: 'User name. It needs SELECT, and PROCESS so that late commits can be waited for.',
      example: 'granary',
    }),
    password: s.text({
      doc: 'Password.',
      example: '${secret:shop_database_password}',
      optional: true,
      secret: true,
    }),
    database: s.text({
      doc: 'Database of tables that are named without one.',
      example: 'shop',
      optional: true,
    }),
    tls: s.choice(['off', 'preferred', 'required'], {
      doc: 'Encryption: off, where the server offers it, or always.',
      default: 'preferred',
    }),
    ca_file: common.caFile,
    verify: s.boolean({
      doc: "Check the server's certificate and name; when not given, it is done if tls is required or ca_file is given.",
      optional: true,
    }),
    connections: s.integer({
      doc: 'At most so many connections are open at the same time.',
      default: 4,
      min: 2,
      max: 64,
    }),
    timeout: s.duration({ doc: 'How long connecting may take.', example: '30 s', default: 30 }),
    silence: s.duration({
      doc: 'How long the server may say nothing while a statement runs, before the connection counts as broken.',
      example: '30 min',
      default: 3600,
    }),
    statement_timeout: s.duration({
      doc: 'How long one statement may take; reading a table, or a chunk of one, is one statement.',
      example: '30 min',
      default: 7200,
    }),
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

export function verifies(config: MysqlConfig): boolean {
  return config.verify ?? (config.tls === 'required' || config.ca_file !== undefined);
}
