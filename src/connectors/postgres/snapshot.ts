/** A read-only transaction that sees one state of the database, and further connections that see the same one. */
import { GranaryError } from '../../lib/errors.ts';
import { cancelled } from '../lib/faults.ts';
import type { Pool } from '../lib/pool.ts';
import type { RowSink, Snapshot, TableName } from '../lib/sql/database.ts';
import { BEFORE_CHRIST, isTime, lineBeforeChrist } from './before-christ.ts';
import { postgresDialect } from './dialect.ts';
import { queryFault } from './errors.ts';
import { closed, type Session } from './session.ts';

const LOCK_TIMEOUT_S = 30;

export interface SnapshotContext {
  endpoint: string;
  pool: Pool<Session>;
  /** Seconds. */
  statementTimeout: number;
}

/** In which values are written as text. */
export const FORMS = {
  datestyle: 'ISO, YMD',
  intervalstyle: 'postgres',
  timezone: 'UTC',
  extra_float_digits: '3',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  client_encoding: 'UTF8',
};

export interface SnapshotOptions {
  /** One that was exported by a transaction that is open yet; undefined: it is taken now. */
  exported?: string;
  /**
   * Tables that keep their form until the end. A table that is written anew by an ALTER after the snapshot was taken, and before it is read,
   * looks empty: https://www.postgresql.org/docs/current/mvcc-caveats.html
   */
  held?: readonly TableName[];
}

export async function openSnapshot(
  context: SnapshotContext,
  signal: AbortSignal | undefined,
  options: SnapshotOptions = {},
): Promise<Snapshot> {
  const session = await context.pool.acquire();
  const snapshot = new PostgresSnapshot(context, session, signal);
  try {
    await snapshot.begin(options);
    return snapshot;
  } catch (e) {
    await snapshot.close();
    throw e;
  }
}

class PostgresSnapshot implements Snapshot {
  readonly sharesSnapshot = true;
  /** The oldest transaction that was open, as a number that may have wrapped around. */
  state = '';
  readonly #context: SnapshotContext;
  readonly #session: Session;
  readonly #signal: AbortSignal | undefined;
  #name = '';
  #open = true;

  constructor(context: SnapshotContext, session: Session, signal: AbortSignal | undefined) {
    this.#context = context;
    this.#session = session;
    this.#signal = signal;
  }

  /** Settings are those of the transaction, so that they hold behind a pooler, too. */
  async begin({ exported, held = [] }: SnapshotOptions): Promise<void> {
    const { statementTimeout } = this.#context;
    const settings = {
      ...FORMS,
      standard_conforming_strings: 'on',
      quote_all_identifiers: 'off',
      // Compiling pays for what is computed, and here nearly nothing is.
      jit: 'off',
      statement_timeout: `${statementTimeout}s`,
      lock_timeout: `${LOCK_TIMEOUT_S}s`,
      idle_in_transaction_session_timeout: '0',
    };
    const { text, ident } = postgresDialect;
    await this.#ask('taking a snapshot', async () => {
      await this.#session.rows(
        [
          'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY',
          ...(exported === undefined ? [] : [`SET TRANSACTION SNAPSHOT ${text(exported)}`]),
          ...Object.entries(settings).map(([name, value]) => `SET LOCAL ${name} = ${text(value)}`),
          ...held.map((table) => `LOCK TABLE ${ident(...table)} IN ACCESS SHARE MODE`),
        ].join('; '),
      );
      // The first query takes the snapshot.
      const name = exported === undefined ? 'pg_catalog.pg_export_snapshot()' : text(exported);
      const state = 'pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.xid';
      const [row] = await this.#session.rows(`SELECT ${name}, ${state}`);
      [this.#name, this.state] = row as [string, string];
    });
  }

  rows(query: string): Promise<(string | null)[][]> {
    return this.#ask('querying', () => this.#session.rows(query));
  }

  copy(query: string, out: RowSink): Promise<number> {
    return this.#ask(
      'reading',
      async () => {
        // A row that is one empty text would be an empty line, which is no row.
        const columns = await this.#session.fields(query);
        const quoting = columns.length === 1 ? ', FORCE_QUOTE *' : '';
        const statement = `COPY (${closed(query)}) TO STDOUT (FORMAT csv, NULL '\\N', ENCODING 'UTF8'${quoting})`;
        const times = columns.map((c) => isTime(c.dataTypeID));
        const rewrite = (line: Buffer) => lineBeforeChrist(line, times);
        const { declared, received } = await this.#session.copy(statement, {
          write: (bytes, rows) => out.write(bytes, rows),
          rewriting: times.includes(true) ? { mark: BEFORE_CHRIST, rewrite } : undefined,
          signal: out.signal,
        });
        if (declared !== received)
          throw new GranaryError(
            'connector.protocol',
            `${this.#context.endpoint} says that it has sent ${declared} rows; ${received} came`,
            { transient: true },
          );
        return declared;
      },
      out.signal,
    );
  }

  /**
   * Every version of a row has the transaction that wrote it. If none is as new as those that were open then, and there are as many rows, then none was
   * changed, added or removed.
   */
  async isUnchanged(state: string, from: string, where: string, rows: number): Promise<boolean> {
    const newer = `pg_catalog.age(xmin) <= pg_catalog.age(${postgresDialect.text(state)}::pg_catalog.xid)`;
    const [counted] = await this.rows(`SELECT count(*), count(*) FILTER (WHERE ${newer}) FROM ${from}${where}`);
    return Number(counted![0]) === rows && counted![1] === '0';
  }

  another(signal: AbortSignal | undefined): Promise<Snapshot> {
    return openSnapshot(this.#context, signal, { exported: this.#name });
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    const { pool } = this.#context;
    const session = this.#session;
    if (!session.broken) await session.client.query('ROLLBACK').catch(() => session.destroy());
    if (session.broken) pool.discard(session);
    else pool.release(session);
  }

  /** When `signal` fires, the connection is given up, as the query would not end before. */
  async #ask<T>(doing: string, ask: () => Promise<T>, signal = this.#signal): Promise<T> {
    const { endpoint } = this.#context;
    const abort = () => this.#session.destroy();
    try {
      signal?.throwIfAborted();
      signal?.addEventListener('abort', abort, { once: true });
      return await ask();
    } catch (e) {
      throw signal?.aborted ? cancelled(`${doing} from ${endpoint}`) : queryFault(endpoint, doing, e);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}
