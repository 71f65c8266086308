/** Parts of machines that find files and land them, and that take landed objects further, dataset by dataset. Pure. */
import type { JsonObject, MapState, Processor } from '../../asl/types.ts';
import { deadLetter, type ObjectLimits, objectStates } from './object.ts';
import { BRIEF_S, call, caught, DONE, type States } from './tasks.ts';

/** How often what could not be decided yet is looked at again: copies of a file wait for the one that is loaded. */
const ROUNDS = 3;

/** A distributed Map over the lines of a list in the object store; its results stay out of the state's data. */
export function overList(options: {
  list: string;
  label: string;
  selector: JsonObject;
  concurrencyPath: string;
  processor: { start: string; states: States };
  next: string;
}): MapState {
  return {
    Type: 'Map',
    Label: options.label,
    ItemReader: {
      Resource: 'arn:aws:states:::s3:getObject',
      ReaderConfig: { InputType: 'JSONL' },
      Parameters: { Bucket: 'granary', 'Key.$': options.list },
    },
    ItemSelector: options.selector,
    MaxConcurrencyPath: options.concurrencyPath,
    ItemProcessor: {
      ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
      StartAt: options.processor.start,
      States: options.processor.states,
    },
    ResultWriter: {
      Resource: 'arn:aws:states:::s3:putObject',
      Parameters: { Bucket: 'granary', 'Prefix.$': "States.Format('runs/{}/results', $.run)" },
    },
    ResultPath: null,
    // Before any item began. What fails later is not repeated as a whole: a redrive goes on where it stopped.
    Retry: [{ ErrorEquals: ['States.ItemReaderFailed'], IntervalSeconds: 2, BackoffRate: 2, MaxAttempts: 3 }],
    Next: options.next,
  };
}

export const ITEM: JsonObject = { 'run.$': '$.run', 'pipeline.$': '$.pipeline', 'item.$': '$$.Map.Item.Value' };

/**
 * Land, for one found file. Where something new has landed `further` gets `{ run, pipeline, item: { object, dataset, bytes } }`; with no
 * `further` landing is all.
 */
export function landStates(timeoutSeconds: number, done: string, further?: string): { start: string; states: States } {
  const land = {
    stage: 'land',
    input: { 'run.$': '$.run', 'item.$': '$.item' },
    key: "States.Format('{}/land/{}/{}', $.run, $.item.dataset, $.item.file.path)",
    timeoutSeconds,
    catch: caught('LandFailed'),
  };
  const failed = deadLetter(
    'Land',
    'file',
    '$.item',
    "States.Format('{}/dead-letter/{}/{}', $.run, $.item.dataset, $.item.file.path)",
    done,
  );
  if (further === undefined)
    return { start: 'Land', states: { Land: call({ ...land, resultPath: null, next: done }), LandFailed: failed } };
  const states: States = {
    Land: call({
      ...land,
      resultSelector: {
        'object.$': '$.Payload.object',
        'dataset.$': '$.Payload.dataset',
        'bytes.$': '$.Payload.bytes',
      },
      resultPath: '$.landed',
      next: 'Landed',
    }),
    Landed: {
      Type: 'Choice',
      Choices: [{ Variable: '$.landed.object', IsNull: true, Next: done }],
      Default: 'LandedObject',
    },
    LandedObject: {
      Type: 'Pass',
      Parameters: { 'run.$': '$.run', 'pipeline.$': '$.pipeline', 'item.$': '$.landed' },
      Next: further,
    },
    LandFailed: failed,
  };
  return { start: 'Land', states };
}

/** Poll of one source. Input: `{ run, pipeline, select, source: { name, datasets, transfers } }`. */
export function pollTask(timeoutSeconds: number, next: string, failed: string) {
  return call({
    stage: 'poll',
    input: {
      'run.$': '$.run',
      'source.$': '$.source.name',
      'datasets.$': '$.source.datasets',
      'list.$': "States.Format('runs/{}/{}.jsonl', $.run, $.source.name)",
      'retry_dead_letters.$': '$.select.retry_dead_letters',
      'paths.$': '$.select.paths',
      'parameters.$': '$.select.parameters',
    },
    key: "States.Format('{}/poll/{}', $.run, $.source.name)",
    timeoutSeconds,
    resultSelector: { 'list.$': '$.Payload.list', 'found.$': '$.Payload.found' },
    resultPath: '$.polled',
    catch: caught(failed),
    next,
  });
}

/** A source that cannot be listed holds up no other. */
export function pollFailed(next: string) {
  return deadLetter(
    'Poll',
    'pipeline',
    '$.source_item',
    "States.Format('{}/dead-letter/{}', $.run, $.source.name)",
    next,
  );
}

/**
 * Takes the objects of one dataset further until nothing is left, at most three times. Input: `{ run, pipeline, select, dataset: { key,
 * concurrency } }`. `suffix` makes the names unique.
 */
export function processDataset(suffix: string, limits: ObjectLimits): Processor {
  const n = (name: string) => `${name}${suffix}`;
  const keep = {
    'run.$': '$.run',
    'pipeline.$': '$.pipeline',
    'select.$': '$.select',
    'dataset.$': '$.dataset',
  };
  return {
    ProcessorConfig: { Mode: 'INLINE' },
    StartAt: n('FirstRound'),
    States: {
      [n('FirstRound')]: { Type: 'Pass', Parameters: { ...keep, round: 1 }, Next: n('Pending') },
      [n('Pending')]: call({
        stage: 'pending',
        input: {
          'run.$': '$.run',
          'datasets.$': 'States.Array($.dataset.key)',
          'list.$': "States.Format('runs/{}/{}/{}.jsonl', $.run, $.dataset.key, $.round)",
          'retry_dead_letters.$': '$.select.retry_dead_letters',
          'objects.$': '$.select.objects',
          'parameters.$': '$.select.parameters',
        },
        key: "States.Format('{}/pending/{}/{}', $.run, $.dataset.key, $.round)",
        timeoutSeconds: BRIEF_S,
        resultSelector: { 'list.$': '$.Payload.list', 'found.$': '$.Payload.found' },
        resultPath: '$.pending',
        next: n('AnyPending'),
      }),
      [n('AnyPending')]: {
        Type: 'Choice',
        Choices: [{ Variable: '$.pending.found', NumericGreaterThan: 0, Next: n('Objects') }],
        Default: n('DatasetDone'),
      },
      [n('Objects')]: overList({
        list: '$.pending.list',
        label: n('objects'),
        selector: ITEM,
        concurrencyPath: '$.dataset.concurrency',
        processor: objectStates(suffix, limits),
        next: n('NextRound'),
      }),
      [n('NextRound')]: {
        Type: 'Pass',
        Parameters: { ...keep, 'round.$': 'States.MathAdd($.round, 1)' },
        Next: n('MoreRounds'),
      },
      [n('MoreRounds')]: {
        Type: 'Choice',
        Choices: [{ Variable: '$.round', NumericLessThanEquals: ROUNDS, Next: n('Pending') }],
        Default: n('DatasetDone'),
      },
      [n('DatasetDone')]: DONE,
    },
  };
}
