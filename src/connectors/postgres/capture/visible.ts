/**
 * Which transactions a snapshot has seen: it tells what of the log is in the rows that were read already, exactly, whatever was open then.
 * Form: https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-PG-SNAPSHOT-PARTS
 */

const EPOCH = 1n << 32n;

/** `snapshot` is `xmin:xmax:xip,xip…` with numbers of 64 bits; the log has the lower 32 of them. */
export function visibleIn(snapshot: string): (xid: number) => boolean {
  const [, max, running = ''] = snapshot.split(':');
  const xmax = BigInt(max!);
  const open = new Set(running.split(',').filter(Boolean));
  return (xid) => {
    const distance = (xmax - BigInt(xid)) & (EPOCH - 1n);
    // Half of the numbers are before, half of them after.
    const full = distance < EPOCH / 2n ? xmax - distance : xmax + (EPOCH - distance);
    return full < xmax && !open.has(String(full));
  };
}
