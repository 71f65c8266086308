/** What is asked of a server that asks for the privileges of a replica. */
import { GranaryError } from '../../../lib/errors.ts';
import type { MysqlDatabase } from '../database.ts';
import { numberOf } from '../faults.ts';
import type { Flavour } from './flavour.ts';

/** Seconds since 1970. */
export const NOW = "TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP())";

/** File and position of the end of the log, the databases that alone are in it, and those that are not. */
export async function logStatus(
  database: MysqlDatabase,
  flavour: Pick<Flavour, 'logStatus' | 'rights'>,
): Promise<(string | null)[]> {
  const ask = (statement: string) => database.query('asking for the binary log', statement);
  const [status = []] = await privileged(database, flavour, () =>
    ask(flavour.logStatus).catch((e) => {
      // Its name before MySQL 8.2.
      if (e instanceof GranaryError && numberOf(e.cause) === SYNTAX) return ask('SHOW MASTER STATUS');
      throw e;
    }),
  );
  return status;
}

const SYNTAX = 1064;

/** Runs what needs the privileges of a replica, and says which those are when they are missing. */
export async function privileged<T>(
  database: MysqlDatabase,
  { rights }: Pick<Flavour, 'rights'>,
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use();
  } catch (e) {
    // To one who may not register, the server says that the password is wrong.
    if (!(e instanceof GranaryError) || !['connector.denied', 'connector.auth_failed'].includes(e.code)) throw e;
    const { user } = database;
    throw new GranaryError('connector.denied', `${database.endpoint}: ${user} may not read the binary log.`, {
      cause: e,
      hint: `GRANT ${rights} ON *.* TO '${user}'@'%'; and SELECT on the tables.`,
    });
  }
}
