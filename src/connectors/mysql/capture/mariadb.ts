/** MariaDB: a snapshot knows its place in the log. https://mariadb.com/kb/en/enhancements-for-start-transaction-with-consistent-snapshot/ */
import { GranaryError } from '../../../lib/errors.ts';
import { MariaDbGtids } from '../binlog/gtids.ts';
import { text } from '../dialect.ts';
import { NOW } from './asking.ts';
import type { Flavour } from './flavour.ts';

export const MARIADB: Flavour = {
  needs: 'MariaDB 10.5 or later',
  gtids: (list) => new MariaDbGtids(list),
  gtidsInLog: '@@GLOBAL.gtid_binlog_pos',
  logStatus: 'SHOW MASTER STATUS',
  toBegin: 'log_bin = binlog, server_id = 1, binlog_format = ROW, binlog_row_metadata = FULL',
  wanted: [],
  logsUpdates: ['log_slave_updates'],
  rights: 'REPLICATION SLAVE, BINLOG MONITOR',
  async snapshot(database, signal) {
    const snapshot = await database.snapshot(signal);
    try {
      const status = new Map(
        (await snapshot.rows("SHOW STATUS LIKE 'binlog_snapshot_%'")).map(([name, value]) => [
          name!.toLowerCase(),
          value,
        ]),
      );
      const file = status.get('binlog_snapshot_file') ?? '';
      const pos = Number(status.get('binlog_snapshot_position') ?? 0);
      const [[gtid, at] = []] = await snapshot.rows(`SELECT BINLOG_GTID_POS(${text(file)}, ${pos}), ${NOW}`);
      if (file === '' || pos === 0 || gtid === null || gtid === undefined)
        throw new GranaryError(
          'connector.protocol',
          `${database.endpoint} does not tell where in its log a snapshot is.`,
          { transient: true },
        );
      return { snapshot, place: { file, pos }, isExact: true, gtids: new MariaDbGtids(gtid), at: Number(at) };
    } catch (e) {
      await snapshot.close();
      throw e;
    }
  },
};
