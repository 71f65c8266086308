/** The warehouse in one DuckDB file, owned by one process. */
import type { Warehouse } from '../../../ports/warehouse.ts';
import { describeTables, exportTable, trace } from './catalog.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { readColumns } from './evolve.ts';
import { versionOf } from './ledger.ts';
import { load } from './load.ts';
import { query } from './query.ts';
import { createSystemTables, upsertFacts } from './system-tables.ts';

/** Opens the file, or makes it. Errors: `owner.busy` when it is open already, here or in another process. */
export async function openDuckDbWarehouse(options: DatabaseOptions): Promise<Warehouse> {
  const database = await Database.open(options);
  try {
    await database.write(createSystemTables);
  } catch (e) {
    await database.close();
    throw e;
  }
  return {
    load: (request) => database.write((session) => load(session, request)),
    publishFacts: (facts) => database.write((session) => upsertFacts(session, facts, options.scratch)),
    query: (text, queryOptions) => query(database, text, queryOptions),
    exportTable: (table, columns, path) => database.read((session) => exportTable(session, table, columns, path)),
    tableVersion: (table) => database.read((session) => versionOf(session, table)),
    describe: () => database.read(describeTables),
    columns: (table) => database.read((session) => readColumns(session, table)),
    trace: (table, key, limit = 100) => database.read((session) => trace(session, table, key, limit)),
    close: () => database.close(),
  };
}
