/** How often the log was lost: reading everything anew is no way to live. */
import { GranaryError } from '../../../lib/errors.ts';

/** So often within an hour, and someone has to look. */
const MOST = 3;
const HOUR_MS = 3_600_000;

/** The list with one more, at `now`. Error: `connector.protocol` when this happens again and again. */
export function repairsAfter(endpoint: string, before: readonly number[], now: number, cause: Error): number[] {
  const repairs = [...before.filter((at) => at > now - HOUR_MS), now];
  if (repairs.length <= MOST) return repairs;
  throw new GranaryError(
    'connector.protocol',
    `${endpoint} has lost its log ${repairs.length} times within an hour: ${cause.message}`,
    {
      transient: true,
      cause,
      hint: 'Let the server keep its logs longer (binlog_expire_logs_seconds), and look into its error log.',
    },
  );
}
