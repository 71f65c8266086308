/** Settings of a connection that every database has. */
import { s } from '../../../lib/spec/fields.ts';
import * as common from '../fields.ts';

export const host = s.text({ doc: 'Name or address of the server.', example: 'db.example.com' });

export const password = s.text({
  doc: 'Password.',
  example: '${secret:shop_database_password}',
  optional: true,
  secret: true,
});

/** Encryption, how many connections, and how long things may take. */
export const connection = {
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
};

/** Whether the server's certificate is checked. */
export function verifies(config: { verify?: boolean | undefined; tls: string; ca_file?: string | undefined }): boolean {
  return config.verify ?? (config.tls === 'required' || config.ca_file !== undefined);
}
