/** `schedule` of a pipeline, a source or a dataset: what starts it. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import type { EventType } from '../../model/events.ts';
import { EVENT_SEVERITY } from '../../model/notifications.ts';
import { cronProblem, MISSED, OVERLAPS } from '../../model/schedule.ts';

const EVENT_TYPES = Object.keys(EVENT_SEVERITY) as EventType[];

const cron = s.refine(
  s.text({
    doc: 'A cron expression: minute, hour, day of month, month, day of week; or six fields, with seconds first.',
    example: '0 5 * * mon-fri',
    optional: true,
  }),
  (text, fail) => {
    const problem = text === undefined ? undefined : cronProblem(text);
    return problem === undefined ? text : fail(problem);
  },
);

const every = s.refine(
  s.duration({
    doc: 'A period. Times are aligned to midnight in the time zone when a day is a multiple of it, else to 1970-01-01 there.',
    example: '15 min',
    optional: true,
  }),
  (seconds, fail) => {
    if (seconds === undefined || (Number.isInteger(seconds) && seconds >= 1)) return seconds;
    return fail('expected a period of at least a second, in whole seconds');
  },
);

const on = s.object(
  {
    event: s.choice(EVENT_TYPES, { doc: 'Type of the event.', example: 'table.changed' }),
    subject: s.text({
      doc: 'What it is about: `schema.table`, `tenant/source/dataset`, or a pipeline, as the type of event has it; any if not given.',
      example: 'main.sales',
      optional: true,
    }),
  },
  { doc: 'An event that starts it.' },
);

const fields = {
  cron,
  every,
  arrival: s.boolean({ doc: 'Start it when files have arrived.', optional: true }),
  manual: s.boolean({ doc: 'Nothing but a person (or an event) starts it.', optional: true }),
  on: s.list(on, {
    doc: 'Events that start it as well.',
    example: [{ event: 'table.changed', subject: 'main.sales' }],
    optional: true,
  }),
  time_zone: s.text({
    doc: 'Time zone of the times; that of the calendar, or of the project, if not given.',
    example: 'Europe/Berlin',
    optional: true,
  }),
  calendar: s.text({ doc: 'Calendar that says which days are business days.', example: 'retail', optional: true }),
  days: s.choice(['all', 'business'], {
    doc: 'Which days it is due on. Default: business days with a calendar, else all.',
    optional: true,
  }),
  missed: s.choice(MISSED, {
    doc: 'Times that passed while nothing ran: `latest` makes up for the last one, `all` for each of them, `skip` for none.',
    default: 'latest',
  }),
  enabled: s.boolean({ doc: 'Whether it starts anything.', default: true }),
};

const KINDS = ['cron', 'every', 'arrival', 'manual'] as const;

export const scheduleSpec = s.refine(
  s.object(fields, {
    doc: 'What starts it: `every 15 min`, a cron expression, `arrival`, `manual`, or a mapping. A source that nothing else starts runs when files arrive.',
    example: '0 5 * * *',
    optional: true,
    shorthand: { label: 'text', schema: { type: 'string' }, expand: expandSchedule },
  }),
  (schedule, fail) => {
    if (!schedule) return schedule;
    const given = KINDS.filter((kind) => schedule[kind] !== undefined && (schedule[kind] as unknown) !== false);
    if (given.length > 1) return fail(`${given.map((g) => `"${g}"`).join(' and ')} cannot stand together`);
    if (given.length === 0 && schedule.on === undefined && schedule.enabled)
      return fail('nothing starts it: one of cron, every, arrival, manual or on is missing');
    return schedule;
  },
);
export type ScheduleConfig = NonNullable<Infer<typeof scheduleSpec>>;

export const overlapSpec = s.choice(OVERLAPS, {
  doc: 'When it is due and still running: `skip` this time, `queue` a run behind it, or stop the running one and `replace` it. Default: `skip` for times, `queue` for arrivals and events.',
  optional: true,
});

/** In seconds. */
export const pollSpec = s.refine(
  s.object(
    {
      min: s.duration({ doc: 'The shortest time between two looks.', default: 10, example: '10 s' }),
      max: s.duration({ doc: 'The longest time between two looks.', default: 300, example: '5 min' }),
    },
    {
      doc: 'How often the source is looked at for new files: more often when files usually arrive and after one has, less often when nothing comes or the source fails. A local folder is watched as well.',
      default: { min: 10, max: 300 },
      example: { min: '10 s', max: '5 min' },
    },
  ),
  (poll, fail) =>
    poll.min >= 1 && poll.max >= poll.min ? poll : fail('expected min of at least 1 s and max of at least min'),
);

function expandSchedule(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (text === 'arrival' || text === 'manual') return { [text]: true };
  const period = /^every\s+(.+)$/i.exec(text);
  return period ? { every: /^\d/.test(period[1]!) ? period[1] : `1 ${period[1]}` } : { cron: text };
}
