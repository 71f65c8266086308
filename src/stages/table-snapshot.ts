/** Snapshots of warehouse tables for workers, which cannot ask the warehouse. */
import { idOf } from '../lib/hash.ts';
import type { TableName } from '../ports/warehouse.ts';
import type { LoadContext } from './load.ts';

/** Key of a Parquet file with the distinct values of these columns; made anew when the table has changed. Undefined when there is no such table. */
export async function tableSnapshot(
  table: TableName,
  columns: readonly string[],
  { warehouse, objects }: LoadContext,
): Promise<string | undefined> {
  if (!(await warehouse.columns(table))) return undefined;
  const version = await warehouse.tableVersion(table);
  const prefix = `references/${table.schema}/${table.name}/`;
  const file = `${idOf(version, ...columns)}.parquet`;
  const key = `${prefix}${file}`;
  if (!(await objects.head(key)))
    await objects.writeLocal(prefix, async (folder) => {
      await warehouse.exportTable(table, [...columns], `${folder}/${file}`);
    });
  return key;
}
