/** The engine: one DuckDB session, in memory, spilling to a scratch folder. */
import type { DuckDBConnection, DuckDBResultReader } from '@duckdb/node-api';
import { asGranaryError, type ErrorCode, GranaryError } from '../../lib/errors.ts';
import { ident, literal, raw, sql } from '../../lib/sql.ts';
import type { Engine } from '../../ports/engine.ts';

export interface DuckDbEngineOptions {
  /** Bytes; resident memory may exceed it by up to 15 %. */
  memoryLimit: number;
  threads: number;
  /** Where it spills; must exist. */
  scratch: string;
}

/** Opens a session. Times are UTC; rows keep the order of the file they come from. */
export async function openDuckDbEngine(options: DuckDbEngineOptions): Promise<Engine> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:', {
    threads: String(options.threads),
    memory_limit: `${Math.floor(options.memoryLimit / 1e6)}MB`,
    temp_directory: options.scratch,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run('SET enable_progress_bar = false');
  return {
    ...sessionOf(connection, 'curate.failed'),
    async close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** The statements side of an engine or a warehouse over one connection. `code` is what a wrong statement throws. */
export function sessionOf(connection: DuckDBConnection, code: ErrorCode): Omit<Engine, 'close'> {
  const guarded = async <T>(statement: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (e) {
      throw engineError(e, code, statement);
    }
  };
  return {
    run: (statement) => guarded(statement, async () => void (await connection.run(statement))),
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
  const proven = sql`SELECT false AS ${ident(END)}, * FROM (${raw(statement)}) UNION ALL BY NAME SELECT true AS ${ident(END)}`;
  try {
    const result = await connection.stream(proven);
    const wide = await wideColumns(result);
    for await (const rows of result.yieldRowObjectJson()) {
      const batch: Row[] = [];
      let ended = false;
      for (const r of rows as Record<string, unknown>[]) {
        if (r[END] === true) ended = true;
        else {
          delete r[END];
          batch.push(plainNumbers(r, wide) as Row);
        }
      }
      if (batch.length > 0) yield batch;
      if (ended) return;
    }
  } catch (e) {
    throw engineError(e, code, statement);
  }
  throw new GranaryError('query.incomplete', 'The result stopped before its end.', {
    transient: true,
    hint: 'Run it again; if it repeats, the engine ran out of memory or disk.',
  });
}

/** An engine error as ours. The statement goes to details, cut, for the log. */
export function engineError(e: unknown, code: ErrorCode, statement?: string): GranaryError {
  if (e instanceof GranaryError) return e;
  const message = asGranaryError(e).message;
  const type = /^([A-Za-z ]+?) Error: /.exec(message)?.[1];
  if (type === 'IO' && /No space left on device/.test(message)) {
    return new GranaryError('store.disk_full', 'The disk is full.', {
      hint: 'Free space, or give more to the data directory, and run again.',
      cause: e,
    });
  }
  const transient = type === 'Out of Memory' || type === 'INTERRUPT';
  return new GranaryError(code, message, {
    transient,
    cause: e,
    details: statement ? { statement: statement.slice(0, 2000) } : undefined,
  });
}

/** Attribute-value settings for a Parquet COPY. */
export function parquetTo(path: string, select: string, compression: 'zstd' | 'snappy'): string {
  return `COPY (${select}) TO ${literal(path)} (FORMAT parquet, COMPRESSION ${compression})`;
}
