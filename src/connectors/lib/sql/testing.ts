/** Databases whose answers come just before something happens at the server. */
import type { SqlDatabase } from './database.ts';

/** The same database; `act` happens after its list of open transactions was asked for, for the `nth` time. */
export function racing(database: SqlDatabase, nth: number, act: () => Promise<void>): SqlDatabase {
  let asked = 0;
  return {
    endpoint: database.endpoint,
    dialect: database.dialect,
    connections: database.connections,
    tables: (pattern) => database.tables(pattern),
    facts: (table) => database.facts(table),
    queryFacts: (query) => database.queryFacts(query),
    async horizon(options) {
      const horizon = await database.horizon(options);
      if (++asked === nth) await act();
      return horizon;
    },
    snapshot: (signal) => database.snapshot(signal),
    cuts: (request) => database.cuts(request),
    close: () => database.close(),
  };
}
