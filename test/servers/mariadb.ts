/** A MariaDB server. */
import { type Family, type MysqlServer, type ServerOptions, startFamilyServer } from './mysql-family.ts';
import { missing } from './processes.ts';

export type MariaDbServer = MysqlServer;

const SERVER = '/usr/sbin/mariadbd';
const INSTALL = '/usr/bin/mariadb-install-db';

export const mariaDbMissing = () => missing(SERVER, INSTALL);

const LOG = '--innodb-log-file-size=64M';
const FAMILY: Family = {
  name: 'mariadb',
  program: SERVER,
  before: [],
  install: {
    program: INSTALL,
    before: [],
    args: [
      '--skip-test-db',
      '--auth-root-authentication-method=normal',
      '--skip-name-resolve',
      '--innodb-flush-log-at-trx-commit=0',
      LOG,
    ],
  },
  settings: [LOG, '--gtid-strict-mode=ON'],
  withoutTls: '--skip-ssl',
  rights: 'PROCESS, BINLOG MONITOR, REPLICATION SLAVE',
  numbers: (first, last) => `SELECT seq FROM seq_${first}_to_${last}`,
};

export const startMariaDb = (options: ServerOptions = {}): Promise<MariaDbServer> => startFamilyServer(FAMILY, options);
