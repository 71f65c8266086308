/**
 * From the project to state machines: one document per pipeline, in the portable profile, that the embedded interpreter and AWS Step Functions
 * run unchanged. Pure, and the same text for the same project.
 */
import type { JsonObject, Machine, MapState, State } from '../../asl/types.ts';
import { isInOrder } from '../parts.ts';
import type { Pipeline } from '../pipelines.ts';
import type { Dataset, Project } from '../project.ts';
import { wavesOf } from '../referenced-tables.ts';
import { ITEM, landStates, overList, pollFailed, pollTask, processDataset } from './collect.ts';
import { feedStates } from './extract.ts';
import { type ObjectLimits, objectStates } from './object.ts';
import { BRIEF_S, call, caught, DONE, type States } from './tasks.ts';

export interface CompileOptions {
  /** Only these of the pipeline's sources. */
  sources?: readonly string[];
  /** Only these datasets, by name, of a source's pipeline. */
  datasets?: readonly string[];
  /** Look for no new files. */
  skipCollect?: boolean;
}

/** The machine of a pipeline. Errors: `config.invalid` when datasets look each other up in a circle. */
export function compilePipeline(project: Project, pipeline: Pipeline, options: CompileOptions = {}): Machine {
  const limits = limitsOf(project);
  const sources = pipeline.sources.filter((s) => !options.sources || options.sources.includes(s));
  const datasets = pipeline.kind === 'dataset' ? [pipeline.dataset!] : options.datasets;
  const plan: JsonObject = {
    sources: sources.map((name) => ({
      name,
      datasets: datasets ? [...datasets] : null,
      transfers: transfersOf(project, name),
    })),
    waves: wavesOf(project)
      .map((wave) => wave.filter((d) => isMeant(d, sources, datasets)))
      .filter((wave) => wave.length > 0)
      .map((wave) => ({
        datasets: wave.map((d) => ({
          key: d.key,
          concurrency: isInOrder(d, project) ? 1 : transfersOf(project, d.source),
        })),
      })),
  };
  const hasFeeds = sources.some((name) => [...project.sources.get(name)!.datasets.values()].some((d) => d.extract));
  const alone =
    !hasFeeds &&
    pipeline.kind === 'dataset' &&
    !isInOrder(project.sources.get(pipeline.source!)!.datasets.get(pipeline.dataset!)!, project);
  const first = options.skipCollect ? 'Waves' : alone ? 'Files' : 'Collect';
  return {
    Comment: `Granary: ${pipeline.name}`,
    StartAt: 'Begin',
    States: {
      Begin: call({
        stage: 'begin',
        input: { 'run.$': '$$.Execution.Name', pipeline: pipeline.name, 'request.$': '$$.Execution.Input' },
        key: "States.Format('{}/begin', $$.Execution.Name)",
        timeoutSeconds: BRIEF_S,
        resultSelector: {
          'run.$': '$.Payload.run',
          'pipeline.$': '$.Payload.pipeline',
          'select.$': '$.Payload.select',
        },
        resultPath: '$',
        next: 'Plan',
      }),
      Plan: { Type: 'Pass', Result: plan, ResultPath: '$.plan', Next: first },
      ...(first === 'Collect' && { Collect: collect(pipeline.concurrency, limits, hasFeeds) }),
      ...(first === 'Files' && { Files: files(limits) }),
      Waves: waves(pipeline.concurrency, limits),
      ...ending(),
    },
  };
}

const transfersOf = (project: Project, source: string): number => project.sources.get(source)!.config.transfers;

function isMeant(dataset: Dataset, sources: readonly string[], datasets: readonly string[] | undefined): boolean {
  if (dataset.config.part_of !== undefined || !sources.includes(dataset.source)) return false;
  return !datasets || datasets.includes(dataset.name);
}

/** The timeouts of tasks hold the wait for a worker as well as the work. */
function limitsOf(project: Project): ObjectLimits {
  const { timeout, long } = project.config.workers;
  return {
    longAbove: long.above,
    shortTimeoutSeconds: Math.ceil(2 * timeout),
    longTimeoutSeconds: Math.ceil(2 * Math.max(timeout, long.timeout)),
  };
}

/** Every source is listed and its new files are landed; several sources at once. */
function collect(concurrency: number, limits: ObjectLimits, hasFeeds: boolean): MapState {
  const land = landStates(limits.longTimeoutSeconds, 'FileDone');
  const item = hasFeeds ? feedStates(limits, 'FileDone', land) : land;
  return {
    Type: 'Map',
    ItemsPath: '$.plan.sources',
    MaxConcurrency: concurrency,
    ItemSelector: SOURCE_ITEM,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'INLINE' },
      StartAt: 'Poll',
      States: {
        Poll: pollTask(limits.shortTimeoutSeconds, 'Found', 'PollFailed'),
        Found: {
          Type: 'Choice',
          Choices: [{ Variable: '$.polled.found', NumericGreaterThan: 0, Next: 'LandFiles' }],
          Default: 'SourceDone',
        },
        LandFiles: overList({
          list: '$.polled.list',
          label: 'files',
          selector: ITEM,
          concurrencyPath: '$.source.transfers',
          processor: {
            start: item.start,
            states: { ...item.states, FileDone: DONE },
          },
          next: 'SourceDone',
        }),
        PollFailed: pollFailed('SourceDone'),
        SourceDone: DONE,
      },
    },
    ResultPath: null,
    Catch: caught('RunFails'),
    Next: 'Waves',
  };
}

