/** How far reading is behind the log. */
import type { FeedLag } from '../../../ports/extract.ts';
import { notCaptured } from '../../lib/sql/troubles.ts';
import type { MysqlDatabase } from '../database.ts';
import { type CapturePosition, comparePlaces, isSameGtid } from './position.ts';

/** Of the time for which the server keeps its logs: beyond this share, someone should look. */
const SHARE = 0.5;

export async function lagOf(database: MysqlDatabase, position: CapturePosition | undefined): Promise<FeedLag> {
  if (!position) return {};
  const [[gtid, id, now, expires] = []] = await database.query(
    'asking for the position',
    `SELECT @@GLOBAL.gtid_binlog_pos, @@GLOBAL.server_id, TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP()),
      @@GLOBAL.binlog_expire_logs_seconds`,
  );
  const states = Object.entries(position.tables);
  const troubles = states.flatMap(([name, { trouble }]) => (trouble ? [[name, trouble]] : []));
  const waiting = notCaptured(Object.fromEntries(troubles));
  // What foreign keys have changed is not read before the table is.
  const cascaded = states.map(([, state]) => (state.cascaded ? (Date.now() - state.cascaded.since) / 1000 : 0));
  const least = Math.max(0, ...cascaded);
  if (isSameGtid(gtid ?? '', position.gtid)) return { seconds: least, bytes: 0, ...(waiting && { problem: waiting }) };
  const seconds = Math.max(least, Number(now) - position.at);
  if (Number(id) !== position.server) return { seconds, ...(waiting && { problem: waiting }) };
  const logs = (await database.query('listing the logs', 'SHOW BINARY LOGS')).map(([file, size]) => ({
    file: file!,
    pos: Number(size),
  }));
  const bytes = logs
    .filter((log) => comparePlaces({ ...log, pos: 0 }, { file: position.file, pos: 0 }) >= 0)
    .reduce((sum, log) => sum + log.pos - (log.file === position.file ? position.pos : 0), 0);
  const isGone = !logs.some((log) => log.file === position.file);
  const limit = Number(expires) * SHARE;
  const problem = isGone
    ? `The log ${position.file} was purged before it was read: the tables are read anew.`
    : limit > 0 && seconds > limit
      ? `Reading is ${Math.round(seconds / 60)} min behind, and the server keeps its log for ${Math.round(Number(expires) / 3600)} h.`
      : waiting;
  return { seconds, bytes, ...(problem && { problem }) };
}
