/** How far reading is behind the log, and how much of it the server keeps for us. */
import type { ExtractDataset, FeedLag } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import type { PostgresDatabase } from '../database.ts';
import { parseLsn } from '../replication/lsn.ts';
import { type CapturePosition, contractOf } from './position.ts';
import { NOW_LSN, NOW_MS, type Slot, slotOf } from './server.ts';

/** Whether the log has grown, with changes of these tables or of others: reading past the others lets the server remove them. */
export async function hasMoved(
  database: PostgresDatabase,
  datasets: readonly ExtractDataset<SqlRead>[],
  position: CapturePosition | undefined,
): Promise<boolean> {
  if (!position || datasets.some((d) => position.tables[d.name]?.contract !== contractOf(d))) return true;
  const [[now] = []] = await database.query('asking how far the log is', `SELECT ${NOW_LSN}`);
  // Behind our place: the server is another one, or was restored from a backup.
  return parseLsn(now!) !== parseLsn(position.lsn);
}

export async function lagOf(
  database: PostgresDatabase,
  slot: string,
  position: CapturePosition | undefined,
): Promise<FeedLag> {
  if (!position) return {};
  const found = await slotOf(database, slot);
  const [[now, ms] = []] = await database.query('asking how far the log is', `SELECT ${NOW_LSN}, ${NOW_MS}`);
  const bytes = Math.max(0, Number(parseLsn(now!) - parseLsn(position.lsn)));
  const seconds = bytes === 0 ? 0 : Math.max(0, (Number(ms) - position.seenAt) / 1000);
  const problem = problemOf(database, slot, found, seconds);
  return { seconds, bytes, ...(found && { retainedBytes: found.retained }), ...(problem && { problem }) };
}

function problemOf(
  { endpoint, config }: PostgresDatabase,
  name: string,
  slot: Slot | undefined,
  seconds: number,
): string | undefined {
  const { retained_limit: limit, lag_limit: lagLimit } = config.capture;
  if (!slot) return `${endpoint}: the replication slot ${name} is gone: the tables are read anew.`;
  if (slot.lost) return `${endpoint}: the replication slot ${name} is lost (${slot.lost}): the tables are read anew.`;
  if (slot.safe !== undefined && slot.safe < slot.retained)
    return `${endpoint}: the server keeps ${megabytes(slot.retained)} of its log for the replication slot ${name}, and gives it up after ${megabytes(slot.safe)} more (max_slot_wal_keep_size): read faster, or raise that.`;
  if (slot.retained > limit)
    return `${endpoint}: the server keeps ${megabytes(slot.retained)} of its log for the replication slot ${name}. It needs room until the changes were read, or transactions that are open for long have ended; drop the slot if nobody reads it any more.`;
  if (seconds > lagLimit) return `${endpoint}: reading changes is ${Math.round(seconds / 60)} min behind.`;
  return undefined;
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6).toLocaleString('en-US')} MB`;
