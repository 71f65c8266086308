/** `expect` and `error_budget` of a dataset: when its data should be there, how much of it, and how much may fail. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import { WEEKDAYS } from '../../model/calendar.ts';

const TIME = { regex: /^([01]\d|2[0-3]):[0-5]\d$/, meaning: 'a time of day such as 06:00' };
const DATE = { regex: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/, meaning: 'a date such as 2026-12-24' };
const SENSITIVITIES = ['low', 'normal', 'high', 'off'] as const;
const EIGHT_WEEKS = 8 * 7 * 86_400;

const volume = s.object(
  {
    metric: s.choice(['rows', 'bytes'], {
      doc: 'What is compared: rows received, or bytes of the files.',
      default: 'rows',
    }),
    sensitivity: s.choice(SENSITIVITIES, {
      doc: 'How far from usual is unusual: a modified z-score over 5 (`low`), 3.5 (`normal`) or 2.5 (`high`); `off` compares nothing.',
      default: 'normal',
    }),
    window: s.duration({ doc: 'How far back its own history goes.', default: EIGHT_WEEKS, example: '8 weeks' }),
    seasonal: s.boolean({ doc: 'Compare with the same day of the week, where there are enough.', default: true }),
  },
  {
    doc: 'Unusual volume: what came is compared with what usually comes on that day of the week; with all days while there are fewer than five of them, and with nothing before there are five in all.',
    default: { metric: 'rows', sensitivity: 'normal', window: EIGHT_WEEKS, seasonal: true },
    example: { metric: 'bytes', sensitivity: 'low' },
    shorthand: {
      label: 'sensitivity',
      schema: { enum: [...SENSITIVITIES] },
      expand: (value: unknown) => ({ sensitivity: value }),
    },
  },
);

const every = s.refine(
  s.duration({
    doc: 'Instead of times: a period, from midnight on in the time zone.',
    example: '1 h',
    optional: true,
  }),
  (seconds, fail) => {
    if (seconds === undefined || (Number.isInteger(seconds) && seconds >= 60 && 86_400 % seconds === 0)) return seconds;
    return fail('expected a period that divides a day, of at least a minute');
  },
);

const expectObject = s.object(
  {
    due: s.list(s.text({ doc: 'A time of day.', pattern: TIME }), {
      doc: 'When its data should be there: times of the day.',
      example: ['06:00', '18:00'],
      optional: true,
    }),
    every,
    days: s.list(s.choice(['all', 'business', ...WEEKDAYS], { doc: 'A day of the week, `all` or `business`.' }), {
      doc: 'Days on which it is due: `all`, `business`, or days of the week. Default: business days with a calendar, else all.',
      example: ['tuesday', 'friday'],
      optional: true,
    }),
    calendar: s.text({ doc: 'Calendar that says which days are business days.', example: 'retail', optional: true }),
    time_zone: s.text({
      doc: 'Time zone of the times; that of the calendar, or of the project, if not given.',
      example: 'Europe/Berlin',
      optional: true,
    }),
    tolerance: s.duration({ doc: 'How much later is not late yet.', default: 1800, example: '30 min' }),
    for: s.choice(['same_day', 'previous_day', 'previous_business_day'], {
      doc: 'Which date the files that are due on a day carry in their names: that day’s, or the one before it.',
      default: 'same_day',
    }),
    files: s.integer({ doc: 'How many files make a delivery, at least.', default: 1, min: 1 }),
    min_bytes: s.size({ doc: 'Fewest plausible bytes, all files together.', example: '1 MB', optional: true }),
    max_bytes: s.size({ doc: 'Most plausible bytes.', example: '5 GB', optional: true }),
    min_rows: s.integer({ doc: 'Fewest plausible rows.', optional: true, min: 0 }),
    max_rows: s.integer({ doc: 'Most plausible rows.', optional: true, min: 0 }),
    volume,
    forgive: s.list(s.text({ doc: 'A date.', pattern: DATE }), {
      doc: 'Days on which nothing need come after all.',
      example: ['2026-12-24'],
      optional: true,
    }),
  },
  {
    doc: 'When its data should have arrived, and how much of it: a time of day, or a mapping.',
    example: '06:00',
    optional: true,
    shorthand: { label: 'time', schema: { type: 'string' }, expand: (value: unknown) => ({ due: value }) },
  },
);

export const expectSpec = s.refine(expectObject, (expect, fail) => {
  if (!expect) return expect;
  if (expect.due === undefined && expect.every === undefined) return fail('"due" is missing: times such as 06:00');
  if (expect.due !== undefined && expect.every !== undefined) return fail('"due" and "every" cannot stand together');
  return expect;
});
export type ExpectConfig = NonNullable<Infer<typeof expectSpec>>;

const COUNT = { regex: /^\d+(\.\d+)?\s*%?$/, meaning: 'a number of objects such as 5, or a share such as 5 %' };

export const errorBudgetSpec = s.object(
  {
    objects: s.text({
      doc: 'Objects that may fail (quarantine, dead letters): a number, or a share of those that came, such as `5 %`.',
      pattern: COUNT,
      example: '5',
    }),
    within: s.duration({ doc: 'Within which time.', default: 86_400, example: '1 d' }),
  },
  {
    doc: 'How many of its objects may fail before somebody is told that something is wrong with all of it.',
    example: { objects: 5, within: '1 d' },
    optional: true,
  },
);
export type ErrorBudgetConfig = NonNullable<Infer<typeof errorBudgetSpec>>;
