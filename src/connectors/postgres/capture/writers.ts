/** Transactions that write to tables. */
import { cancelled } from '../../lib/faults.ts';
import type { PostgresDatabase } from '../database.ts';
import type { CapturedTable } from './tables.ts';

const TOLD_AFTER_MS = 20_000;
const LOOK_MS = 50;

/** Of a table: transactions that have written to it and are open, and who runs them. */
type Writers = Map<number, Map<string, string>>;

export interface Waiting {
  /** Milliseconds after which tables are given up that are written to by then. */
  limit: number;
  signal?: AbortSignal | undefined;
  warn(message: string): void;
}

/**
 * Waits until those have ended that write to the tables now. What a transaction wrote before its table was published is never told, even when it is committed
 * later: so the rows are only read when such transactions have ended, and are in them. Nothing is locked: new writers come and go.
 * Returns who still writes, by the table's oid, when the limit is over.
 */
export async function untilWritersEnd(
  database: PostgresDatabase,
  tables: readonly CapturedTable[],
  { limit, signal, warn }: Waiting,
): Promise<Map<number, string>> {
  let waiting = await writersOf(database, tables);
  const begun = Date.now();
  for (let told = false; waiting.size > 0; ) {
    if (signal?.aborted) throw cancelled(`reading from ${database.endpoint}`);
    const waited = Date.now() - begun;
    if (waited > limit) return new Map([...waiting].map(([oid, who]) => [oid, [...who.values()].join(', ')]));
    if (!told && waited > TOLD_AFTER_MS) {
      told = true;
      const all = new Set([...waiting.values()].flatMap((who) => [...who.values()]));
      warn(
        `${database.endpoint}: tables are read when transactions have ended that have written to them, and are open: ${[...all].join(', ')}.`,
      );
    }
    await new Promise((r) => setTimeout(r, LOOK_MS));
    waiting = both(waiting, await writersOf(database, tables));
  }
  return new Map();
}

function both(before: Writers, now: Writers): Writers {
  const out: Writers = new Map();
  for (const [oid, who] of before) {
    const left = [...who].filter(([transaction]) => now.get(oid)?.has(transaction));
    if (left.length > 0) out.set(oid, new Map(left));
  }
  return out;
}

async function writersOf(database: PostgresDatabase, tables: readonly CapturedTable[]): Promise<Writers> {
  const oids = tables.map((t) => t.oid).join(', ');
  const rows = await database.query(
    'looking for open transactions',
    `SELECT DISTINCT w.root, l.virtualtransaction, coalesce('process ' || l.pid, 'a prepared transaction')
     FROM (SELECT o::bigint AS root, o::oid AS relation FROM unnest(ARRAY[${oids}]::bigint[]) o UNION
         SELECT o::bigint, p.relid::oid FROM unnest(ARRAY[${oids}]::bigint[]) o, pg_catalog.pg_partition_tree(o::oid::pg_catalog.regclass) p) w
       JOIN pg_catalog.pg_locks l ON l.relation = w.relation
     WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
       AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
       AND l.mode IN ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`,
  );
  const found: Writers = new Map();
  for (const [oid, transaction, who] of rows) {
    const of = found.get(Number(oid)) ?? new Map<string, string>();
    found.set(Number(oid), of.set(transaction!, who!));
  }
  return found;
}
