/** What happens to one landed object: verify, curate for each of its datasets, load. Input: `{ run, pipeline, item: { object, dataset, bytes } }`. */
import type { Processor } from '../../asl/types.ts';
import { BRIEF_S, call, caught, DONE, longCall, type States } from './tasks.ts';

export interface ObjectLimits {
  /** Objects above so many bytes go to the long class. */
  longAbove: number;
  shortTimeoutSeconds: number;
  longTimeoutSeconds: number;
}

const KEPT = ['run', 'pipeline', 'item'];

/** Names are made unique within the document by `suffix`. The last state is `Done<suffix>`, which the caller may go to as well. */
export function objectStates(suffix: string, limits: ObjectLimits): { start: string; states: States } {
  const n = (name: string) => `${name}${suffix}`;
  const verifyKey = "States.Format('{}/verify/{}', $.run, $.item.object)";
  const notBlocked = [
    { ErrorEquals: ['Granary.Blocked'], ResultPath: null, Next: n('Done') },
    ...caught(n('VerifyFailed')),
  ];
  const states: States = {
    [n('VerifySize')]: {
      Type: 'Choice',
      Choices: [{ Variable: '$.item.bytes', NumericGreaterThan: limits.longAbove, Next: n('VerifyLongCall') }],
      Default: n('Verify'),
    },
    [n('Verify')]: call({
      stage: 'verify',
      input: { 'run.$': '$.run', 'object.$': '$.item.object' },
      key: verifyKey,
      timeoutSeconds: limits.shortTimeoutSeconds,
      resultSelector: { 'status.$': '$.Payload.status', 'datasets.$': '$.Payload.datasets' },
      resultPath: '$.verified',
      catch: notBlocked,
      next: n('Verified'),
    }),
    [n('VerifyLongCall')]: {
      Type: 'Pass',
      Parameters: { 'run.$': '$.run', 'object.$': '$.item.object' },
      ResultPath: '$.call',
      Next: n('VerifyLong'),
    },
    ...longCall({
      name: n('VerifyLong'),
      stage: 'verify',
      input: {},
      key: verifyKey,
      timeoutSeconds: limits.longTimeoutSeconds,
      catch: notBlocked,
      into: 'verified',
      keep: KEPT,
      next: n('Verified'),
    }),
    [n('Verified')]: {
      Type: 'Choice',
      Choices: [{ Variable: '$.verified.status', StringEquals: 'verified', Next: n('Curate') }],
      Default: n('Done'),
    },
    [n('Curate')]: {
      Type: 'Map',
      ItemsPath: '$.verified.datasets',
      MaxConcurrency: 1,
      ItemSelector: {
        'run.$': '$.run',
        'object.$': '$.item.object',
        'bytes.$': '$.item.bytes',
        'dataset.$': '$$.Map.Item.Value',
      },
      ItemProcessor: curation(n, limits),
      ResultPath: '$.curated',
      Catch: caught(n('CurateFailed')),
      Next: n('Curated'),
    },
    [n('Curated')]: {
      Type: 'Pass',
      Parameters: {
        ...Object.fromEntries(KEPT.map((field) => [`${field}.$`, `$.${field}`])),
        'curated.$': '$.curated',
        'held.$': "States.ArrayContains($.curated[*].status, 'quarantined')",
      },
      Next: n('Held'),
    },
    [n('Held')]: {
      Type: 'Choice',
      Choices: [{ Variable: '$.held', BooleanEquals: true, Next: n('Done') }],
      Default: n('Load'),
    },
    [n('Load')]: {
      Type: 'Map',
      ItemsPath: '$.curated',
      MaxConcurrency: 1,
      ItemSelector: {
        'run.$': '$.run',
        'object.$': '$.item.object',
        'dataset.$': '$$.Map.Item.Value.dataset',
        'curation.$': '$$.Map.Item.Value.curation',
      },
      ItemProcessor: loading(n, limits),
      ResultPath: null,
      Catch: caught(n('LoadFailed')),
      Next: n('Done'),
    },
    [n('Done')]: DONE,
  };
  for (const step of ['Verify', 'Curate', 'Load'])
    states[n(`${step}Failed`)] = deadLetter(
      step,
      'object',
      '$.item',
      "States.Format('{}/dead-letter/{}', $.run, $.item.object)",
      n('Done'),
    );
  return { start: n('VerifySize'), states };
}