const SOURCE_ITEM: JsonObject = {
  'run.$': '$.run',
  'pipeline.$': '$.pipeline',
  'select.$': '$.select',
  'source.$': '$$.Map.Item.Value',
  source_item: { 'source.$': '$$.Map.Item.Value.name' },
};

/** One dataset: each new file goes the whole way by itself, so that the first is in its table while the last is still being landed. */
function files(limits: ObjectLimits): MapState {
  const object = objectStates('', limits);
  const land = landStates(limits.longTimeoutSeconds, 'Done', object.start);
  const states: States = {
    Poll: pollTask(limits.shortTimeoutSeconds, 'Found', 'PollFailed'),
    Found: {
      Type: 'Choice',
      Choices: [{ Variable: '$.polled.found', NumericGreaterThan: 0, Next: 'Objects' }],
      Default: 'SourceDone',
    },
    Objects: overList({
      list: '$.polled.list',
      label: 'objects',
      selector: ITEM,
      concurrencyPath: '$.source.transfers',
      processor: {
        start: land.start,
        states: { ...land.states, ...object.states },
      },
      next: 'SourceDone',
    }),
    PollFailed: pollFailed('SourceDone'),
    SourceDone: DONE,
  };
  return {
    Type: 'Map',
    ItemsPath: '$.plan.sources',
    MaxConcurrency: 1,
    ItemSelector: SOURCE_ITEM,
    ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' }, StartAt: 'Poll', States: states },
    ResultPath: null,
    Catch: caught('RunFails'),
    Next: 'Waves',
  };
}

/** What has landed goes to its tables: reference tables before those that look things up in them. */
function waves(concurrency: number, limits: ObjectLimits): MapState {
  return {
    Type: 'Map',
    ItemsPath: '$.plan.waves',
    MaxConcurrency: 1,
    ItemSelector: {
      'run.$': '$.run',
      'pipeline.$': '$.pipeline',
      'select.$': '$.select',
      'datasets.$': '$$.Map.Item.Value.datasets',
    },
    ItemProcessor: {
      ProcessorConfig: { Mode: 'INLINE' },
      StartAt: 'Datasets',
      States: {
        Datasets: {
          Type: 'Map',
          ItemsPath: '$.datasets',
          MaxConcurrency: Math.max(4, concurrency),
          ItemSelector: {
            'run.$': '$.run',
            'pipeline.$': '$.pipeline',
            'select.$': '$.select',
            'dataset.$': '$$.Map.Item.Value',
          },
          ItemProcessor: processDataset('Landed', limits),
          ResultPath: null,
          Next: 'WaveDone',
        },
        WaveDone: DONE,
      },
    },
    ResultPath: null,
    Catch: caught('RunFails'),
    Next: 'Publish',
  };
}

/** Published are runs whose books balance; a run that fails says so before it ends. */
function ending(): States {
  return {
    Publish: call({
      stage: 'publish',
      input: { 'run.$': '$.run', 'pipeline.$': '$.pipeline' },
      key: "States.Format('{}/publish', $.run)",
      timeoutSeconds: 3600,
      resultSelector: { 'status.$': '$.Payload.status' },
      resultPath: '$.published',
      catch: caught('RunFails'),
      next: 'Ended',
    }),
    Ended: { Type: 'Succeed', OutputPath: '$.published' },
    RunFails: {
      Type: 'Pass',
      Parameters: { 'redrives.$': '$$.Execution.RedriveCount' },
      ResultPath: '$.failed',
      Next: 'FailRun',
    },
    FailRun: call({
      stage: 'fail-run',
      input: { 'run.$': '$.run', 'pipeline.$': '$.pipeline', 'error.$': '$.error' },
      key: "States.Format('{}/fail-run/{}', $.run, $.failed.redrives)",
      timeoutSeconds: 3600,
      resultPath: null,
      next: 'RunFailed',
    }),
    RunFailed: runFailed('Begin'),
  };
}

/**
 * Fails with the error that was caught, and leads to `again` when the run is redriven. A redrive goes on at the state that failed, which for
 * a Fail would be for nothing; but it gives the retries of the states around it anew, and with its retry this one begins from its Choice.
 */
function runFailed(again: string): State {
  return {
    Type: 'Parallel',
    Branches: [
      {
        StartAt: 'Redriven',
        States: {
          Redriven: {
            Type: 'Choice',
            Choices: [
              {
                Variable: '$$.Execution.RedriveCount',
                NumericGreaterThanPath: '$.failed.redrives',
                Next: 'FromTheStart',
              },
            ],
            Default: 'Failed',
          },
          FromTheStart: DONE,
          Failed: { Type: 'Fail', ErrorPath: '$.error.Error', CausePath: '$.error.Cause' },
        },
      },
    ],
    ResultPath: null,
    Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 1, MaxAttempts: 1 }],
    Next: again,
  };
}
