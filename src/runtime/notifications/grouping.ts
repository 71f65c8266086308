/** When notifications of a channel go out, and which of them become one. Pure. */
import { atLeast, type NotificationDoc } from '../../model/notifications.ts';
import type { NotificationsConfig, QuietHours } from '../../project/specs/notifications.ts';
import { quietUntil } from './local-time.ts';

export interface GroupingSettings {
  storm: NotificationsConfig['storm'];
  quiet_hours?: QuietHours | undefined;
}

/** A notification that went out lately. */
export interface RecentlySent {
  /** Milliseconds since 1970. */
  at: number;
  kind: NotificationDoc['kind'];
}

export interface ChannelPlan<T extends NotificationDoc> {
  /** Go out now, one by one. */
  send: T[];
  /** Become one message. */
  merge: T[];
  /** Go out later. `quiet`: because of quiet hours. */
  hold: { entry: T; until: number; quiet: boolean }[];
}

/**
 * What to do with the entries of one channel that are due.
 * - Quiet hours hold back what is not critical, until their end; what waited then goes out as one.
 * - More messages than the limit become one; and after such a one, or when the limit is used up, the rest waits for the window to pass.
 * - An entry that was tried before goes out as it is: it may have arrived, and must be known again.
 */
export function planChannel<T extends NotificationDoc>(
  due: readonly T[],
  { now, recent, settings }: { now: number; recent: readonly RecentlySent[]; settings: GroupingSettings },
): ChannelPlan<T> {
  const plan: ChannelPlan<T> = { send: [], merge: [], hold: [] };
  const until = quietUntil(now, settings.quiet_hours);
  const fresh: T[] = [];
  for (const entry of due) {
    if (until !== undefined && !mayDisturb(entry)) plan.hold.push({ entry, until, quiet: true });
    else if (entry.attempts > 0 || entry.kind === 'digest') plan.send.push(entry);
    else fresh.push(entry);
  }
  const waited = fresh.filter((e) => e.held);
  const groups = waited.length > 1 ? [...fresh.filter((e) => !e.held), waited[0]!] : fresh;
  const windowMs = settings.storm.within * 1000;
  const inWindow = recent.filter((r) => r.kind !== 'digest' && r.at > now - windowMs);
  const capacity = Math.max(0, settings.storm.messages - inWindow.length);
  if (groups.length <= capacity) {
    plan.send.push(...(waited.length > 1 ? fresh.filter((e) => !e.held) : fresh));
    if (waited.length > 1) plan.merge = waited;
    return plan;
  }
  const summaries = inWindow.filter((r) => r.kind === 'summary').map((r) => r.at);
  if (summaries.length > 0) hold(Math.max(...summaries) + windowMs);
  else if (capacity === 0) hold(Math.min(...inWindow.map((r) => r.at)) + windowMs);
  else if (fresh.length > 1) plan.merge = fresh;
  else plan.send.push(...fresh);
  return plan;

  function hold(at: number): void {
    for (const entry of fresh) plan.hold.push({ entry, until: Math.max(at, now + 1000), quiet: false });
  }
}

const mayDisturb = (entry: NotificationDoc) => atLeast(entry.severity, 'critical');

const FIRST_RETRY_MS = 30_000;
const LAST_RETRY_MS = 30 * 60_000;

/** Until the next try after so many: 30 s, doubled each time up to half an hour; longer when the server says so. */
export function retryDelayMs(attempts: number, retryAfterSeconds: number | undefined): number {
  const own = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(20, attempts - 1));
  return Math.round(Math.max(own, Math.min(86_400, retryAfterSeconds ?? 0) * 1000));
}
