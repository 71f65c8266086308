/** What every user of DuckDB shares: instances, statements over a connection, results that prove their end, and errors as ours. */
import type { DuckDBConnection, DuckDBInstance, DuckDBResult, DuckDBResultReader } from '@duckdb/node-api';
import { asGranaryError, type ErrorCode, GranaryError } from './errors.ts';
import { ident, raw, sql } from './sql.ts';

export interface InstanceOptions {
  /** Bytes; resident memory may exceed it by up to 15 %. */
  memoryLimit: number;
  threads: number;
  /** Where it spills; must exist, and be of no other process. */
  scratch: string;
}

/** Opens a file, or `:memory:`. The driver is loaded by the first. */
export async function createInstance(path: string, options: InstanceOptions): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  return DuckDBInstance.create(path, {
    threads: String(options.threads),
    memory_limit: `${Math.floor(options.memoryLimit / 1e6)}MB`,
    temp_directory: options.scratch,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
}

/** Statements over one connection: what an engine and a warehouse have in common. */
export interface Session {
  /** Runs statements that return nothing of interest. */
  run(statement: string): Promise<void>;
  /** Runs one INSERT, UPDATE or DELETE; how many rows it changed. */
  change(statement: string): Promise<number>;
  /** All rows of a small result. Integers up to 2^53 come as numbers, larger and decimals as text, dates and times as ISO text. */
  all<Row = Record<string, unknown>>(statement: string): Promise<Row[]>;
  /** Rows in batches, of a result of any size; throws `query.incomplete` if the result stops before its proven end. */
  batches<Row = Record<string, unknown>>(statement: string): AsyncIterable<Row[]>;
  /** Stops what is running. */
  interrupt(): void;
}

/** `code` is what a wrong statement throws; the driver is loaded by whoever opened the connection. */
export function sessionOf(connection: DuckDBConnection, code: ErrorCode): Session {
  const guarded = async <T>(statement: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (e) {
      throw engineError(e, code, statement);
    }
  };
  return {
    run: (statement) => guarded(statement, async () => void (await connection.run(statement))),
    change: (statement) => guarded(statement, async () => (await connection.run(statement)).rowsChanged),
    all: <Row>(statement: string) =>
      guarded(statement, async () => await rowsOf<Row>(await connection.runAndReadAll(statement))),
    async *batches<Row>(statement: string) {
      yield* provenBatches<Row>(connection, statement, code);
    },
    interrupt: () => connection.interrupt(),
  };
}

async function rowsOf<Row>(reader: DuckDBResultReader): Promise<Row[]> {
  const wide = await wideColumns(reader);
  return reader.getRowObjectsJson().map((r) => plainNumbers(r as Record<string, unknown>, wide)) as Row[];
}

/** Names of the columns of 64 and 128 bit integers, which the JSON converter gives as text. */
async function wideColumns(result: {
  columnNames(): string[];
  columnTypes(): readonly { typeId: number }[];
}): Promise<string[]> {
  const { DuckDBTypeId } = await import('@duckdb/node-api');
  const wide: number[] = [DuckDBTypeId.BIGINT, DuckDBTypeId.UBIGINT, DuckDBTypeId.HUGEINT, DuckDBTypeId.UHUGEINT];
  const types = result.columnTypes();
  return result.columnNames().filter((_, i) => wide.includes(types[i]!.typeId));
}

/** Whole numbers that a double holds exactly become numbers; larger ones stay text. */
function plainNumbers(row: Record<string, unknown>, wide: string[]): Record<string, unknown> {
  for (const k of wide) {
    const n = Number(row[k]);
    if (row[k] !== null && Number.isSafeInteger(n)) row[k] = n;
  }
  return row;
}

const END = '_granary_end';

/**
 * A streamed DuckDB result that fails midway ends like one that is complete (it gives an empty chunk). A last row of our own,
 * which only a complete result has, tells the two apart.
 */
async function* provenBatches<Row>(
  connection: DuckDBConnection,
  statement: string,
  code: ErrorCode,
): AsyncGenerator<Row[]> {
  let result: DuckDBResult | undefined;
  let ended = false;
  const proven = sql`SELECT false AS ${ident(END)}, * FROM (${raw(statement)}) UNION ALL BY NAME SELECT true AS ${ident(END)}`;
  try {
    result = await connection.stream(proven);
    const wide = await wideColumns(result);
    for await (const rows of result.yieldRowObjectJson()) {
      const batch: Row[] = [];
      for (const r of rows as Record<string, unknown>[]) {
        if (r[END] === true) ended = true;
        else {
          delete r[END];
          batch.push(plainNumbers(r, wide) as Row);
        }
      }
      if (batch.length > 0) yield batch;
    }
  } catch (e) {
    throw engineError(e, code, statement);
  } finally {
    if (!ended && result) await drain(connection, result);
  }
  if (ended) return;
  throw new GranaryError('query.incomplete', 'The result stopped before its end.', {
    transient: true,
    hint: 'Run it again; if it repeats, the engine ran out of memory or disk.',
  });
}

/**
 * Ends a streamed result that may not have been read to its end. It would keep its database open, and the file locked, after connection and
 * instance are closed; after a ROLLBACK it is too late for this.
 */
export async function drain(connection: DuckDBConnection, result: DuckDBResult): Promise<void> {
  connection.interrupt();
  for (;;) {
    const chunk = await result.fetchChunk().catch(() => null);
    if (!chunk || chunk.rowCount === 0) return;
  }
}

/** A fatal error, or an internal one before, has closed the database: nothing works until it is opened again. */
export const isInvalidated = (e: unknown): boolean =>
  /^FATAL Error: .*database has been invalidated/.test(asGranaryError(e).message);

/** An engine error as ours. The statement goes to details, cut, for the log. */
export function engineError(e: unknown, code: ErrorCode, statement?: string): GranaryError {
  if (e instanceof GranaryError) return e;
  const [message] = asGranaryError(e).message.split('\n\nStack Trace:') as [string];
  const type = /^([A-Za-z ]+?) Error: /.exec(message)?.[1];
  if (/No space left on device/.test(message)) {
    return new GranaryError('store.disk_full', 'The disk is full.', {
      hint: 'Free space, or give more to the data directory, and run again.',
      cause: e,
    });
  }
  // After a fatal error the database is closed; what comes next finds it open again.
  const transient = type === 'Out of Memory' || type === 'INTERRUPT' || type === 'FATAL';
  return new GranaryError(code, message, {
    transient,
    cause: e,
    details: statement ? { statement: statement.slice(0, 2000) } : undefined,
  });
}
