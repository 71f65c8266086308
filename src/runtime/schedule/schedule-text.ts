/** A schedule in words. */
import type { Pipeline } from '../../project/pipelines.ts';

/** `0 5 * * * (Europe/Berlin, business days of retail)`, `every 15 min`, `arrival`, `manual`, `table.changed of main.sales`. */
export function scheduleText({ schedule, on }: Pick<Pipeline, 'schedule' | 'on'>): string {
  const { trigger, timeZone, calendar, days, enabled } = schedule;
  const events = on.map((e) => (e.subject === undefined ? e.event : `${e.event} of ${e.subject}`));
  const notes = [
    ...(trigger.kind === 'cron' && timeZone !== 'UTC' ? [timeZone] : []),
    ...(days === 'business' && calendar ? [`business days of ${calendar.name}`] : []),
    ...(enabled ? [] : ['off']),
  ];
  const kind = trigger.kind === 'manual' && events.length > 0 ? [] : [textOf(trigger)];
  return [...kind, ...events].join(', ') + (notes.length > 0 ? ` (${notes.join(', ')})` : '');
}

function textOf(trigger: Pipeline['schedule']['trigger']): string {
  if (trigger.kind === 'cron') return trigger.cron;
  return trigger.kind === 'every' ? `every ${periodText(trigger.seconds)}` : trigger.kind;
}

/** 5400 to `90 min`, 86400 to `1 d`. */
function periodText(seconds: number): string {
  const units = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ] as const;
  const [size, unit] = units.find(([size]) => seconds % size === 0)!;
  return `${seconds / size} ${unit}`;
}
