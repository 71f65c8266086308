/** Rows that say that their key is deleted are kept beside their table, so that no older row brings the key back. */
import { ident, join, raw, sql } from '../../../lib/sql.ts';
import { engineType, parseColumnType, type TableColumn } from '../../../model/schema.ts';
import {
  type LoadRequest,
  type LoadStrategy,
  SYSTEM_SCHEMA,
  type TableName,
  type WarehouseColumn,
} from '../../../ports/warehouse.ts';
import { definition, deletedColumn, type Evolution, sameName } from './evolve.ts';
import { LINEAGE_COLUMNS } from './incoming.ts';
import { HISTORY_COLUMNS } from './strategies/snapshot.ts';
import type { Tombstones } from './strategies/strategy.ts';

/** `granary."deleted.main.customers"`. */
export const tombstoneTable = ({ schema, name }: TableName): TableName => ({
  schema: SYSTEM_SCHEMA,
  name: `deleted.${schema}.${name}`,
});

/**
 * What makes, changes or drops the table of tombstones so that it fits. Other columns come only with another strategy, and then all rows are
 * settled again: it is made anew.
 */
export function planTombstones(
  { table, strategy }: LoadRequest,
  { columns }: Evolution,
  existing: readonly WarehouseColumn[] | undefined,
): { statements: string[]; tombstones: Tombstones | undefined } {
  const flag = deletedColumn(strategy);
  const place = tombstoneTable(table);
  const name = ident(place.schema, place.name);
  const wanted = flag === undefined ? [] : tombstoneColumns(strategy, columns);
  const fits = existing?.length === wanted.length && wanted.every((c, i) => sameName(c.name, existing[i]!.name));
  const statements: string[] = [];
  if (existing && !fits) statements.push(sql`DROP TABLE ${name}`);
  if (flag === undefined) return { statements, tombstones: undefined };
  if (!fits) statements.push(sql`CREATE TABLE ${name} (${join(wanted.map(definition))})`);
  for (const column of fits ? wanted.filter((c, i) => parseColumnType(existing[i]!.type) !== c.type) : [])
    statements.push(sql`ALTER TABLE ${name} ALTER ${ident(column.name)} TYPE ${raw(engineType(column.type))}`);
  return { statements, tombstones: { flag, table: name, columns: wanted } };
}

/** Key and version, then lineage, then since when. */
function tombstoneColumns({ strategy, key = [], version = [] }: LoadStrategy, columns: readonly TableColumn[]) {
  const told = [...new Set([...key, ...version])].flatMap((name) => columns.filter((c) => sameName(c.name, name)));
  return [...told, ...LINEAGE_COLUMNS, ...(strategy === 'snapshot' ? HISTORY_COLUMNS.slice(0, 1) : [])];
}
