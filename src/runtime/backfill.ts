/** Backfill: which business dates of a dataset are missing between two days, and what is there to fill the gaps with. Changes nothing. */
import { GranaryError } from '../lib/errors.ts';
import { type Calendar, daysBetween } from '../model/calendar.ts';
import { DEAD_LETTERS, deadLetterId } from '../model/dead-letters.ts';
import { OBJECTS, type ObjectDoc, ORIGINS, originId, SIGHTINGS } from '../model/objects.ts';
import type { RemoteFile } from '../ports/connector.ts';
import { compileNamePattern, type NamePattern } from '../project/name-pattern.ts';
import { calendarsOf, pipelinesOf } from '../project/pipelines.ts';
import type { Dataset, Project } from '../project/project.ts';
import { companions, isUnfinishedName, readiness } from '../stages/collect/readiness.ts';
import type { StageContext } from '../stages/context.ts';

export interface BackfillFile {
  date: string;
  file: RemoteFile;
  /** It gave up earlier and is tried again: why. */
  gaveUp: string | null;
}

export interface BackfillObject {
  date: string;
  object: string;
  /** Name of the file it came as. */
  file: string;
  bytes: number;
  /** It gave up earlier and is tried again: why. */
  gaveUp: string | null;
}

/** What will run is `land` and `process`, and nothing else. Dates are `2026-11-25`, each in order. */
export interface BackfillPlan {
  /** `tenant/source/dataset`. */
  dataset: string;
  /** Name of the pipeline that runs it. */
  pipeline: string;
  from: string;
  to: string;
  /** How often there should be a file. */
  every: Granularity;
  /** Whose business days are expected; null for every day. */
  calendar: string | null;
  /** Files at the source that were never taken. */
  land: BackfillFile[];
  /** Objects that landed and are not at their end. */
  process: BackfillObject[];
  /** Files and objects that need something else first, and what. */
  held: { date: string; name: string; reason: string }[];
  /** Expected dates with nothing loaded and nothing to load. */
  nothing: string[];
  /** Expected dates that are loaded, with nothing left to do. */
  there: string[];
}

export type Granularity = 'day' | 'month' | 'year';

/**
 * `from` and `to`: days, both included. Reads the source. Errors: `cli.usage` for days that are none; `stage.bad_input` for a dataset
 * whose file names have no dates; those of the connector.
 */
export async function planBackfill(
  context: StageContext,
  dataset: Dataset,
  from: string,
  to: string,
): Promise<BackfillPlan> {
  checkDays(from, to);
  const pattern = datedPattern(dataset);
  const every = granularityOf(dataset.config.files!);
  const calendar = every === 'day' ? calendarFor(context.project, dataset) : undefined;
  const expected = expectedDates(from, to, every, calendar);
  const plan: BackfillPlan = {
    dataset: dataset.key,
    pipeline: `${dataset.source}.${dataset.name}`,
    from,
    to,
    every,
    calendar: calendar?.name ?? null,
    land: [],
    process: [],
    held: [],
    nothing: [],
    there: [],
  };
  const isWanted = (date: string) => date >= expectedStart(from, every) && date <= to;
  const loaded = await addObjects(plan, context, dataset, isWanted);
  await addFiles(plan, context, dataset, pattern, isWanted);
  const open = new Set([...plan.land, ...plan.process, ...plan.held].map((one) => one.date));
  for (const date of expected) {
    if (open.has(date)) continue;
    (loaded.has(date) ? plan.there : plan.nothing).push(date);
  }
  for (const list of [plan.land, plan.process, plan.held]) list.sort((a, b) => (a.date < b.date ? -1 : 1));
  return plan;
}

export function isEmpty(plan: BackfillPlan): boolean {
  return plan.land.length + plan.process.length === 0;
}

/** Of the run’s input: `paths` and `objects` are all that it may take. */
export function backfillInput(plan: BackfillPlan): { trigger: 'backfill'; paths: string[]; objects: string[] } {
  return {
    trigger: 'backfill',
    paths: plan.land.map(({ file }) => file.path),
    objects: plan.process.map(({ object }) => object),
  };
}

/** Starts what is planned; undefined when that is nothing. The run has to try again what gave up (`retry_dead_letters`). */
export async function executeBackfill<T>(
  plan: BackfillPlan,
  start: (pipeline: string, only: ReturnType<typeof backfillInput>) => Promise<T>,
): Promise<T | undefined> {
  return isEmpty(plan) ? undefined : start(plan.pipeline, backfillInput(plan));
}

/** Sorts objects of the dataset into the plan; returns the dates with a loaded one. */
async function addObjects(
  plan: BackfillPlan,
  context: StageContext,
  dataset: Dataset,
  isWanted: (date: string) => boolean,
): Promise<Set<string>> {
  const loaded = new Set<string>();
  for await (const object of context.state.query(OBJECTS, { index: 'dataset', equals: [dataset.key] })) {
    const date = object.businessDate?.slice(0, 10);
    if (date === undefined || !isWanted(date)) continue;
    if (object.status === 'loaded' || object.status === 'duplicate') loaded.add(date);
    else if (object.status === 'quarantined') plan.held.push(quarantined(date, object));
    else if (object.status !== 'superseded') {
      const gaveUp = await reasonOf(context, 'object', object.id);
      plan.process.push({ date, object: object.id, file: object.file, bytes: object.bytes, gaveUp });
    }
  }
  return loaded;
}

