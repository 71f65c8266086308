/** PostgreSQL as a database to extract from. */
import type { ConnectionOptions } from 'node:tls';
import { GranaryError } from '../../lib/errors.ts';
import { cancelled } from '../lib/faults.ts';
import { Pool } from '../lib/pool.ts';
import type {
  CutRequest,
  Horizon,
  ListedTable,
  Snapshot,
  SqlDatabase,
  TableFacts,
  TableName,
} from '../lib/sql/database.ts';
import type { TablePart } from '../lib/sql/table-name.ts';
import { listTables, resultColumns, tableFacts } from './catalog.ts';
import { endpointOf, type PostgresConfig } from './config.ts';
import { cutsOf } from './cuts.ts';
import { postgresDialect } from './dialect.ts';
import { queryFault, sqlStateOf } from './errors.ts';
import { askHorizon } from './horizon.ts';
import { openSession, type Session } from './session.ts';
import { openSnapshot } from './snapshot.ts';

export class PostgresDatabase implements SqlDatabase {
  readonly endpoint: string;
  readonly dialect = postgresDialect;
  readonly connections: number;
  readonly config: PostgresConfig;
  readonly #tls: ConnectionOptions | false;
  readonly #pool: Pool<Session>;

  constructor(config: PostgresConfig, tls: ConnectionOptions | false) {
    this.endpoint = endpointOf(config);
    this.connections = config.connections;
    this.config = config;
    this.#tls = tls;
    this.#pool = new Pool({
      limit: config.connections,
      open: () => openSession(config, tls),
      isAlive: (session) => !session.broken,
      close: (session) => session.close(),
    });
  }

  /** Logs in, once. Errors: those of `openSession`. */
  async tryLogin(): Promise<void> {
    await this.#ask('logging in', (session) => session.rows('SELECT 1'));
  }

  tables(pattern: readonly TablePart[] | undefined): Promise<ListedTable[]> {
    return this.#ask('listing tables', (s) => listTables(s.rows, pattern));
  }

  facts(table: TableName): Promise<TableFacts> {
    return this.#ask(`describing "${table.join('.')}"`, (s) => tableFacts(s.rows, this.endpoint, table));
  }

  async queryFacts(query: string): Promise<TableFacts> {
    const columns = await this.#ask('describing a query', async (s) => resultColumns(s.rows, await s.fields(query)));
    return { name: undefined, kind: 'query', columns, key: [], indexed: new Set(), rows: undefined };
  }

  horizon(): Promise<Horizon> {
    return this.#ask('asking for open transactions', (s) => askHorizon(s.rows));
  }

  snapshot(signal: AbortSignal | undefined): Promise<Snapshot> {
    return this.snapshotOf([], signal);
  }

  /** A snapshot with tables that nobody alters until its end. Readers and writers do not notice. */
  async snapshotOf(held: readonly TableName[], signal: AbortSignal | undefined): Promise<Snapshot> {
    if (signal?.aborted) throw cancelled(`reading from ${this.endpoint}`);
    const { statement_timeout: statementTimeout } = this.config;
    return openSnapshot({ endpoint: this.endpoint, pool: this.#pool, statementTimeout }, signal, { held });
  }

  /** Rows of a small result, as text. */
  query(doing: string, sql: string): Promise<(string | null)[][]> {
    return this.#ask(doing, (session) => session.rows(sql));
  }

  /** Columns by the numbers of their types. */
  columnsOf(fields: readonly { name: string; dataTypeID: number; dataTypeModifier: number }[]) {
    return this.#ask('asking for types', (session) => resultColumns(session.rows, fields));
  }

  /** A connection that is not counted among the others; the caller closes it. */
  replicationSession(): Promise<Session> {
    return openSession(this.config, this.#tls, 'replication');
  }

  async cuts(request: CutRequest): Promise<string[]> {
    const snapshot = await this.snapshot(undefined);
    try {
      return await cutsOf((sql) => snapshot.rows(sql), request);
    } finally {
      await snapshot.close();
    }
  }

  async close(): Promise<void> {
    this.#pool.closeAll();
  }

  async #ask<T>(doing: string, ask: (session: Session) => Promise<T>): Promise<T> {
    const isHarmless = (e: unknown) => e instanceof GranaryError || sqlStateOf(e) !== '';
    return this.#pool.use(ask, isHarmless).catch((e) => {
      throw queryFault(this.endpoint, doing, e);
    });
  }
}
