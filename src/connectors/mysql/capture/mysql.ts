/**
 * MySQL: a snapshot does not know its place in the log, but transactions in `gtid_executed` are in every snapshot that begins later. With
 * `binlog_order_commits` they are a beginning of the log: the group of transactions that commits is added to the list when all of it is in the tables.
 * (`MYSQL_BIN_LOG::process_commit_stage_queue` in `sql/binlog.cc`.) So the log is read on from the list that was asked for before the snapshot
 * began. What was committed in between is in both, and comes to the same: the log's row is the later one of its key.
 */
import { MysqlGtids } from '../binlog/gtids.ts';
import { logStatus, NOW } from './asking.ts';
import type { Flavour } from './flavour.ts';

export const MYSQL: Flavour = {
  needs: 'MySQL 8.0.14 or later',
  gtids: (list) => new MysqlGtids(list),
  gtidsInLog: '@@GLOBAL.gtid_executed',
  logStatus: 'SHOW BINARY LOG STATUS',
  toBegin: 'log_bin = binlog, server_id = 1, binlog_row_metadata = FULL, gtid_mode = ON, enforce_gtid_consistency = ON',
  wanted: [
    ['gtid_mode', 'ON', 'transactions have no GTIDs, by which a snapshot finds its place in the log'],
    ['binlog_order_commits', 'ON', 'transactions are committed in another order than that of the log'],
    ['binlog_row_value_options', '', 'the binary log has only parts of JSON documents'],
  ],
  logsUpdates: ['log_slave_updates', 'log_replica_updates'],
  rights: 'REPLICATION SLAVE, REPLICATION CLIENT',
  async snapshot(database, signal) {
    const [file, pos] = await logStatus(database, MYSQL);
    const [[list, at] = []] = await database.query('asking for the position', `SELECT @@GLOBAL.gtid_executed, ${NOW}`);
    const snapshot = await database.snapshot(signal);
    return {
      snapshot,
      place: { file: file ?? '', pos: Number(pos) },
      isExact: false,
      gtids: new MysqlGtids(list ?? ''),
      at: Number(at),
    };
  },
};
