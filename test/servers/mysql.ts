/** A MySQL server, from the folder where `install.sh` puts Debian's newest one with all libraries that it wants. */
import { join } from 'node:path';
import { type Family, type MysqlServer, type ServerOptions, startFamilyServer } from './mysql-family.ts';
import { missing } from './processes.ts';

const ROOT = join(import.meta.dirname, '../../.servers/mysql/root');
/** Its C library is not the one of this machine. */
const LOADER = join(ROOT, 'usr/lib64/ld-linux-x86-64.so.2');
const SERVER = join(ROOT, 'usr/sbin/mysqld');

export const mysqlMissing = () => missing(LOADER, SERVER);

const START = ['--library-path', join(ROOT, 'usr/lib/x86_64-linux-gnu'), SERVER];
const PLACES = [
  `--basedir=${join(ROOT, 'usr')}`,
  `--lc-messages-dir=${join(ROOT, 'usr/share/mysql')}`,
  `--character-sets-dir=${join(ROOT, 'usr/share/mysql/charsets')}`,
  `--plugin-dir=${join(ROOT, 'usr/lib/mysql/plugin')}`,
  '--secure-file-priv=',
];
const LOG = '--innodb-redo-log-capacity=128M';
const FAMILY: Family = {
  name: 'mysql',
  program: LOADER,
  before: START,
  install: { program: LOADER, before: START, args: [...PLACES, LOG, '--initialize-insecure'] },
  settings: [...PLACES, LOG, '--mysqlx=OFF', '--gtid-mode=ON', '--enforce-gtid-consistency=ON'],
  withoutTls: '--tls-version=',
  rights: 'PROCESS, REPLICATION CLIENT, REPLICATION SLAVE',
  numbers: (first, last) =>
    `WITH RECURSIVE numbers (seq) AS (SELECT ${first} UNION ALL SELECT seq + 1 FROM numbers WHERE seq < ${last}) SELECT /*+ SET_VAR(cte_max_recursion_depth = 10000000) */ seq FROM numbers`,
};

export const startMysql = (options: ServerOptions = {}): Promise<MysqlServer> => startFamilyServer(FAMILY, options);
