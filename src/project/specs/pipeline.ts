/** `pipelines`, `calendars` and `time_zone` of granary.yaml. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import { WEEKDAYS } from '../../model/calendar.ts';
import { NAME } from './dataset.ts';
import { overlapSpec, scheduleSpec } from './schedule.ts';

const HOLIDAY = {
  regex: /^(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/,
  meaning: 'a date such as 2026-12-25, or 12-25 for every year',
};

const calendarSpec = s.object(
  {
    time_zone: s.text({
      doc: 'Time zone of its days; that of the project if not given.',
      example: 'Europe/Berlin',
      optional: true,
    }),
    weekend: s.list(s.choice(WEEKDAYS, { doc: 'A day of the week.' }), {
      doc: 'Days of the week without business.',
      default: ['saturday', 'sunday'],
      example: ['sunday'],
    }),
    holidays: s.list(s.text({ doc: 'A day without business.', pattern: HOLIDAY }), {
      doc: 'Days without business: dates, or `12-25` in quotes for every year.',
      example: ['2026-04-03', '12-25'],
      optional: true,
    }),
  },
  { doc: 'A calendar of business days.' },
);
export type CalendarConfig = Infer<typeof calendarSpec>;

export const calendarsSpec = s.map(calendarSpec, {
  doc: 'Calendars of business days, by name.',
  example: { retail: { time_zone: 'Europe/Berlin', weekend: ['sunday'], holidays: ['12-25'] } },
  names: NAME,
  optional: true,
});

const pipelineSpec = s.object(
  {
    sources: s.list(s.text({ doc: 'Name of a source.' }), {
      doc: 'Sources it runs; all if not given.',
      example: ['shop', 'erp'],
      optional: true,
    }),
    schedule: scheduleSpec,
    concurrency: s.integer({ doc: 'Sources it runs at once.', default: 4, min: 1, max: 40 }),
    overlap: overlapSpec,
  },
  { doc: 'A pipeline of several sources.' },
);
export type PipelineConfig = Infer<typeof pipelineSpec>;

export const pipelinesSpec = s.map(pipelineSpec, {
  doc: 'Pipelines of several sources, by name. `daily` runs all sources and is always there; it may be given a schedule here.',
  example: { daily: { schedule: '0 5 * * *' } },
  names: NAME,
  optional: true,
});
