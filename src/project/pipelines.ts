/** The pipelines of a project with what starts them: those of `pipelines`, one of every source, one of every dataset that has files. */
import { type Calendar, WEEKDAYS } from '../model/calendar.ts';
import type { EventType } from '../model/events.ts';
import type { Overlap, Schedule, Trigger } from '../model/schedule.ts';
import type { Project, Source } from './project.ts';
import type { CalendarConfig, PipelineConfig } from './specs/pipeline.ts';
import type { ScheduleConfig } from './specs/schedule.ts';

/** The pipeline of all sources, which every project has. */
export const DAILY = 'daily';

export interface EventTrigger {
  event: EventType;
  /** Undefined: any. */
  subject: string | undefined;
}

export interface Pipeline {
  /** Name of its machine: `daily`, `<source>`, `<source>.<dataset>`. */
  name: string;
  kind: 'project' | 'source' | 'dataset';
  /** Of a source or dataset. */
  source?: string;
  /** Of a dataset: its name within the source. */
  dataset?: string;
  /** Names of the sources it runs, in the project's order. */
  sources: string[];
  schedule: Schedule;
  on: EventTrigger[];
  overlap: Overlap;
  /** Sources at once. */
  concurrency: number;
  /** Of a project pipeline: that of its sources when they have the same, else `main`. */
  tenant: string;
  /**
   * Of a source: names of the datasets its schedule and its arrivals take, when others have schedules of their own. By hand it takes all.
   */
  datasets?: string[];
}

/** In the order: project pipelines, then each source followed by its datasets. For a project that has been loaded. */
export function pipelinesOf(project: Project): Pipeline[] {
  const resolver = scheduleResolver(project);
  const declared = Object.entries({ [DAILY]: undefined, ...project.config.pipelines });
  const projects = declared.map(([name, config]) => projectPipeline(project, name, config, resolver));
  const covered = new Set(projects.filter(startsByItself).flatMap((p) => p.sources));
  const sources = [...project.sources.values()].flatMap((source) =>
    sourcePipelines(source, covered.has(source.name), resolver),
  );
  return [...projects, ...sources];
}

/** Undefined when there is none of that name. */
export function findPipeline(project: Project, name: string): Pipeline | undefined {
  return pipelinesOf(project).find((p) => p.name === name);
}

/** The tenant of a pipeline's runs: that of its sources when they have the same, else `main`. */
export function tenantOf(name: string, project: Project): string {
  return findPipeline(project, name)?.tenant ?? 'main';
}

/** Whether anything but a person starts it. */
export function startsByItself({ schedule, on }: Pick<Pipeline, 'schedule' | 'on'>): boolean {
  return schedule.enabled && (schedule.trigger.kind !== 'manual' || on.length > 0);
}

type Resolver = (config: ScheduleConfig | undefined, otherwise: Trigger['kind'] & ('arrival' | 'manual')) => Schedule;

function projectPipeline(
  project: Project,
  name: string,
  config: PipelineConfig | undefined,
  resolve: Resolver,
): Pipeline {
  const wanted = config?.sources;
  const sources = [...project.sources.values()].filter((source) => !wanted || wanted.includes(source.name));
  const tenants = new Set(sources.map((source) => source.tenant));
  return {
    name,
    kind: 'project',
    sources: sources.map((source) => source.name),
    ...started(config?.schedule, config?.overlap, 'manual', resolve),
    concurrency: config?.concurrency ?? 4,
    tenant: tenants.size === 1 ? [...tenants][0]! : 'main',
  };
}

function sourcePipelines(source: Source, covered: boolean, resolve: Resolver): Pipeline[] {
  const { name, tenant, config } = source;
  const datasets = [...source.datasets.values()].filter((d) => d.config.part_of === undefined);
  const common = { source: name, sources: [name], concurrency: 1, tenant };
  const ofDatasets = datasets.map(
    (dataset): Pipeline => ({
      name: `${name}.${dataset.name}`,
      kind: 'dataset',
      dataset: dataset.name,
      ...common,
      ...started(dataset.config.schedule, dataset.config.overlap, 'manual', resolve),
    }),
  );
  const left = datasets.filter((d) => d.config.schedule === undefined).map((d) => d.name);
  // Nothing arrives at a source without files, unless it is a stream.
  const waits = datasets.some((d) => d.extract === undefined || d.extract.everySeconds !== undefined);
  const otherwise = covered || left.length === 0 || !waits ? 'manual' : 'arrival';
  const own: Pipeline = {
    name,
    kind: 'source',
    ...common,
    ...started(config.schedule, config.overlap, otherwise, resolve),
    ...(left.length < datasets.length && left.length > 0 && { datasets: left }),
  };
  return [own, ...ofDatasets];
}

function started(
  config: ScheduleConfig | undefined,
  overlap: Overlap | undefined,
  otherwise: 'arrival' | 'manual',
  resolve: Resolver,
): Pick<Pipeline, 'schedule' | 'on' | 'overlap'> {
  const schedule = resolve(config, otherwise);
  const on = (config?.on ?? []).map(({ event, subject }): EventTrigger => ({ event, subject }));
  const timed = schedule.trigger.kind === 'cron' || schedule.trigger.kind === 'every';
  // A time comes again by itself; a file or an event that was skipped would be forgotten.
  return { schedule, on, overlap: overlap ?? (timed && on.length === 0 ? 'skip' : 'queue') };
}

function scheduleResolver(project: Project): Resolver {
  const zone = project.config.time_zone;
  const calendars = calendarsOf(project.config);
  return (config, otherwise) => {
    const calendar = config?.calendar === undefined ? undefined : calendars.get(config.calendar);
    return {
      trigger: triggerOf(config, otherwise),
      timeZone: config?.time_zone ?? calendar?.timeZone ?? zone,
      calendar: calendar ?? (config?.days === 'business' ? weekdays(config.time_zone ?? zone) : undefined),
      days: config?.days ?? (calendar ? 'business' : 'all'),
      missed: config?.missed ?? 'latest',
      enabled: config?.enabled ?? true,
    };
  };
}

function triggerOf(config: ScheduleConfig | undefined, otherwise: 'arrival' | 'manual'): Trigger {
  if (!config) return { kind: otherwise };
  if (config.cron !== undefined) return { kind: 'cron', cron: config.cron };
  if (config.every !== undefined) return { kind: 'every', seconds: config.every };
  return { kind: config.arrival ? 'arrival' : 'manual' };
}

/** Calendars of the project by name, with zones filled in. */
export function calendarsOf(config: Pick<Project['config'], 'calendars' | 'time_zone'>): Map<string, Calendar> {
  const entries = Object.entries((config.calendars ?? {}) as Record<string, CalendarConfig>);
  return new Map(
    entries.map(([name, { time_zone, weekend, holidays }]) => [
      name,
      {
        name,
        timeZone: time_zone ?? config.time_zone,
        weekend: weekend.map((day) => WEEKDAYS.indexOf(day)),
        holidays: holidays ?? [],
      },
    ]),
  );
}

/** The calendar of `days: business` where none is named: Monday to Friday. */
function weekdays(timeZone: string): Calendar {
  return { name: 'weekdays', timeZone, weekend: [0, 6], holidays: [] };
}
