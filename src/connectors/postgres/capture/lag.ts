/** How far reading is behind the log, and how much of it the server keeps for us. */
import type { ExtractDataset, FeedLag } from '../../../ports/extract.ts';
import type { SqlRead } from '../../lib/sql/read.ts';
import { isWorthALook, notCaptured } from '../../lib/sql/troubles.ts';
import type { PostgresDatabase } from '../database.ts';
import { parseLsn } from '../replication/lsn.ts';
import { type CapturePosition, contractOf } from './position.ts';
import { NOW_LSN, NOW_MS } from './server.ts';
import { type Slot, slotOf } from './slot.ts';

export class LogWatch {
  readonly #database: PostgresDatabase;
  readonly #slot: string;
  /** The last time a position was found to be the end of the log, by the server's clock: a log that is still has no lag. */
  #caughtUp: { lsn: string; at: number } | undefined;

  constructor(database: PostgresDatabase, slot: string) {
    this.#database = database;
    this.#slot = slot;
  }

  /** Whether the log has grown, with changes of these tables or of others: reading past the others lets the server remove them. */
  async hasMoved(
    datasets: readonly ExtractDataset<SqlRead>[],
    position: CapturePosition | undefined,
  ): Promise<boolean> {
    if (!position) return true;
    const now = Date.now();
    for (const dataset of datasets) {
      const { name } = dataset;
      const contract = contractOf(dataset);
      const trouble = position.troubles?.[name];
      if (
        trouble
          ? trouble.contract !== contract || isWorthALook(trouble, now)
          : position.tables[name]?.contract !== contract
      )
        return true;
    }
    // Not 0 either when it is behind: the server is another one, or was restored from a backup.
    return (await this.#distance(position)).bytes !== 0;
  }

  async lag(position: CapturePosition | undefined): Promise<FeedLag> {
    if (!position) return {};
    const slot = await slotOf(this.#database, this.#slot);
    const { bytes, now } = await this.#distance(position);
    const since = Math.max(position.seenAt, this.#caughtUp?.lsn === position.lsn ? this.#caughtUp.at : 0);
    const seconds = bytes <= 0 ? 0 : Math.max(0, (now - since) / 1000);
    const ofSlot = problemOf(this.#database, this.#slot, slot);
    const problem = ofSlot ?? notCaptured(position.troubles ?? {});
    return {
      seconds,
      bytes: Math.max(0, bytes),
      ...(slot && { retainedBytes: slot.retained }),
      ...(problem && { problem, about: ofSlot ? 'slot' : 'tables' }),
    };
  }

  /** From a position to the end of the log. */
  async #distance({ lsn }: CapturePosition): Promise<{ bytes: number; now: number }> {
    const [[end, at] = []] = await this.#database.query('asking how far the log is', `SELECT ${NOW_LSN}, ${NOW_MS}`);
    const bytes = Number(parseLsn(end!) - parseLsn(lsn));
    const now = Number(at);
    if (bytes === 0) this.#caughtUp = { lsn, at: now };
    return { bytes, now };
  }
}

function problemOf({ endpoint, config }: PostgresDatabase, name: string, slot: Slot | undefined): string | undefined {
  const { retained_limit: limit } = config.capture;
  if (!slot) return `${endpoint}: the replication slot ${name} is gone: the tables are read anew.`;
  if (slot.lost) return `${endpoint}: the replication slot ${name} is lost (${slot.lost}): the tables are read anew.`;
  if (slot.safe !== undefined && slot.safe < slot.retained)
    return `${endpoint}: the server keeps ${megabytes(slot.retained)} of its log for the replication slot ${name}, and gives it up after ${megabytes(slot.safe)} more (max_slot_wal_keep_size): read faster, or raise that.`;
  if (slot.retained > limit)
    return `${endpoint}: the server keeps ${megabytes(slot.retained)} of its log for the replication slot ${name}. It needs room until the changes were read, or transactions that are open for long have ended; drop the slot if nobody reads it any more.`;
  return undefined;
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6).toLocaleString('en-US')} MB`;
