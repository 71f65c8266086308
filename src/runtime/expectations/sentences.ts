/** What is said of deliveries. Pure. */
import type { ExpectationDoc, ExpectationRule, Slot } from '../../model/expectations.ts';

/** `it was due at 06:00 (Europe/Berlin) on 2026-11-25 and is not there yet; 3 of 12 files are` */
export function overdueText(rule: ExpectationRule, slot: Slot, state: 'late' | 'missed', files: number): string {
  const due = `it was due at ${slot.time} (${rule.timeZone}) on ${slot.date}`;
  const date = slot.businessDate === slot.date ? '' : `, for ${slot.businessDate},`;
  const there = files === 0 ? '' : `; ${files} of ${rule.files} files came`;
  return `${due}${date} and ${state === 'late' ? 'is not there yet' : 'has not come'}${there}`;
}

/** Why a problem has ended: with the last delivery that changed. */
export function endText(rule: ExpectationRule, last: ExpectationDoc | undefined, kind: 'overdue' | 'unusual'): string {
  if (last?.state === 'forgiven' || last?.forgiven) return `forgiven: ${last.forgiven?.reason ?? 'nothing need come'}`;
  if (last?.state !== 'arrived' || last.arrivedAt === null) return 'it is no longer waited for';
  if (kind === 'unusual') return 'what came since is as usual';
  const late = Date.parse(last.arrivedAt) - Date.parse(last.due);
  return late > rule.toleranceMs ? `it has come, ${spanText(late)} after it was due` : 'it has come';
}

/** 7500000 to `2 h 5 min`. */
export function spanText(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const parts =
    days > 0 ? [`${days} d`, hours > 0 && `${hours} h`] : [hours > 0 && `${hours} h`, rest > 0 && `${rest} min`];
  return parts.filter(Boolean).join(' ');
}
