/** What capturing needs of a server, and whether it has it. */
import { GranaryError } from '../../../lib/errors.ts';
import type { Gtids } from '../binlog/gtids.ts';
import type { MysqlDatabase } from '../database.ts';
import { logStatus, NOW } from './asking.ts';
import { type Flavour, flavourOf, type Settings, type Wanted } from './flavour.ts';
import type { Place } from './position.ts';

export interface ServerState extends Place {
  id: number;
  /** The transactions in its log. */
  gtids: Gtids;
  /** Seconds since 1970, by its clock: not after `gtid` was asked for. */
  now: number;
}

const VARIABLES = ['log_bin', 'server_id', 'wsrep_on'];

const WANTED: readonly Wanted[] = [
  ['binlog_format', 'ROW', 'the binary log has statements instead of rows'],
  ['binlog_row_image', 'FULL', 'the binary log has only parts of rows'],
  ['binlog_row_metadata', 'FULL', 'the binary log does not tell the names of columns'],
];

/** Errors: `connector.denied` with the privilege that is missing, `connector.unsupported` with the setting. */
export async function serverState(database: MysqlDatabase): Promise<ServerState> {
  const { endpoint } = database;
  const flavour = flavourOf(database);
  const wanted = [...WANTED, ...flavour.wanted];
  const asked = [...VARIABLES, ...flavour.logsUpdates, ...wanted.map(([name]) => name)];
  const names = asked.map((name) => `'${name}'`).join(', ');
  const settings = new Map(
    (await database.query('asking for settings', `SHOW GLOBAL VARIABLES WHERE variable_name IN (${names})`)).map(
      ([name, value]) => [name!.toLowerCase(), (value ?? '').toUpperCase()],
    ),
  );
  checkSettings(endpoint, flavour, wanted, settings);
  await checkReplica(database, flavour, settings);
  const [file, pos] = await logStatus(database, flavour);
  const [[gtids, now] = []] = await database.query('asking for the position', `SELECT ${flavour.gtidsInLog}, ${NOW}`);
  return {
    id: Number(settings.get('server_id')),
    gtids: flavour.gtids(gtids ?? ''),
    file: file ?? '',
    pos: Number(pos),
    now: Number(now),
  };
}

function checkSettings(endpoint: string, flavour: Flavour, wanted: readonly Wanted[], settings: Settings): void {
  if (settings.get('log_bin') !== 'ON')
    throw unfit(
      endpoint,
      'the server writes no binary log (log_bin is OFF)',
      `In its configuration, under [mysqld]: ${flavour.toBegin}. Then restart it.`,
    );
  for (const [name, value, why] of wanted) {
    const found = settings.get(name);
    if (found === undefined) throw unfit(endpoint, `it has no ${name}`, `Capturing needs ${flavour.needs}.`);
    if (found !== value)
      throw unfit(
        endpoint,
        `${why} (${name} is ${found})`,
        `SET GLOBAL ${name} = ${value || "''"}; and the same in the server's configuration. Sessions that are open keep the old setting: let applications connect anew.`,
      );
  }
}

async function checkReplica(database: MysqlDatabase, { logsUpdates }: Flavour, settings: Settings): Promise<void> {
  if (logsUpdates.some((name) => settings.get(name) === 'ON')) return;
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