function quarantined(date: string, { id, file, reasons }: ObjectDoc): BackfillPlan['held'][number] {
  const why = reasons[0]?.message ?? 'It failed verification.';
  return { date, name: file, reason: `In quarantine: ${why} Let it pass with \`granary quarantine release ${id}\`` };
}

/** Files that were never taken. Those that were are objects, whatever became of them. */
async function addFiles(
  plan: BackfillPlan,
  context: StageContext,
  dataset: Dataset,
  pattern: NamePattern,
  isWanted: (date: string) => boolean,
): Promise<void> {
  const { state, clock } = context;
  const connection = await context.connection(dataset.source);
  const files = new Map<string, RemoteFile>();
  for await (const file of connection.list({ folder: pattern.folder, depth: pattern.depth }))
    files.set(file.path, file);
  const present = new Set(files.keys());
  const claimed = [...files.values()].filter(({ path }) => pattern.match(path) && !isUnfinishedName(path));
  const sidecars = new Set(claimed.flatMap(({ path }) => Object.values(companions(path, dataset.config))));
  for (const file of claimed) {
    const date = pattern.match(file.path)?.date?.slice(0, 10);
    if (date === undefined || !isWanted(date) || sidecars.has(file.path)) continue;
    const id = originId(dataset.key, file.path);
    if (await state.get(ORIGINS, id)) continue;
    const ready = readiness(file, dataset.config, present, await state.get(SIGHTINGS, id), clock.now());
    if (ready.ready) plan.land.push({ date, file, gaveUp: await reasonOf(context, 'file', id) });
    else plan.held.push({ date, name: file.path, reason: `Not complete: ${ready.reason}.` });
  }
}

async function reasonOf({ state }: StageContext, kind: 'file' | 'object', ref: string): Promise<string | null> {
  const letter = await state.get(DEAD_LETTERS, deadLetterId(kind, ref));
  return letter && letter.status !== 'resolved' ? letter.reason : null;
}

/** Dates that should have a file. Of months and years the first day stands for all, as in business dates. */
export function expectedDates(from: string, to: string, every: Granularity, calendar?: Calendar): string[] {
  if (every === 'day') return daysBetween(from, to, calendar);
  const end = every === 'month' ? '-01' : '-01-01';
  return daysBetween(expectedStart(from, every), to).filter((day) => day.endsWith(end));
}

/** The period that `from` lies in counts. */
function expectedStart(from: string, every: Granularity): string {
  if (every === 'day') return from;
  return every === 'month' ? `${from.slice(0, 7)}-01` : `${from.slice(0, 4)}-01-01`;
}

function granularityOf(files: string): Granularity {
  const dates = [...files.matchAll(/\{date:([^}]*)\}/g)].map((m) => m[1]!.replaceAll(/'[^']*'/g, '')).join(' ');
  if (/dd|DDD/.test(dates)) return 'day';
  return dates.includes('MM') ? 'month' : 'year';
}

/** Of its expectation, its own schedule, or that of its source, or of a pipeline that runs the source. */
function calendarFor(project: Project, { source, name, config }: Dataset): Calendar | undefined {
  const expected = config.expect?.calendar;
  if (expected !== undefined) return calendarsOf(project.config).get(expected);
  const rank = { dataset: 0, source: 1, project: 2 };
  const own = pipelinesOf(project)
    .filter((p) => p.sources.includes(source) && (p.kind !== 'dataset' || p.dataset === name))
    .sort((a, b) => rank[a.kind] - rank[b.kind]);
  return own.find((p) => p.schedule.days === 'business')?.schedule.calendar;
}

function datedPattern(dataset: Dataset): NamePattern {
  const short = `${dataset.source}.${dataset.name}`;
  if (dataset.config.part_of !== undefined)
    throw new GranaryError('stage.bad_input', `${short} is part of ${dataset.config.part_of}, which has the files.`, {
      hint: `granary backfill ${dataset.source}.${dataset.config.part_of}`,
    });
  const pattern = compileNamePattern(dataset.config.files!);
  if (!pattern.parts.includes('date'))
    throw new GranaryError('stage.bad_input', `The files of ${short} have no date in their names.`, {
      hint: `Write it in "files", as in sales_{date:yyyyMMdd}.csv; it is ${dataset.config.files} now.`,
    });
  return pattern;
}

function checkDays(from: string, to: string): void {
  for (const day of [from, to])
    if (!/^\d{4}-\d\d-\d\d$/.test(day) || !isDay(day))
      throw new GranaryError('cli.usage', `expected a day such as 2026-11-25, found "${day}"`);
  if (from > to) throw new GranaryError('cli.usage', `--from ${from} is after --to ${to}`);
}

function isDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day);
}
