/** Schedules: time zones, calendars, sources of pipelines and subjects of events that exist; names of pipelines that are clear. */
import { nearest } from '../../lib/nearest.ts';
import type { EventType } from '../../model/events.ts';
import { isTimeZone } from '../../model/time-zone.ts';
import type { Dataset, Source } from '../project.ts';
import type { Report } from '../report.ts';
import type { ProjectConfig } from '../specs/project.ts';
import type { ScheduleConfig } from '../specs/schedule.ts';

export interface ScheduleLint {
  /** As parsed: parts that have issues of their own may be undefined. */
  config: ProjectConfig | undefined;
  /** Paths start at granary.yaml. */
  report: Report | undefined;
  /** Names of all sources, with those that could not be read. */
  sourceNames: readonly string[];
  sources: readonly { source: Source; report: Report; datasets: readonly { dataset: Dataset; report: Report }[] }[];
}

interface Known {
  calendars: string[];
  pipelines: string[];
  datasets: string[];
  tables: string[];
}

export function checkSchedules({ config, report, sourceNames, sources }: ScheduleLint): void {
  const datasets = sources.flatMap((s) => s.datasets.map((d) => d.dataset));
  const declared = Object.keys(config?.pipelines ?? {});
  const known: Known = {
    calendars: Object.keys(config?.calendars ?? {}),
    pipelines: ['daily', ...declared, ...sourceNames, ...datasets.map((d) => `${d.source}.${d.name}`)],
    datasets: datasets.map((d) => d.key),
    tables: datasets.map((d) => `${d.table.schema}.${d.table.name}`),
  };
  if (report && config) checkProject(config, report, sourceNames, known);
  for (const { source, report: at, datasets: own } of sources) {
    if (source.name === 'daily')
      at.error([], 'a source cannot be called "daily": that is the pipeline of all sources; rename the file');
    checkSchedule(source.config.schedule, source.name, known, at.at('schedule'));
    for (const { dataset, report: inner } of own) {
      const { schedule, overlap, part_of } = dataset.config;
      if (part_of !== undefined && (schedule !== undefined || overlap !== undefined))
        inner.error([schedule === undefined ? 'overlap' : 'schedule'], {
          message: `a part has no schedule: it is read with "${part_of}"`,
          atKey: true,
        });
      else checkSchedule(schedule, `${source.name}.${dataset.name}`, known, inner.at('schedule'));
    }
  }
}

function checkProject(config: ProjectConfig, report: Report, sourceNames: readonly string[], known: Known): void {
  checkZone(config.time_zone, report);
  for (const [name, calendar] of Object.entries(config.calendars ?? {})) {
    checkZone(calendar?.time_zone, report.at('calendars', name));
    for (const [i, day] of (calendar?.holidays ?? []).entries())
      if (day !== undefined && !exists(day)) report.error(['calendars', name, 'holidays', i], `there is no day ${day}`);
  }
  for (const [name, pipeline] of Object.entries(config.pipelines ?? {})) {
    const at = report.at('pipelines', name);
    if (sourceNames.includes(name))
      at.error([], { message: `"${name}" is the pipeline of the source "${name}": choose another name`, atKey: true });
    for (const [i, source] of (pipeline?.sources ?? []).entries())
      if (source !== undefined && !sourceNames.includes(source))
        at.error(['sources', i], {
          message: `there is no source "${source}"`,
          suggestion: nearest(source, sourceNames),
        });
    checkSchedule(pipeline?.schedule, name, known, at.at('schedule'));
  }
}

function checkSchedule(config: ScheduleConfig | undefined, pipeline: string, known: Known, report: Report): void {
  if (!config) return;
  checkZone(config.time_zone, report);
  if (config.calendar !== undefined && !known.calendars.includes(config.calendar))
    report.error(['calendar'], {
      message: `there is no calendar "${config.calendar}"${known.calendars.length > 0 ? `; declared: ${known.calendars.join(', ')}` : ' under "calendars" of granary.yaml'}`,
      suggestion: nearest(config.calendar, known.calendars),
    });
  const timed = config.cron !== undefined || config.every !== undefined;
  if (!timed && (config.days === 'business' || config.calendar !== undefined))
    report.warn([config.days === 'business' ? 'days' : 'calendar'], {
      message: 'business days are for times: arrivals and events start it on any day',
      atKey: true,
    });
  for (const [i, trigger] of (config.on ?? []).entries()) {
    if (trigger?.event === undefined) continue;
    const { event, subject } = trigger;
    if (event.startsWith('run.') && (subject === undefined || subject === pipeline))
      report.error(
        ['on', i],
        `${event} of ${subject ?? 'any pipeline'} would start it after each of its own runs, for ever`,
      );
    else if (subject !== undefined) checkSubject(event, subject, known, report.at('on', i));
  }
}

function checkSubject(event: EventType, subject: string, known: Known, report: Report): void {
  const subjects = subjectsOf(event, known);
  if (subjects.includes(subject)) return;
  const what = { table: 'table', object: 'dataset', expectation: 'dataset', error_budget: 'dataset' }[
    event.split('.')[0]!
  ];
  report.error(['subject'], {
    message: `${event} is never about "${subject}": there is no such ${what ?? 'pipeline'}`,
    suggestion: nearest(subject, subjects),
  });
}

function subjectsOf(event: EventType, { tables, datasets, pipelines }: Known): string[] {
  if (event === 'table.changed') return tables;
  if (event.startsWith('dead_letter.')) return [...datasets, ...pipelines];
  return event.startsWith('run.') || event.startsWith('trigger.') || event.startsWith('feed.') ? pipelines : datasets;
}

/** A yearly day may be 29 February. */
function exists(day: string): boolean {
  const date = day.length === 5 ? `2028-${day}` : day;
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
}

function checkZone(zone: string | undefined, report: Report): void {
  if (zone === undefined || isTimeZone(zone)) return;
  report.error(['time_zone'], {
    message: `there is no time zone "${zone}"`,
    suggestion: nearest(zone, ['UTC', ...Intl.supportedValuesOf('timeZone')]),
  });
}
