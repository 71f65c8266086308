/** The replication slot: the place up to which the server keeps its log for us. */
import { GranaryError } from '../../../lib/errors.ts';
import type { PostgresDatabase } from '../database.ts';
import { postgresDialect } from '../dialect.ts';
import { queryFault, sqlStateOf } from '../errors.ts';
import { parseLsn } from '../replication/lsn.ts';
import { takeOver } from './holder.ts';
import type { CapturePosition } from './position.ts';
import { checkSettings, NOW_LSN, openReplication, unfit } from './server.ts';

const { ident, text } = postgresDialect;

/** A transaction that is open holds up the making of a slot. */
const TOLD_AFTER_MS = 20_000;
/** The server notices by itself that a connection to a slot has ended. */
const RELEASE_MS = 10_000;

export interface Slot {
  /** Everything before it was acknowledged. */
  confirmed: bigint;
  /** The process at the server that reads from it. */
  pid: number | undefined;
  /** Why nothing can be read from it; undefined: it can. */
  lost: string | undefined;
  /** Bytes of log that the server keeps for it. */
  retained: number;
  /** How many may still be added before it is lost, where there is a limit. */
  safe: number | undefined;
}

export async function slotOf(database: PostgresDatabase, name: string): Promise<Slot | undefined> {
  const [row] = await database.query(
    'asking for the replication slot',
    `SELECT s.plugin, s.database = pg_catalog.current_database(), s.confirmed_flush_lsn, s.active_pid, s.restart_lsn,
       pg_catalog.to_jsonb(s)->>'wal_status', coalesce(pg_catalog.to_jsonb(s)->>'invalidation_reason', ''),
       pg_catalog.pg_wal_lsn_diff(${NOW_LSN}, s.restart_lsn), pg_catalog.to_jsonb(s)->>'safe_wal_size'
     FROM pg_catalog.pg_replication_slots s WHERE s.slot_name = ${text(name)}`,
  );
  if (!row) return undefined;
  const [plugin, isHere, confirmed, pid, restart, status, reason, retained, safe] = row;
  if (plugin !== 'pgoutput' || isHere !== 't')
    throw unfit(
      database.endpoint,
      `the replication slot ${name} is another one (plugin ${plugin ?? 'none'}${isHere === 't' ? '' : ', of another database'})`,
      'Give another name: capture: { slot: … } in the connection of this source.',
    );
  const isLost = status === 'lost' || reason || restart === null || confirmed === null;
  return {
    confirmed: parseLsn(confirmed ?? '0/0'),
    pid: pid === null || pid === undefined ? undefined : Number(pid),
    lost: isLost ? reason || 'the server has removed log that was not read' : undefined,
    retained: Number(retained ?? 0),
    safe: safe === null || safe === undefined ? undefined : Number(safe),
  };
}

/** Returns where it begins. The publication has to be there before. */
export async function createSlot(
  database: PostgresDatabase,
  name: string,
  { signal, warn }: { signal?: AbortSignal | undefined; warn(message: string): void },
): Promise<bigint> {
  const session = await openReplication(database);
  const abort = () => session.destroy();
  const timer = setTimeout(
    () => warn(`${database.endpoint}: the replication slot waits for transactions that have been open for long.`),
    TOLD_AFTER_MS,
  );
  signal?.addEventListener('abort', abort, { once: true });
  try {
    const [row] = await session.rows(`CREATE_REPLICATION_SLOT ${ident(name)} LOGICAL pgoutput NOEXPORT_SNAPSHOT`);
    return parseLsn(row![1]!);
  } catch (e) {
    if (sqlStateOf(e) === '53400')
      throw unfit(
        database.endpoint,
        'all replication slots are in use',
        'Raise max_replication_slots, or drop one that nobody reads: SELECT * FROM pg_replication_slots;',
      );
    throw queryFault(database.endpoint, 'making a replication slot', e);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    session.close();
  }
}

export async function dropSlot(database: PostgresDatabase, name: string): Promise<void> {
  await untilReleased(
    () => database.query('dropping the replication slot', `SELECT pg_catalog.pg_drop_replication_slot(${text(name)})`),
    () => takeOver(database, name),
  );
}

/** Tries again while somebody else has the slot, after `busy`; a connection of ours that has just ended is soon noticed. */
export async function untilReleased<T>(use: () => Promise<T>, busy: () => Promise<void>): Promise<T> {
  for (const end = Date.now() + RELEASE_MS; ; ) {
    try {
      return await use();
    } catch (e) {
      if (!isActive(e) || Date.now() > end) throw e;
      await busy();
      await new Promise((r) => setTimeout(r, 50));
    }
  }
}

export const isActive = (e: unknown): boolean =>
  sqlStateOf(e) === '55006' || (e instanceof GranaryError && e.details?.['sqlstate'] === '55006');

/** Whether the server has nothing more to send: it waits for someone to write. */
export async function hasSentAll(database: PostgresDatabase, slot: string): Promise<boolean> {
  const [[event] = []] = await database.query(
    'asking how far the log was sent',
    `SELECT a.wait_event FROM pg_catalog.pg_replication_slots s JOIN pg_catalog.pg_stat_activity a ON a.pid = s.active_pid
     WHERE s.slot_name = ${text(slot)}`,
  );
  return /^WalSenderWaitForWal$/i.test(event ?? '');
}

export interface Told {
  signal?: AbortSignal | undefined;
  warn(message: string): void;
}

/** What is known of the server. */
export interface Here {
  slot: string;
  system: string;
  publication: string;
  /** The publication was made just now. */
  isNewPublication: boolean;
  /** Of its log. */
  end: bigint;
}

/** A slot from which can be read, made if need be. `lost`: why what we know ends before it; undefined: it does not. */
export async function readableSlot(
  database: PostgresDatabase,
  { slot: name, system, publication, isNewPublication, end }: Here,
  position: CapturePosition | undefined,
  told: Told,
): Promise<{ start: bigint; lost: string | undefined }> {
  let slot = await slotOf(database, name);
  let lost: string | undefined;
  if (slot && (slot.lost !== undefined || isNewPublication)) {
    // The log before the publication was made cannot be read with it.
    lost = slot.lost ?? `the publication ${publication} was gone`;
    await dropSlot(database, name);
    slot = undefined;
  }
  if (!slot) {
    await checkSettings(database);
    const start = await createSlot(database, name, told);
    return { start, lost: position ? (lost ?? `the replication slot ${name} was gone`) : undefined };
  }
  if (!position) return { start: slot.confirmed, lost: undefined };
  if (position.system !== system) return { start: slot.confirmed, lost: 'the server is another one' };
  if (position.slot !== name) return { start: slot.confirmed, lost: `the replication slot was ${position.slot}` };
  if (slot.confirmed > parseLsn(position.lsn))
    return { start: slot.confirmed, lost: `somebody else has read from the replication slot ${name}` };
  if (end < parseLsn(position.lsn))
    return { start: slot.confirmed, lost: 'the log of the server ends before it (was it restored from a backup?)' };
  return { start: slot.confirmed, lost: undefined };
}
