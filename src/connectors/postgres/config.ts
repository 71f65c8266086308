/** The configuration of the PostgreSQL connector. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import * as settings from '../lib/sql/settings.ts';

/** What needs no quotes at the server. */
const serverName = (doc: string) =>
  s.refine(s.text({ doc, optional: true, example: 'granary_shop' }), (text, fail) =>
    text === undefined || /^[a-z_][a-z0-9_]{0,62}$/.test(text)
      ? text
      : fail(`"${text}" is no name of lower-case letters, digits and _, of at most 63 characters`),
  );

export const postgresSpec = s.object(
  {
    host: settings.host,
    port: s.integer({ doc: 'Port of the server.', default: 5432, min: 1, max: 65535 }),
    database: s.text({ doc: 'Name of the database. Each database is a source of its own.', example: 'shop' }),
    user: s.text({
      doc: 'User name. It needs to SELECT, and nothing else; to capture changes, it needs the attribute REPLICATION.',
      example: 'granary',
    }),
    password: settings.password,
    ...settings.connection,
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
