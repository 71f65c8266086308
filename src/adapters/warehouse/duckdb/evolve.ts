/** What must change about a table before rows of a contract can enter it. */
import type { Session } from '../../../lib/duckdb.ts';
import { GranaryError } from '../../../lib/errors.ts';
import { ident, join, literal, raw, type Sql, sql } from '../../../lib/sql.ts';
import { type ColumnType, engineType, parseColumnType, type TableColumn, widen } from '../../../model/schema.ts';
import type { LoadRequest, LoadStrategy, TableName, WarehouseColumn } from '../../../ports/warehouse.ts';
import { LINEAGE_COLUMNS } from './incoming.ts';
import { HISTORY_COLUMNS } from './strategies/snapshot.ts';

export interface Evolution {
  /** Statements, in order; none when the table fits as it is. They come before any change of rows: DuckDB refuses the reverse. */
  statements: string[];
  /** Columns after them, in table order, without history columns and the column that says that keys are deleted. */
  columns: TableColumn[];
}

/**
 * Plans a new table, new columns, wider types, and the history columns of a `snapshot` table. Values of a narrower type need nothing: they
 * are cast up on insert. Errors: `load.failed` for types that have no common one, and for any difference when `evolve` is false.
 */
export function planEvolution(request: LoadRequest, existing: readonly WarehouseColumn[] | undefined): Evolution {
  const table = ident(request.table.schema, request.table.name);
  const flag = deletedColumn(request.strategy);
  const isFlag = (name: string) => flag !== undefined && sameName(name, flag);
  const wanted = [...request.columns.filter((c) => !isFlag(c.name)), ...LINEAGE_COLUMNS];
  const history = request.strategy.strategy === 'snapshot' ? HISTORY_COLUMNS : [];
  if (!existing) {
    const statements = [
      sql`CREATE SCHEMA IF NOT EXISTS ${ident(request.table.schema)}`,
      sql`CREATE TABLE ${table} (${join([...wanted, ...history].map(definition))})`,
    ];
    return { statements, columns: wanted };
  }
  const isHistory = (name: string) => HISTORY_COLUMNS.some((c) => c.name === name);
  const has = (name: string) => existing.some((c) => sameName(c.name, name));
  const statements: string[] = [];
  const columns: TableColumn[] = [];
  for (const column of existing.filter((c) => !isHistory(c.name) && !isFlag(c.name))) {
    const from = parseColumnType(column.type);
    const to = wanted.find((c) => sameName(c.name, column.name))?.type ?? from;
    const type = from && to && widen(from, to);
    if (!type) throw refuse(request, column, to);
    if (type !== from) {
      if (!request.evolve) throw unwanted(request, `column ${column.name} would change from ${column.type} to ${type}`);
      statements.push(sql`ALTER TABLE ${table} ALTER ${ident(column.name)} TYPE ${raw(engineType(type))}`);
    }
    columns.push({ name: column.name, type });
  }
  for (const column of wanted.filter((c) => !has(c.name))) {
    if (!request.evolve) throw unwanted(request, `column ${column.name} is new`);
    statements.push(sql`ALTER TABLE ${table} ADD COLUMN ${definition(column)}`);
    columns.push(column);
  }
  for (const column of history.filter((c) => !has(c.name)))
    statements.push(sql`ALTER TABLE ${table} ADD COLUMN ${definition(column)}`);
  for (const column of existing.filter((c) => isFlag(c.name)))
    statements.push(sql`ALTER TABLE ${table} DROP COLUMN ${ident(column.name)}`);
  if (history.length === 0)
    for (const column of HISTORY_COLUMNS.filter((c) => has(c.name)))
      statements.push(sql`ALTER TABLE ${table} DROP COLUMN ${ident(column.name)}`);
  return { statements, columns };
}

/** The column that says that keys are deleted, where rows are told apart by it: it is not in the table. */
export function deletedColumn({ strategy, deleted }: LoadStrategy): string | undefined {
  return strategy === 'merge' || strategy === 'snapshot' ? deleted : undefined;
}

export const definition = (c: TableColumn): Sql => raw(sql`${ident(c.name)} ${raw(engineType(c.type))}`);

/** DuckDB's identifiers keep their case and ignore it. */
export const sameName = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

function refuse(request: LoadRequest, column: WarehouseColumn, to: ColumnType | undefined): GranaryError {
  return new GranaryError(
    'load.failed',
    `Column ${column.name} of ${nameOf(request.table)} is ${column.type} and cannot take ${to ?? 'values of a contract'}.`,
    {
      where: { object: request.objectId },
      hint: `Give the column the type ${column.type} or text in the contract, or another name, or load into another table.`,
    },
  );
}

function unwanted(request: LoadRequest, what: string): GranaryError {
  return new GranaryError('load.failed', `Table ${nameOf(request.table)} does not fit the contract: ${what}.`, {
    where: { object: request.objectId },
    hint: 'Set `on_drift: evolve`, or bring the contract back to what the table has.',
  });
}

const nameOf = (t: TableName) => `${t.schema}.${t.name}`;

/** Columns in table order; undefined when there is no such table or view. */
export async function readColumns(session: Session, table: TableName): Promise<WarehouseColumn[] | undefined> {
  const [columns] = await readColumnsOf(session, [table]);
  return columns;
}

/** Of several tables at once, in their order. */
export async function readColumnsOf(
  session: Session,
  tables: readonly TableName[],
): Promise<(WarehouseColumn[] | undefined)[]> {
  const isOne = tables.map(
    ({ schema, name }) =>
      sql`(lower(schema_name) = lower(${literal(schema)}) AND lower(table_name) = lower(${literal(name)}))`,
  );
  const rows = await session.all<{ schema: string; name: string; column_name: string; data_type: string }>(
    sql`SELECT schema_name AS schema, table_name AS name, column_name, data_type FROM duckdb_columns()
        WHERE database_name = current_database() AND (${join(isOne, ' OR ')}) ORDER BY column_index`,
  );
  return tables.map((table) => {
    const own = rows.filter((r) => sameName(r.schema, table.schema) && sameName(r.name, table.name));
    return own.length > 0 ? own.map((r) => ({ name: r.column_name, type: columnType(r.data_type) })) : undefined;
  });
}

/** DuckDB's name of a type as a ColumnType, or in lower case where there is none. */
export function columnType(engineName: string): string {
  const name = engineName.toLowerCase();
  if (name === 'timestamp with time zone') return 'timestamp_tz';
  return parseColumnType(name) ?? name;
}
