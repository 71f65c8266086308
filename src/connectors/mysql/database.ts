/** A MySQL or MariaDB server as a database to extract from. */
import { setTimeout } from 'node:timers/promises';
import type { GranaryError } from '../../lib/errors.ts';
import { cancelled, unavailable } from '../lib/faults.ts';
import { Pool } from '../lib/pool.ts';
import type {
  CutRequest,
  Horizon,
  ListedTable,
  RowSink,
  Snapshot,
  SqlDatabase,
  SqlDialect,
  TableFacts,
  TableName,
} from '../lib/sql/database.ts';
import type { TablePart } from '../lib/sql/table-name.ts';
import { fieldFacts, listTables, tableFacts } from './catalog.ts';
import { endpointOf, type MysqlConfig } from './config.ts';
import { ask, askWithFields, type Driver, openSession, type Session, silenceOf, trustOf } from './connect.ts';
import { cutsOf } from './cuts.ts';
import { mysqlDialect } from './dialect.ts';
import { isHarmless, isUnseen, queryFault } from './faults.ts';
import { streamRows } from './row-stream.ts';

export class MysqlDatabase implements SqlDatabase {
  readonly endpoint: string;
  readonly dialect: SqlDialect;
  readonly connections: number;
  readonly isMariaDb: boolean;
  readonly #config: MysqlConfig;
  readonly #pool: Pool<Session>;
  readonly #open: () => Promise<Session>;

  private constructor(config: MysqlConfig, pool: Pool<Session>, isMariaDb: boolean, open: () => Promise<Session>) {
    this.endpoint = endpointOf(config);
    this.dialect = mysqlDialect({ zeroDates: config.zero_dates });
    this.connections = config.connections;
    this.isMariaDb = isMariaDb;
    this.#config = config;
    this.#pool = pool;
    this.#open = open;
  }

  /** Connects once, so that what is wrong with the connection shows. */
  static async open(driver: Driver, config: MysqlConfig, projectDir: string): Promise<MysqlDatabase> {
    const trust = await trustOf(config, projectDir);
    const open = () => openSession(driver, config, trust);
    const pool = new Pool<Session>({
      limit: config.connections,
      open,
      isAlive: ({ connection }) => !connection.stream.destroyed && connection.stream.writable,
      close: ({ connection }) => connection.destroy(),
    });
    try {
      const isMariaDb = await pool.use(async (session) => session.isMariaDb, isHarmless);
      return new MysqlDatabase(config, pool, isMariaDb, open);
    } catch (e) {
      pool.closeAll();
      throw e;
    }
  }

  /** For messages. */
  get user(): string {
    return this.#config.user;
  }

  get settings(): Pick<MysqlConfig, 'database' | 'silence' | 'timeout' | 'zero_dates'> {
    return this.#config;
  }

  /** Rows of a small result, as text. `doing` follows "while". */
  query(doing: string, sql: string): Promise<(string | null)[][]> {
    return this.#ask(doing, sql);
  }

  /** A connection beside those of the pool, for the caller alone; the caller destroys it. */
  openAlone(): Promise<Session> {
    return this.#open();
  }

