/** How far the writes of a server are certainly committed. */
import type { Horizon } from '../lib/sql/database.ts';
import { APPLICATION } from './session.ts';

const UTC = (expression: string) => `to_char((${expression}) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;

/**
 * What clients write into columns without zone is the time of their zone, which is often that of the server, and as often UTC. A clock that is
 * behind only makes more be read again; one that is ahead would lose late commits. So it is never taken to be ahead of UTC.
 */
const OFFSET = "least(0, round(extract(epoch FROM localtimestamp - (now() AT TIME ZONE 'UTC'))))::int";

/**
 * `now()` of a transaction is its start, so whatever is open may yet write rows that are as old. `now` is the start of this statement, before the list of
 * transactions is read. Ours only read. Those of other roles are hidden from roles without the rights of `pg_read_all_stats`; those of sessions that do
 * not track activities, and prepared ones (of two phases), do not tell when they began; on a standby they are open at its primary, where it cannot see them.
 */
const QUERY = `SELECT ${UTC('statement_timestamp()')},
    ${UTC('min(a.xact_start)')},
    count(*) FILTER (WHERE a.query = '<insufficient privilege>'),
    pg_catalog.pg_is_in_recovery(),
    (SELECT count(*) FROM pg_catalog.pg_prepared_xacts p WHERE p.database = pg_catalog.current_database())
      + count(*) FILTER (WHERE a.state = 'disabled'),
    ${OFFSET}
  FROM pg_catalog.pg_stat_activity a
  WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
    AND NOT (a.application_name = '${APPLICATION}' AND a.usename = session_user)
    AND coalesce(a.backend_type, '') NOT IN ('autovacuum worker', 'walsender', 'parallel worker')`;

export async function askHorizon(rows: (sql: string) => Promise<(string | null)[][]>): Promise<Horizon> {
  const [now, oldest, hidden, standby, silent, offset] = (await rows(QUERY))[0]!;
  const unknown =
    standby === 't'
      ? 'the server is a standby, and does not know which transactions are open at its primary: read from the primary, or set lookback'
      : Number(silent) > 0
        ? `${silent} transactions that are prepared, or not tracked, do not tell when they began: set lookback`
        : Number(hidden) > 0
          ? 'transactions of other users are hidden from the user of this source: GRANT pg_read_all_stats to it, or set lookback'
          : undefined;
  return { now: now!, oldest: unknown ? undefined : (oldest ?? undefined), unknown, wallClockOffset: Number(offset) };
}
