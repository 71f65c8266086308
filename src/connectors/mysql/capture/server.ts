/** What capturing needs of a server, asked in the words of MariaDB, and whether it has it. */
import { GranaryError } from '../../../lib/errors.ts';
import type { MysqlDatabase } from '../database.ts';
import type { Place } from './position.ts';

export interface ServerState extends Place {
  id: number;
  /** What is in its log. */
  gtid: string;
  /** Seconds since 1970, by its clock: not after `gtid` was asked for. */
  now: number;
}

/** Seconds since 1970. */
export const NOW = "TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP())";

const VARIABLES = [
  'log_bin',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'log_slave_updates',
  'server_id',
  'wsrep_on',
];

/** Errors: `connector.denied` with the privilege that is missing, `connector.unsupported` with the setting. */
export async function serverState(database: MysqlDatabase): Promise<ServerState> {
  const { endpoint } = database;
  if (!database.isMariaDb)
    throw unfit(endpoint, 'changes are captured from MariaDB only, and this server is another one', 'Use a watermark.');
  const names = VARIABLES.map((name) => `'${name}'`).join(', ');
  const settings = new Map(
    (await database.query('asking for settings', `SHOW GLOBAL VARIABLES WHERE variable_name IN (${names})`)).map(
      ([name, value]) => [name!.toLowerCase(), (value ?? '').toUpperCase()],
    ),
  );
  checkSettings(endpoint, settings);
  await checkReplica(database, settings);
  const [[file, pos] = []] = await privileged(database, () =>
    database.query('asking for the binary log', 'SHOW MASTER STATUS'),
  );
  const [[gtid, now] = []] = await database.query('asking for the position', `SELECT @@GLOBAL.gtid_binlog_pos, ${NOW}`);
  return {
    id: Number(settings.get('server_id')),
    gtid: gtid ?? '',
    file: file ?? '',
    pos: Number(pos),
    now: Number(now),
  };
}

function checkSettings(endpoint: string, settings: ReadonlyMap<string, string>): void {
  if (settings.get('log_bin') !== 'ON')
    throw unfit(
      endpoint,
      'the server writes no binary log (log_bin is OFF)',
      'In its configuration, under [mysqld]: log_bin = binlog, server_id = 1, binlog_format = ROW, binlog_row_metadata = FULL. Then restart it.',
    );
  const wanted: [name: string, value: string, why: string][] = [
    ['binlog_format', 'ROW', 'the binary log has statements instead of rows'],
    ['binlog_row_image', 'FULL', 'the binary log has only parts of rows'],
    ['binlog_row_metadata', 'FULL', 'the binary log does not tell the names of columns'],
  ];
  for (const [name, value, why] of wanted) {
    const found = settings.get(name);
    if (found === undefined) throw unfit(endpoint, `it has no ${name}`, 'Capturing needs MariaDB 10.5 or later.');
    if (found !== value)
      throw unfit(
        endpoint,
        `${why} (${name} is ${found})`,
        `SET GLOBAL ${name} = ${value}; and the same in the server's configuration. Sessions that are open keep the old setting: let applications connect anew.`,
      );
  }
}

async function checkReplica(database: MysqlDatabase, settings: ReadonlyMap<string, string>): Promise<void> {
  if (settings.get('log_slave_updates') === 'ON') return;
  if (settings.get('wsrep_on') === 'ON')
    throw unfit(
      database.endpoint,
      'the server is a node of a Galera cluster, and what is written to the other nodes is not in its own log (log_slave_updates is OFF)',
      'Set log_slave_updates = ON in the configuration of each node, with one wsrep_gtid_domain_id for all of them, and restart it.',
    );
  const [[, running] = []] = await database.query('asking for replication', "SHOW GLOBAL STATUS LIKE 'slaves_running'");
  if (Number(running ?? 0) > 0)
    throw unfit(
      database.endpoint,
      'the server is a replica, and what it takes over is not in its own log (log_slave_updates is OFF)',
      'Set log_slave_updates = ON in its configuration and restart it, or capture from the primary.',
    );
}

const unfit = (endpoint: string, why: string, hint: string): GranaryError =>
  new GranaryError('connector.unsupported', `${endpoint}: changes cannot be captured: ${why}.`, { hint });

/** Runs what needs the privileges of a replica, and says which those are when they are missing. */
export async function privileged<T>(database: MysqlDatabase, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } catch (e) {
    // To one who may not register, the server says that the password is wrong.
    if (!(e instanceof GranaryError) || !['connector.denied', 'connector.auth_failed'].includes(e.code)) throw e;
    const { user } = database;
    throw new GranaryError('connector.denied', `${database.endpoint}: ${user} may not read the binary log.`, {
      cause: e,
      hint: `GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO '${user}'@'%'; and SELECT on the tables. (Before MariaDB 10.5: REPLICATION CLIENT.)`,
    });
  }
}
