/** A small result of a query, whole. */
import type { Warehouse } from '../../../src/ports/warehouse.ts';

export type Row = Record<string, unknown>;

export async function rowsOf(warehouse: Warehouse, sql: string): Promise<Row[]> {
  const result = await warehouse.query(sql);
  const rows: Row[] = [];
  for await (const batch of result.batches)
    rows.push(...batch.map((values) => Object.fromEntries(result.columns.map((c, i) => [c.name, values[i]]))));
  return rows;
}
