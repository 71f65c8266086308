/** Transactions that write to tables. */
import { cancelled, unavailable } from '../../lib/faults.ts';
import type { PostgresDatabase } from '../database.ts';
import type { CapturedTable } from './tables.ts';

const TOLD_AFTER_MS = 20_000;
const LOOK_MS = 50;

/**
 * Waits until those have ended that write to the tables now. What a transaction wrote before its table was published is never told, even when it is committed
 * later: so the rows are only read when such transactions have ended, and are in them. Nothing is locked: new writers come and go.
 */
export async function untilWritersEnd(
  database: PostgresDatabase,
  tables: readonly CapturedTable[],
  { signal, warn }: { signal?: AbortSignal | undefined; warn(message: string): void },
): Promise<void> {
  let waiting = await writersOf(database, tables);
  const begun = Date.now();
  for (let told = false; waiting.size > 0; ) {
    if (signal?.aborted) throw cancelled(`reading from ${database.endpoint}`);
    const waited = Date.now() - begun;
    if (waited > database.config.statement_timeout * 1000)
      throw unavailable(
        database.endpoint,
        'waiting for transactions that have written to the captured tables',
        new Error(`they have been open for ${Math.round(waited / 1000)} s: ${[...waiting.values()].join(', ')}`),
      );
    if (!told && waited > TOLD_AFTER_MS) {
      told = true;
      warn(
        `${database.endpoint}: tables are read when transactions have ended that have written to them, and are open: ${[...waiting.values()].join(', ')}.`,
      );
    }
    await new Promise((r) => setTimeout(r, LOOK_MS));
    const now = await writersOf(database, tables);
    waiting = new Map([...waiting].filter(([transaction]) => now.has(transaction)));
  }
}

/** Transactions and who runs them. */
async function writersOf(database: PostgresDatabase, tables: readonly CapturedTable[]): Promise<Map<string, string>> {
  const oids = tables.map((t) => `${t.oid}::pg_catalog.regclass`).join(', ');
  const rows = await database.query(
    'looking for open transactions',
    `SELECT DISTINCT l.virtualtransaction, coalesce('process ' || l.pid, 'a prepared transaction') FROM pg_catalog.pg_locks l
     WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
       AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
       AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
       AND l.relation IN (SELECT o FROM unnest(ARRAY[${oids}]) o UNION ALL
         SELECT p.relid FROM unnest(ARRAY[${oids}]) o, pg_catalog.pg_partition_tree(o) p)`,
  );
  return new Map(rows.map(([transaction, who]) => [transaction!, who!]));
}
