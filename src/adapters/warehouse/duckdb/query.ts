/** Queries of people and programs: read-only, streamed, with a proven end. */
import { engineError, sessionOf } from '../../../lib/duckdb.ts';
import { asGranaryError, GranaryError } from '../../../lib/errors.ts';
import { ident, join, literal, raw, sql } from '../../../lib/sql.ts';
import type { QueryOptions, QueryResult } from '../../../ports/warehouse.ts';
import type { Database } from './database.ts';
import { columnType } from './evolve.ts';
import { explain, guardQuery, type SerializedSql, withoutSemicolon } from './query-guard.ts';
import type { Reader } from './reader.ts';

/** See `Warehouse.query`. */
export async function query(database: Database, text: string, options: QueryOptions = {}): Promise<QueryResult> {
  const tables = await tableNames(database);
  const columns = await prepare(database, text, tables);
  let truncated = false;
  return {
    columns: columns.map(({ name, type }) => ({ name, type })),
    batches: stream(database, withoutSemicolon(text), columns, tables, options, () => {
      truncated = true;
    }),
    truncated: () => truncated,
  };
}

interface ResultColumn {
  name: string;
  type: string;
  /** A 64 or 128 bit integer: the driver gives it as text. */
  wide: boolean;
}

/** Names that tables and views go by, in lower case: `sales`, `main.sales`. */
async function tableNames(database: Database): Promise<Set<string>> {
  const found = await database.read((session) =>
    session.all<{ schema_name: string; name: string }>(sql`
      SELECT schema_name, table_name AS name FROM duckdb_tables() WHERE NOT internal
      UNION ALL SELECT schema_name, view_name AS name FROM duckdb_views() WHERE NOT internal`),
  );
  return new Set(
    found.flatMap(({ schema_name: schema, name }) =>
      (schema === 'main' ? [name, `main.${name}`] : [`${schema}.${name}`]).map((n) => n.toLowerCase()),
    ),
  );
}

/** Checks the statement and binds it, without running it. */
async function prepare(database: Database, text: string, tables: ReadonlySet<string>): Promise<ResultColumn[]> {
  const reader = await openReader(database);
  try {
    const session = sessionOf(reader.connection, 'query.failed');
    const [row] = await session.all<{ tree: string }>(
      sql`SELECT json_serialize_sql(${literal(text)}, skip_null := true, skip_empty := true)::VARCHAR AS tree`,
    );
    guardQuery(text, JSON.parse(row!.tree) as SerializedSql, tables);
    const statement = await reader.connection.prepare(text);
    const { DuckDBTypeId } = await import('@duckdb/node-api');
    const wide: number[] = [DuckDBTypeId.BIGINT, DuckDBTypeId.UBIGINT, DuckDBTypeId.HUGEINT, DuckDBTypeId.UHUGEINT];
    const columns = Array.from({ length: statement.columnCount }, (_, i) => ({
      name: statement.columnName(i),
      type: columnType(String(statement.columnType(i))),
      wide: wide.includes(statement.columnTypeId(i)),
    }));
    statement.destroySync();
    return columns;
  } catch (e) {
    throw explain(asGranaryError(e).message, text, tables) ?? engineError(e, 'query.failed', text);
  } finally {
    await reader.close();
  }
}

async function openReader(database: Database): Promise<Reader> {
  const reader = await database.reader();
  await reader.connection.run('SET errors_as_json = true');
  return reader;
}

async function* stream(
  database: Database,
  text: string,
  columns: readonly ResultColumn[],
  tables: ReadonlySet<string>,
  { maxRows, signal }: QueryOptions,
  onTruncated: () => void,
): AsyncGenerator<unknown[][]> {
  if (signal?.aborted) throw cancelled();
  const reader = await openReader(database);
  const interrupt = () => reader.connection.interrupt();
  signal?.addEventListener('abort', interrupt);
  const { head, statement } = withSentinel(text, columns, maxRows);
  let left = maxRows ?? Number.POSITIVE_INFINITY;
  let ended = false;
  try {
    await reader.stream(statement);
    for (let rows = await reader.next(); rows; rows = await reader.next()) {
      const batch: unknown[][] = [];
      for (const row of rows) {
        if (row.pop() === true) ended = true;
        else if (left-- > 0) batch.push(plain(row, columns));
        else onTruncated();
      }
      if (batch.length > 0) yield batch;
    }
  } catch (e) {
    if (signal?.aborted) throw cancelled(e);
    throw explain(asGranaryError(e).message, text, tables, head) ?? engineError(e, 'query.failed', text);
  } finally {
    signal?.removeEventListener('abort', interrupt);
    await reader.close();
  }
  if (ended) return;
  if (signal?.aborted) throw cancelled();
  throw new GranaryError('query.incomplete', 'The result stopped before its end.', {
    transient: true,
    hint: 'Run it again; if it repeats, the warehouse ran out of memory or disk.',
  });
}

/**
 * The statement with a last column that is true in one further, last row only: a streamed result that fails midway ends like a complete
 * one, and has no such row. `head`: offset of the text in it. One row more than `maxRows` is asked for, to know whether there are more.
 */
function withSentinel(text: string, columns: readonly ResultColumn[], maxRows: number | undefined) {
  const start = sql`SELECT *, false FROM (SELECT * FROM (`;
  const limit = maxRows === undefined ? raw('') : raw(sql` LIMIT ${maxRows + 1}`);
  const nulls = join([...columns.map(() => 'NULL'), 'true']);
  // The line break ends a comment at the end of the text.
  return {
    head: start.length,
    statement: sql`${raw(start + text)}\n) AS ${ident('q')}${limit}) UNION ALL SELECT ${nulls}`,
  };
}

/** Whole numbers that a double holds exactly become numbers; larger ones stay text. */
function plain(row: unknown[], columns: readonly ResultColumn[]): unknown[] {
  columns.forEach((column, i) => {
    if (!column.wide || row[i] === null) return;
    const n = Number(row[i]);
    if (Number.isSafeInteger(n)) row[i] = n;
  });
  return row;
}

function cancelled(cause?: unknown): GranaryError {
  return new GranaryError('cancelled', 'The query was stopped by request.', { cause });
}