/** Reference tables, then the rows, as a function or as a container. Output: `{ dataset, curation, status }`. */
function curation(n: (name: string) => string, limits: ObjectLimits): Processor {
  const key = "States.Format('{}/curate/{}/{}', $.run, $.object, $.dataset)";
  const input = { 'run.$': '$.run', 'object.$': '$.object', 'dataset.$': '$.dataset', 'references.$': '$.references' };
  const { shortTimeoutSeconds, longTimeoutSeconds, longAbove } = limits;
  return {
    ProcessorConfig: { Mode: 'INLINE' },
    StartAt: n('References'),
    States: {
      [n('References')]: call({
        stage: 'references',
        input: { 'dataset.$': '$.dataset' },
        key: "States.Format('{}/references/{}/{}', $.run, $.object, $.dataset)",
        timeoutSeconds: shortTimeoutSeconds,
        resultSelector: { 'tables.$': '$.Payload.references' },
        resultPath: '$.reference',
        next: n('CurateInput'),
      }),
      [n('CurateInput')]: {
        Type: 'Pass',
        Parameters: {
          'run.$': '$.run',
          'object.$': '$.object',
          'bytes.$': '$.bytes',
          'dataset.$': '$.dataset',
          'references.$': '$.reference.tables',
        },
        Next: n('CurateSize'),
      },
      [n('CurateSize')]: {
        Type: 'Choice',
        Choices: [{ Variable: '$.bytes', NumericGreaterThan: longAbove, Next: n('CurateLongCall') }],
        Default: n('CurateRows'),
      },
      [n('CurateRows')]: call({
        stage: 'curate',
        input,
        key,
        timeoutSeconds: shortTimeoutSeconds,
        resultSelector: { 'out.$': '$.Payload' },
        resultPath: '$.curated',
        next: n('CurateResult'),
      }),
      [n('CurateResult')]: { Type: 'Pass', InputPath: '$.curated.out', End: true },
      [n('CurateLongCall')]: { Type: 'Pass', Parameters: input, ResultPath: '$.call', Next: n('CurateLong') },
      ...longCall({
        name: n('CurateLong'),
        stage: 'curate',
        input: {},
        key,
        timeoutSeconds: longTimeoutSeconds,
        into: 'curated',
        keep: [],
        next: n('CurateLongResult'),
      }),
      [n('CurateLongResult')]: { Type: 'Pass', InputPath: '$.curated', End: true },
    },
  };
}

function loading(n: (name: string) => string, { longTimeoutSeconds }: ObjectLimits): Processor {
  return {
    ProcessorConfig: { Mode: 'INLINE' },
    StartAt: n('LoadRows'),
    States: {
      [n('LoadRows')]: call({
        stage: 'load',
        input: { 'run.$': '$.run', 'object.$': '$.object', 'dataset.$': '$.dataset', 'curation.$': '$.curation' },
        key: "States.Format('{}/load/{}/{}', $.run, $.object, $.curation)",
        timeoutSeconds: longTimeoutSeconds,
        resultPath: null,
      }),
    },
  };
}

/** Records what gave up; the item ends well, so that it holds up nothing behind it. */
export function deadLetter(
  state: string,
  kind: 'file' | 'object' | 'pipeline',
  item: string,
  key: string,
  next: string,
) {
  return call({
    stage: 'dead-letter',
    input: {
      'run.$': '$.run',
      'pipeline.$': '$.pipeline',
      state,
      kind,
      'item.$': item,
      'error.$': '$.error',
    },
    key,
    timeoutSeconds: BRIEF_S,
    resultPath: null,
    next,
  });
}
