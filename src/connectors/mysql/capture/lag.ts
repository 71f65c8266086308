/** How far reading is behind the log. */
import type { FeedLag } from '../../../ports/extract.ts';
import { notCaptured } from '../../lib/sql/troubles.ts';
import type { MysqlDatabase } from '../database.ts';
import { NOW } from './asking.ts';
import { flavourOf } from './flavour.ts';
import { type CapturePosition, comparePlaces } from './position.ts';

/** Of the time for which the server keeps its logs: beyond this share, someone should look. */
const SHARE = 0.5;

/** The last time that a position was found to be the end of the log, by the server's clock: a log that is still has no lag. */
export interface CaughtUp {
  gtid: string;
  at: number;
}

export interface Found extends FeedLag {
  caughtUp?: CaughtUp;
}

export async function lagOf(
  database: MysqlDatabase,
  position: CapturePosition | undefined,
  caughtUp: CaughtUp | undefined,
): Promise<Found> {
  if (!position) return {};
  const { gtids, gtidsInLog } = flavourOf(database);
  const [[gtid, id, now, expires] = []] = await database.query(
    'asking for the position',
    `SELECT ${gtidsInLog}, @@GLOBAL.server_id, ${NOW}, @@GLOBAL.binlog_expire_logs_seconds`,
  );
  const states = Object.entries(position.tables);
  const troubles = states.flatMap(([name, { trouble }]) => (trouble ? [[name, trouble]] : []));
  const waiting = notCaptured(Object.fromEntries(troubles));
  // What foreign keys have changed is not read before the table is.
  const cascaded = states.map(([, state]) => (state.cascaded ? (Date.now() - state.cascaded.since) / 1000 : 0));
  const least = Math.max(0, ...cascaded);
  const ofTables = waiting === undefined ? {} : { problem: waiting, about: 'tables' };
  if (gtids(gtid ?? '').text === gtids(position.gtid).text)
    return { seconds: least, bytes: 0, ...ofTables, caughtUp: { gtid: position.gtid, at: Number(now) } };
  // A log that was still for hours is not hours behind when something is written at last.
  const since = Math.max(position.seenAt ?? position.at, caughtUp?.gtid === position.gtid ? caughtUp.at : 0);
  const seconds = Math.max(least, Number(now) - since);
  if (Number(id) !== position.server) return { seconds, ...ofTables };
  const logs = (await database.query('listing the logs', 'SHOW BINARY LOGS')).map(([file, size]) => ({
    file: file!,
    pos: Number(size),
  }));
  const bytes = logs
    .filter((log) => comparePlaces({ ...log, pos: 0 }, { file: position.file, pos: 0 }) >= 0)
    .reduce((sum, log) => sum + log.pos - (log.file === position.file ? position.pos : 0), 0);
  const isGone = !logs.some((log) => log.file === position.file);
  const limit = Number(expires) * SHARE;
  if (isGone)
    return {
      seconds,
      bytes,
      problem: `The log ${position.file} was purged before it was read: the tables are read anew.`,
      about: 'purge',
    };
  if (limit > 0 && seconds > limit)
    return {
      seconds,
      bytes,
      problem: `Reading is ${Math.round(seconds / 60)} min behind, and the server keeps its log for ${Math.round(Number(expires) / 3600)} h.`,
      about: 'log',
    };
  return { seconds, bytes, ...ofTables };
}
