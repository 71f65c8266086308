/** How only what is new is asked for. */
import { s } from '../../lib/spec/fields.ts';
import type { Infer } from '../../lib/spec/spec.ts';
import { parseDuration } from '../../lib/units.ts';
import { parseMark } from './marks.ts';
import { parseKeyPath } from './paths.ts';

export const FORMATS = ['iso', 'iso_seconds', 'date', 'unix', 'unix_ms', 'number', 'text'] as const;
export type MarkFormat = (typeof FORMATS)[number];

const spec = s.object(
  {
    parameter: s.text({
      doc: 'Parameter for where is read from; not needed where {from} stands in the path, the query or the body.',
      example: 'updated_since',
      optional: true,
    }),
    from: s.refine(
      s.text({
        doc: 'Path within a record whose highest value is the watermark; `now`: the time at which the reading began.',
        example: 'updated_at',
        default: 'now',
      }),
      (text, fail) => (parseKeyPath(text) ? text : fail(`expected a path such as "meta.updated", found "${text}"`)),
    ),
    format: s.choice(FORMATS, {
      doc: 'How values of the parameter are written: `iso` 2026-11-21T03:00:00.000Z, `iso_seconds` without the fraction, `date` 2026-11-21, `unix` seconds, `unix_ms` milliseconds; `number` and `text` are values that are no times.',
      default: 'iso',
    }),
    initial: s.text({
      doc: 'Where the first reading begins: a time, a date, a number, or how long ago ("90 days"). Without it nothing is sent then.',
      example: '2024-01-01',
      optional: true,
    }),
    lookback: s.duration({
      doc: 'How long before the watermark reading begins again, for records that appear late or change without a new time.',
      example: '10 min',
      default: 0,
    }),
    until_parameter: s.text({
      doc: 'Parameter for where the reading ends: the time at which it began. For dates it is the last day.',
      example: 'updated_before',
      optional: true,
    }),
    window: s.duration({
      doc: 'Long stretches are read in windows of this length, one after the other. Needs an initial.',
      example: '1 day',
      optional: true,
    }),
  },
  {
    doc: 'How only what is new is asked for.',
    example: { parameter: 'updated_since', from: 'updated_at' },
    optional: true,
  },
);

export const incremental = s.refine(spec, (value, fail) => {
  if (!value) return value;
  const { initial, format, window } = value;
  if (initial !== undefined && parseDuration(initial) === undefined && parseMark(initial, format) === undefined)
    return fail(`the initial "${initial}" is no value of the format ${format}`);
  if (window !== undefined && (format === 'number' || format === 'text')) return fail('windows are for times');
  if (window !== undefined && initial === undefined) return fail('windows need an initial');
  if (window !== undefined && format === 'date' && window % 86_400 !== 0)
    return fail('windows of dates are whole days');
  return value;
});

export type Incremental = NonNullable<Infer<typeof spec>>;
