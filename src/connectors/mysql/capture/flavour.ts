/** In what MariaDB and MySQL differ where changes are captured. */
import type { Gtids } from '../binlog/gtids.ts';
import type { MysqlDatabase } from '../database.ts';
import { MARIADB } from './mariadb.ts';
import { MYSQL } from './mysql.ts';
import type { PlacedSnapshot } from './snapshot.ts';

export type Settings = ReadonlyMap<string, string>;

/** A setting that the server has to have, and what is wrong without it. */
export type Wanted = [name: string, value: string, why: string];

export interface Flavour {
  /** What has all settings, for people. */
  needs: string;
  gtids(text: string): Gtids;
  /** SQL: the transactions in the server's log. */
  gtidsInLog: string;
  /** Tells file and position of the end of the log, and which databases it leaves out. */
  logStatus: string;
  /** What is put in the server's configuration, under [mysqld], where it writes no log. */
  toBegin: string;
  wanted: readonly Wanted[];
  /** Whether what a replica takes over is in its log; the later one is the name of now. */
  logsUpdates: readonly string[];
  /** What a user must be allowed to, beside SELECT. */
  rights: string;
  /** All rows in one state whose place in the log is known; the caller closes it. No lock is taken. */
  snapshot(database: MysqlDatabase, signal: AbortSignal | undefined): Promise<PlacedSnapshot>;
}

export const flavourOf = ({ isMariaDb }: Pick<MysqlDatabase, 'isMariaDb'>): Flavour => (isMariaDb ? MARIADB : MYSQL);
