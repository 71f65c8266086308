/** The configuration of the PostgreSQL connector. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import * as common from '../lib/fields.ts';

/** What needs no quotes at the server. */
const serverName = (doc: string) =>
  s.refine(s.text({ doc, optional: true, example: 'granary_shop' }), (text, fail) =>
    text === undefined || /^[a-z_][a-z0-9_]{0,62}$/.test(text)
      ? text
      : fail(`"${text}" is no name of lower-case letters, digits and _, of at most 63 characters`),
  );

export const postgresSpec = s.object(
  {
    host: s.text({ doc: 'Name or address of the server.', example: 'db.example.com' }),
    port: s.integer({ doc: 'Port of the server.', default: 5432, min: 1, max: 65535 }),
    database: s.text({ doc: 'Name of the database. Each database is a source of its own.', example: 'shop' }),
    user: s.text({
      doc: 'User name. It needs to SELECT, and nothing else; to capture changes, it needs the attribute REPLICATION.',
      example: 'granary',
    }),
    password: s.text({
      doc: 'Password.',
      example: '${secret:shop_database_password}',
      optional: true,
      secret: true,
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
    capture: s.object(
      {
        publication: serverName(
          'Publication of the captured tables; `granary_` and the name of the source when not given. It is made where the user may.',
        ),
        slot: serverName(
          'Replication slot; `granary_` and the name of the source when not given. No other project may use it.',
        ),
        retained_limit: s.size({
          doc: 'How much of its log the server may keep for the slot, before someone is told.',
          example: '50 GB',
          default: 10e9,
        }),
      },
      { doc: 'How changes are captured, for datasets with `changes`.' },
    ),
  },
  {
    doc: 'Reads tables, views and queries of a PostgreSQL database. Nothing is locked or written there, except that a publication and a replication slot are made to capture changes.',
  },
);

export type PostgresConfig = Infer<typeof postgresSpec>;

/** For messages. */
export function endpointOf({ host, port, database }: PostgresConfig): string {
  return `postgres://${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
}
