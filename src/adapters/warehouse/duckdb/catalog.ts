/** What the warehouse says about its own tables: columns, rows, origins, and snapshots of reference columns. */
import type { Session } from '../../../lib/duckdb.ts';
import { GranaryError } from '../../../lib/errors.ts';
import { nearest } from '../../../lib/nearest.ts';
import { ident, join, literal, raw, sql } from '../../../lib/sql.ts';
import { LINEAGE } from '../../../model/schema.ts';
import type { TableDescription, TableName, TracedRow, WarehouseColumn } from '../../../ports/warehouse.ts';
import { columnType, readColumns, sameName } from './evolve.ts';
import { versionOf } from './ledger.ts';
import { tombstoneTable } from './tombstones.ts';

/** See `Warehouse.describe`. */
export async function describeTables(session: Session): Promise<TableDescription[]> {
  const columns = await session.all<{
    schema: string;
    name: string;
    column_name: string;
    data_type: string;
    kind: 'table' | 'view';
  }>(sql`
    SELECT c.schema_name AS schema, c.table_name AS name, c.column_name, c.data_type, if(v.view_oid IS NULL, 'table', 'view') AS kind
    FROM duckdb_columns() c LEFT JOIN duckdb_views() v ON v.view_oid = c.table_oid
    WHERE c.database_name = current_database() AND NOT c.internal
    ORDER BY c.schema_name, c.table_name, c.column_index`);
  const tables = new Map<string, TableDescription>();
  for (const { schema, name, column_name, data_type, kind } of columns) {
    const id = JSON.stringify([schema, name]);
    const table = tables.get(id) ?? { schema, name, kind, rows: undefined, columns: [] };
    table.columns.push({ name: column_name, type: columnType(data_type) });
    tables.set(id, table);
  }
  for (const table of tables.values()) {
    if (table.kind === 'view') continue;
    const [count] = await session.all<{ rows: number }>(
      sql`SELECT count(*) AS rows FROM ${ident(table.schema, table.name)}`,
    );
    table.rows = count!.rows;
  }
  return [...tables.values()];
}

/** See `Warehouse.exportTable`. */
export async function exportTable(
  session: Session,
  table: TableName,
  columns: readonly string[],
  path: string,
): Promise<{ rows: number; version: string }> {
  const known = await columnsOrThrow(session, table);
  const list = join(columns.map((c) => ident(columnOrThrow(table, known, c).name)));
  const current = known.some((c) => c.name === '_is_current') ? raw('WHERE _is_current') : raw('');
  const version = await versionOf(session, table);
  const [copied] = await session.all<{ Count: number }>(sql`
    COPY (SELECT DISTINCT ${list} FROM ${ident(table.schema, table.name)} ${current}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`);
  return { rows: copied!.Count, version };
}

/** See `Warehouse.trace`. */
export async function trace(
  session: Session,
  table: TableName,
  key: Record<string, string | number | boolean | null>,
  limit: number,
): Promise<TracedRow[]> {
  const known = await columnsOrThrow(session, table);
  columnOrThrow(table, known, LINEAGE.object);
  // The right side takes the type of the column: a value that is not of it is an error, not a silent no.
  const conditions = Object.entries(key).map(([column, value]) => {
    const name = ident(columnOrThrow(table, known, column).name);
    return raw(sql`${name} IS NOT DISTINCT FROM cast_to_type(${literal(value)}, ${name})`);
  });
  const find = (place: TableName, count: number) =>
    session.all(sql`
      SELECT * FROM ${ident(place.schema, place.name)} WHERE ${join(['true', ...conditions], ' AND ')}
      ORDER BY ${ident(LINEAGE.object)}, ${ident(LINEAGE.line)} LIMIT ${count}`);
  const rows = (await find(table, limit)).map(traced);
  // Tombstones have key and version: by other columns they are not found.
  const buried = await readColumns(session, tombstoneTable(table));
  if (!buried || !Object.keys(key).every((c) => buried.some((b) => sameName(b.name, c)))) return rows;
  const gone = await find(tombstoneTable(table), limit - rows.length);
  return [...rows, ...gone.map((row) => ({ ...traced(row), deleted: true as const }))];
}

function traced({ [LINEAGE.object]: object, [LINEAGE.line]: line, [LINEAGE.member]: member, ...row }: Row): TracedRow {
  return { object: String(object), line: Number(line), member: typeof member === 'string' ? member : undefined, row };
}

type Row = Record<string, unknown>;

async function columnsOrThrow(session: Session, table: TableName): Promise<WarehouseColumn[]> {
  const columns = await readColumns(session, table);
  if (columns) return columns;
  const tables = (await describeTables(session)).map((t) => `${t.schema}.${t.name}`);
  const suggestion = nearest(`${table.schema}.${table.name}`, tables);
  throw new GranaryError('query.failed', `There is no table ${table.schema}.${table.name}.`, {
    hint: suggestion ? `Did you mean ${suggestion}?` : 'Load it first: `granary run`.',
  });
}

function columnOrThrow(table: TableName, columns: readonly WarehouseColumn[], name: string): WarehouseColumn {
  const column = columns.find((c) => c.name.toLowerCase() === name.toLowerCase());
  if (column) return column;
  const names = columns.map((c) => c.name);
  const suggestion = nearest(name, names);
  throw new GranaryError('query.failed', `Table ${table.schema}.${table.name} has no column ${name}.`, {
    hint: suggestion ? `Did you mean ${suggestion}?` : `It has ${names.join(', ')}.`,
  });
}
