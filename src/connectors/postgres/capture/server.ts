/** What capturing needs of a server: a publication, a slot and its settings; made where the user may, and else told with the SQL that makes them. */
import { GranaryError } from '../../../lib/errors.ts';
import type { PostgresDatabase } from '../database.ts';
import { postgresDialect } from '../dialect.ts';
import { queryFault } from '../errors.ts';
import type { Session } from '../session.ts';
import { FORMS } from '../snapshot.ts';
import { HOLDER } from './holder.ts';
import type { CapturedTable } from './tables.ts';

const { ident, text } = postgresDialect;

export const NOW_LSN =
  'CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_flush_lsn() END';
export const INSERT_LSN =
  'CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_insert_lsn() END';
export const NOW_MS = '(extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint';

export const unfit = (endpoint: string, why: string, hint: string): GranaryError =>
  new GranaryError('connector.unsupported', `${endpoint}: changes cannot be captured: ${why}.`, { hint });

/** Error: `connector.unsupported` with the setting. */
export async function checkSettings(database: PostgresDatabase): Promise<void> {
  const [[level] = []] = await database.query('asking for settings', "SELECT pg_catalog.current_setting('wal_level')");
  if (level !== 'logical')
    throw unfit(
      database.endpoint,
      `wal_level is ${level}, so that the log does not tell rows`,
      "ALTER SYSTEM SET wal_level = 'logical'; then restart the server. (Amazon RDS: rds.logical_replication = 1.)",
    );
}

/** A connection that can stream, with values in the forms in which they are read otherwise. */
export async function openReplication(database: PostgresDatabase): Promise<Session> {
  const { user } = database.config;
  let session: Session;
  try {
    session = await database.replicationSession();
  } catch (e) {
    if (!(e instanceof GranaryError) || e.code !== 'connector.denied') throw e;
    throw new GranaryError('connector.denied', `${database.endpoint}: ${user} may not read the log of the server.`, {
      cause: e,
      hint: `ALTER ROLE ${ident(user)} REPLICATION; (Amazon RDS: GRANT rds_replication TO ${ident(user)};)`,
    });
  }
  try {
    const settings = {
      ...FORMS,
      application_name: HOLDER,
      statement_timeout: '0',
      idle_in_transaction_session_timeout: '0',
    };
    await session.rows(
      Object.entries(settings)
        .map(([name, value]) => `SET ${name} = ${text(value)}`)
        .join('; '),
    );
    return session;
  } catch (e) {
    session.destroy();
    throw queryFault(database.endpoint, 'beginning to read the log', e);
  }
}

/** The identifier of the cluster. */
export async function systemOf(session: Session): Promise<string> {
  const [[system] = []] = await session.rows('IDENTIFY_SYSTEM');
  return system ?? '';
}

interface Publication {
  /** It tells all kinds of changes. */
  isWhole: boolean;
  viaRoot: boolean;
  /** Tables that are not captured, as SQL lists them. */
  others: string | undefined;
}

export interface Published {
  /** The publication was made now. */
  isNew: boolean;
  /** Datasets whose tables the user may not add to it, with the SQL to run. */
  refused: Map<string, GranaryError>;
}

/**
 * The publication has the tables, all their changes, and all their rows. `isOwn`: tables that are not captured are taken out of it, as a table that cannot
 * be captured may not be written to while it is published. Errors: `connector.denied` with the SQL to run, `connector.unsupported`.
 */
export async function ensurePublication(
  database: PostgresDatabase,
  name: string,
  isOwn: boolean,
  tables: readonly CapturedTable[],
): Promise<Published> {
  const refused = new Map<string, GranaryError>();
  const publication = await publicationOf(database, name, tables);
  const listed = (of: readonly CapturedTable[]) => [...new Set(of.map((t) => ident(...t.name)))].join(', ');
  if (!publication && tables.length === 0) return { isNew: false, refused };
  if (!publication) {
    const sql = `CREATE PUBLICATION ${ident(name)} FOR TABLE ${listed(tables)} WITH (publish_via_partition_root = true)`;
    await change(database, sql, 'making a publication', isDuplicate);
    return { isNew: true, refused };
  }
  const alter = `ALTER PUBLICATION ${ident(name)}`;
  if (!publication.isWhole)
    throw unfit(
      database.endpoint,
      `the publication ${name} leaves out some kinds of changes`,
      `${alter} SET (publish = 'insert, update, delete, truncate');`,
    );
  if (!publication.viaRoot)
    for (const { dataset } of tables.filter((t) => t.isPartitioned))
      refused.set(
        dataset,
        unfit(
          database.endpoint,
          `the publication ${name} tells changes of partitions as those of other tables`,
          `${alter} SET (publish_via_partition_root = true);`,
        ),
      );
  const missing = tables.filter((t) => t.member === '' && !refused.has(t.dataset));
  const add = (of: readonly CapturedTable[]) =>
    change(database, `${alter} ADD TABLE ${listed(of)}`, 'adding to the publication');
  if (missing.length > 0)
    await add(missing).catch(async (e) => {
      if (!isDenied(e)) throw e;
      for (const name of new Set(missing.map((t) => listed([t])))) {
        const of = missing.filter((t) => listed([t]) === name);
        await add(of).catch((cause) => {
          if (!isDenied(cause)) throw cause;
          for (const { dataset } of of) refused.set(dataset, cause);
        });
      }
    });
  // What is not captured any more would only be sent for nothing; where it cannot be taken out, it is left.
  if (isOwn && publication.others)
    await database
      .query('taking tables out of the publication', `${alter} DROP TABLE ${publication.others}`)
      .catch(() => undefined);
  return { isNew: false, refused };
}

async function publicationOf(
  database: PostgresDatabase,
  name: string,
  tables: readonly CapturedTable[],
): Promise<Publication | undefined> {
  const known = [0, ...tables.map((t) => t.oid)].join(', ');
  const [row] = await database.query(
    'asking for the publication',
    `SELECT p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate, p.pubviaroot,
       (SELECT pg_catalog.string_agg(r.prrelid::pg_catalog.regclass::text, ', ') FROM pg_catalog.pg_publication_rel r
        WHERE r.prpubid = p.oid AND r.prrelid NOT IN (${known}))
     FROM pg_catalog.pg_publication p WHERE p.pubname = ${text(name)}`,
  );
  return row && { isWhole: row[0] === 't', viaRoot: row[1] === 't', others: row[2] ?? undefined };
}

async function change(
  database: PostgresDatabase,
  sql: string,
  doing: string,
  isDone: (e: unknown) => boolean = () => false,
): Promise<void> {
  try {
    await database.query(doing, sql);
  } catch (e) {
    if (isDone(e)) return;
    if (!isDenied(e)) throw e;
    throw new GranaryError(
      'connector.denied',
      `${database.endpoint}: ${database.config.user} may not do this, while ${doing}.`,
      {
        cause: e,
        hint: `Somebody who owns the tables has to run: ${sql};`,
      },
    );
  }
}

const isDenied = (e: unknown): e is GranaryError => e instanceof GranaryError && e.code === 'connector.denied';

/** Another process has made it in the meantime. */
const isDuplicate = (e: unknown): boolean => e instanceof GranaryError && e.details?.['sqlstate'] === '42710';
