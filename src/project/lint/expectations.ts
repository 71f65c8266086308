/** Expectations and error budgets: calendars and zones that exist, bounds that something can keep, datasets that have files. */
import { nearest } from '../../lib/nearest.ts';
import { isTimeZone } from '../../model/time-zone.ts';
import type { Dataset } from '../project.ts';
import type { Report } from '../report.ts';
import type { ExpectConfig } from '../specs/expectation.ts';

/** `calendars`: names of those that are declared; undefined when that is not known. */
export function checkExpectation({ config }: Dataset, calendars: readonly string[] | undefined, report: Report): void {
  const { expect, error_budget, part_of } = config;
  if (part_of !== undefined) {
    const given = expect !== undefined ? 'expect' : error_budget !== undefined ? 'error_budget' : undefined;
    if (given)
      report.error([given], {
        message: `a part has no files of its own: "${given}" belongs to "${part_of}", whose files it reads`,
        atKey: true,
      });
    return;
  }
  if (expect) checkExpect(expect, calendars, report.at('expect'));
}

function checkExpect(expect: ExpectConfig, calendars: readonly string[] | undefined, report: Report): void {
  const { calendar, time_zone, days, due, min_bytes, max_bytes, min_rows, max_rows } = expect;
  if (due?.length === 0) report.error(['due'], 'a time of day is missing');
  if (calendar !== undefined && calendars && !calendars.includes(calendar))
    report.error(['calendar'], {
      message: `there is no calendar "${calendar}"${calendars.length > 0 ? `; declared: ${calendars.join(', ')}` : ' under "calendars" of granary.yaml'}`,
      suggestion: nearest(calendar, calendars),
    });
  if (time_zone !== undefined && !isTimeZone(time_zone))
    report.error(['time_zone'], {
      message: `there is no time zone "${time_zone}"`,
      suggestion: nearest(time_zone, ['UTC', ...Intl.supportedValuesOf('timeZone')]),
    });
  if (days && days.length > 1 && (days.includes('all') || days.includes('business')))
    report.error(['days'], '"all" and "business" stand alone, without days of the week');
  if (min_bytes !== undefined && max_bytes !== undefined && min_bytes > max_bytes)
    report.error(['min_bytes'], 'it is more than "max_bytes": no amount could be right');
  if (min_rows !== undefined && max_rows !== undefined && min_rows > max_rows)
    report.error(['min_rows'], 'it is more than "max_rows": no amount could be right');
}
