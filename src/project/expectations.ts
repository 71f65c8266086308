/** What is expected of the datasets of a project, and what may fail: with calendars and time zones filled in. */
import { type Calendar, WEEKDAYS, type Weekday } from '../model/calendar.ts';
import type { ExpectationRule } from '../model/expectations.ts';
import { THRESHOLDS } from '../model/volume.ts';
import { calendarsOf } from './pipelines.ts';
import type { Dataset, Project } from './project.ts';
import type { ExpectConfig } from './specs/expectation.ts';

export interface ErrorBudgetRule {
  /** `tenant/source/dataset`. */
  dataset: string;
  tenant: string;
  /** So many may fail, or such a share of those that came. */
  objects: { unit: 'objects' | 'percent'; count: number };
  windowMs: number;
}

/** In the order of the project. */
export function expectationRules(project: Project): ExpectationRule[] {
  const calendars = calendarsOf(project.config);
  return datasetsOf(project).flatMap((dataset) => {
    const { expect } = dataset.config;
    return expect ? [ruleOf(dataset, expect, calendars, project.config.time_zone)] : [];
  });
}

/** In the order of the project. */
export function errorBudgetRules(project: Project): ErrorBudgetRule[] {
  return datasetsOf(project).flatMap(({ key, tenant, config }) => {
    const budget = config.error_budget;
    if (!budget) return [];
    const unit = budget.objects.endsWith('%') ? 'percent' : 'objects';
    const count = Number.parseFloat(budget.objects);
    return [{ dataset: key, tenant, objects: { unit, count }, windowMs: budget.within * 1000 }];
  });
}

const datasetsOf = (project: Project) => [...project.sources.values()].flatMap((s) => [...s.datasets.values()]);

function ruleOf(
  { key, tenant, config: { files } }: Dataset,
  config: ExpectConfig,
  calendars: ReadonlyMap<string, Calendar>,
  zone: string,
): ExpectationRule {
  const calendar = config.calendar === undefined ? undefined : calendars.get(config.calendar);
  const { metric, sensitivity, window, seasonal } = config.volume;
  return {
    dataset: key,
    tenant,
    when: config.every === undefined ? { times: [...new Set(config.due)].sort() } : { every: config.every },
    days: daysOf(config, calendar !== undefined),
    calendar,
    timeZone: config.time_zone ?? calendar?.timeZone ?? zone,
    toleranceMs: config.tolerance * 1000,
    carries: config.for,
    files: config.files,
    dated: files?.includes('{date:') ?? false,
    minBytes: config.min_bytes,
    maxBytes: config.max_bytes,
    minRows: config.min_rows,
    maxRows: config.max_rows,
    volume:
      sensitivity === 'off'
        ? undefined
        : {
            metric,
            threshold: THRESHOLDS[sensitivity],
            windowDays: Math.max(1, Math.round(window / 86_400)),
            seasonal: seasonal ? 'weekday' : 'none',
          },
    forgive: config.forgive ?? [],
  };
}

function daysOf({ days }: ExpectConfig, hasCalendar: boolean): ExpectationRule['days'] {
  if (!days || days.length === 0) return hasCalendar ? 'business' : 'all';
  if (days.includes('all')) return 'all';
  if (days.includes('business')) return 'business';
  return days.map((day) => WEEKDAYS.indexOf(day as Weekday));
}