  tables(pattern: readonly TablePart[] | undefined): Promise<ListedTable[]> {
    return listTables((sql) => this.#ask('listing tables', sql), this.#config, pattern);
  }

  facts(table: TableName): Promise<TableFacts> {
    return tableFacts((sql) => this.#ask(`describing ${table.join('.')}`, sql), this.#config, table);
  }

  async queryFacts(query: string): Promise<TableFacts> {
    const doing = 'describing the query';
    const { fields } = await this.#use(doing, (session) =>
      askWithFields(session.connection, `SELECT * FROM (${query}\n) granary_query LIMIT 0`),
    );
    return fieldFacts(fields, this.#config);
  }

  cuts(request: CutRequest): Promise<string[]> {
    return cutsOf((sql) => this.#ask(`dividing ${request.table.join('.')}`, sql), request, this.isMariaDb);
  }

  /**
   * The server tells in its `innodb_trx` when transactions began, in the time zone of its machine and up to 0.1 s late. A statement that waits, and has not
   * written yet, has its time from before: so those count that run. A replica applies what was written elsewhere, by transactions that it knows nothing of.
   */
  async horizon({ complete = false }: { complete?: boolean } = {}): Promise<Horizon> {
    if (complete) await setTimeout(LIST_AGE_MS);
    const [[now, offset, readOnly] = []] = await this.#ask(
      'asking for the time',
      `SELECT CAST(UTC_TIMESTAMP(6) AS CHAR),
        COALESCE(TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', @@GLOBAL.time_zone)), 0), @@GLOBAL.read_only`,
    );
    const known = { now: now!, wallClockOffset: Number(offset) };
    const without = (why: string): Horizon => ({ ...known, oldest: undefined, unknown: `${this.endpoint}: ${why}` });
    if (readOnly !== '0' && readOnly !== 'OFF')
      return without('a replica does not tell of open transactions; rows are read again as far as "lookback" goes');
    try {
      const [[oldest] = []] = await this.#use('asking for open transactions', (session) =>
        ask(session.connection, OLDEST),
      );
      return { ...known, oldest: oldest ?? undefined, unknown: undefined };
    } catch (e) {
      const { cause } = e as GranaryError;
      if (!isUnseen(cause)) throw e;
      return without(
        `${this.#config.user} may not see open transactions; rows are read again as far as "lookback" goes. GRANT PROCESS ON *.* lets late commits be waited for`,
      );
    }
  }

  async snapshot(signal: AbortSignal | undefined): Promise<Snapshot> {
    if (signal?.aborted) throw cancelled('reading');
    const session = await this.#pool.acquire();
    try {
      await ask(session.connection, 'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
      return new MysqlSnapshot(this, session, this.#pool);
    } catch (e) {
      this.#pool.discard(session);
      throw queryFault(this.endpoint, 'beginning a snapshot', e);
    }
  }

  async close(): Promise<void> {
    this.#pool.closeAll();
  }

  #ask(doing: string, sql: string): Promise<(string | null)[][]> {
    return this.#use(doing, (session) => ask(session.connection, sql));
  }

  #use<T>(doing: string, call: (session: Session) => Promise<T>): Promise<T> {
    return this.#pool.use(call, isHarmless).catch((e) => {
      throw queryFault(this.endpoint, doing, e);
    });
  }
}

const IS_READING = "REGEXP '^[[:space:](]*(select|show|explain|describe)'";
/** The server makes its list of transactions anew when nobody has read it for 0.1 s. */
const LIST_AGE_MS = 150;

const OLDEST = `SELECT CAST(MIN(begun) AS CHAR) FROM (
  SELECT CONVERT_TZ(trx_started, 'SYSTEM', '+00:00') AS begun FROM information_schema.innodb_trx
    WHERE trx_mysql_thread_id <> CONNECTION_ID() AND trx_is_read_only = 0
      AND (trx_rows_modified > 0 OR trx_rows_locked > 0 OR trx_query NOT ${IS_READING})
  UNION ALL
  SELECT UTC_TIMESTAMP() - INTERVAL MAX(time) + 1 SECOND FROM information_schema.processlist
    WHERE id <> CONNECTION_ID() AND command IN ('Query', 'Execute') AND info NOT ${IS_READING}) open_transactions`;

/** One connection in a transaction. After an error on it, it is thrown away. */
class MysqlSnapshot implements Snapshot {
  readonly sharesSnapshot = false;
  readonly #database: MysqlDatabase;
  readonly #session: Session;
  readonly #pool: Pool<Session>;
  #isBroken = false;

  constructor(database: MysqlDatabase, session: Session, pool: Pool<Session>) {
    this.#database = database;
    this.#session = session;
    this.#pool = pool;
  }

  rows(query: string): Promise<(string | null)[][]> {
    return this.#guarded('reading', () => ask(this.#session.connection, query));
  }

  async copy(query: string, out: RowSink): Promise<number> {
    const { connection } = this.#session;
    const came = await this.#guarded('reading rows', () => streamRows(connection, query, out, silenceOf(connection)));
    const [[counted] = []] = await this.rows('SELECT FOUND_ROWS()');
    if (Number(counted) === came) return came;
    this.#isBroken = true;
    throw unavailable(
      this.#database.endpoint,
      'reading rows',
      new Error(`${came} rows came, and the server says that it sent ${counted}`),
    );
  }

  another(signal: AbortSignal | undefined): Promise<Snapshot> {
    return this.#database.snapshot(signal);
  }

  async close(): Promise<void> {
    if (!this.#isBroken) {
      try {
        await ask(this.#session.connection, 'COMMIT');
        this.#pool.release(this.#session);
        return;
      } catch {
        // A connection that cannot even end its transaction is thrown away.
      }
    }
    this.#pool.discard(this.#session);
  }

  async #guarded<T>(doing: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (e) {
      this.#isBroken = true;
      throw queryFault(this.#database.endpoint, doing, e);
    }
  }
}
