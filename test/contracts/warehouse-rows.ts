/** Queries of tests. */
import type { QueryOptions, Warehouse } from '../../src/ports/warehouse.ts';
import { toArray } from './to-array.ts';

/** All rows of a query. */
export async function rowsOf(warehouse: Warehouse, sql: string, options?: QueryOptions): Promise<unknown[][]> {
  const { batches } = await warehouse.query(sql, options);
  return (await toArray(batches)).flat();
}
