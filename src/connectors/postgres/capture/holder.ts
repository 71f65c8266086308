/** Who has a replication slot: workers of one owner know one another. */
import { hostname } from 'node:os';
import type { PostgresDatabase } from '../database.ts';
import { postgresDialect } from '../dialect.ts';

const { text } = postgresDialect;

/** The name that a stream has at the server. Of the workers of an owner one reads at a time: the stream of another one rests. */
const OWNER = `granary ${hostname()
  .replace(/[^\w.-]/g, '')
  .slice(0, 24)} ${process.ppid}/`;
export const HOLDER = `${OWNER}${process.pid}`;

/** Streams of this process that rest, by the process at the server that has them: how to end them. */
export const resting = new Map<number, () => void>();

/** Whoever has the slot, for people: `granary elsewhere 1/2 from 10.0.0.7`. */
export async function nameOfHolder(database: PostgresDatabase, slot: string): Promise<string> {
  const [[name, address] = []] = await database.query(
    'asking who has the replication slot',
    `SELECT a.application_name, pg_catalog.host(a.client_addr) FROM pg_catalog.pg_replication_slots s
       JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid WHERE s.slot_name = ${text(slot)}`,
  );
  return `${name || 'somebody else'}${address ? ` from ${address}` : ''}`;
}

/** Ends a stream of the slot that rests: one of this process, or of another worker of the same owner. */
export async function takeOver(database: PostgresDatabase, slot: string): Promise<void> {
  const [[pid, name] = []] = await database.query(
    'asking who has the replication slot',
    `SELECT a.pid, a.application_name FROM pg_catalog.pg_replication_slots s JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid
     WHERE s.slot_name = ${text(slot)}`,
  );
  if (name === HOLDER) resting.get(Number(pid))?.();
  else if (name?.startsWith(OWNER))
    await database.query(
      'taking over the replication slot',
      `SELECT pg_catalog.pg_terminate_backend(s.active_pid) FROM pg_catalog.pg_replication_slots s
       WHERE s.slot_name = ${text(slot)} AND s.active_pid = ${Number(pid)}`,
    );
}
