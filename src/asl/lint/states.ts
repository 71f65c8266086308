/** The fields of each type of state. */
import { MAX_DATA_BYTES } from '../document.ts';
import {
  anything,
  array,
  type Check,
  checkFields,
  type Fields,
  integer,
  isObject,
  needs,
  number,
  object,
  oneField,
  pathOrCall,
  pathOrNull,
  queryLanguage,
  type Report,
  referencePath,
  resultPath,
  string,
  template,
  text,
  timestamp,
} from './checks.ts';
import { choices } from './choices.ts';
import { catchers, retriers } from './recovery.ts';
import { checkTask, itemReader, resultWriter } from './resources.ts';

const MAX_SECONDS = 99_999_999;

const data: Check = (value, at, report) => {
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > MAX_DATA_BYTES) report(at, `has ${bytes} bytes; data of a state has at most ${MAX_DATA_BYTES}`);
};

/** What AWS runs of an inline Map at once, about. */
const MAX_INLINE = 40;
const MAX_DISTRIBUTED = 10_000;

const BARE: Record<string, Check> = { Type: anything, Comment: text, QueryLanguage: queryLanguage };
const COMMON: Record<string, Check> = { ...BARE, InputPath: pathOrNull, OutputPath: pathOrNull };
/** Whether the target is there, and one of the two, is checked with the graph. */
const TRANSITION: Record<string, Check> = { Next: string, End: anything };
const RESULTS: Record<string, Check> = { ResultSelector: template, ResultPath: resultPath };
const RECOVERY: Record<string, Check> = { Retry: retriers, Catch: catchers };

const FIELDS: Record<string, Record<string, Check>> = {
  Task: {
    ...COMMON,
    ...TRANSITION,
    ...RESULTS,
    ...RECOVERY,
    Resource: string,
    Parameters: template,
    TimeoutSeconds: integer(1, MAX_SECONDS),
    TimeoutSecondsPath: referencePath,
    HeartbeatSeconds: integer(1, MAX_SECONDS),
    HeartbeatSecondsPath: referencePath,
  },
  Pass: { ...COMMON, ...TRANSITION, Result: data, Parameters: template, ResultPath: resultPath },
  Choice: { ...COMMON, Choices: choices, Default: string },
  Wait: {
    ...COMMON,
    ...TRANSITION,
    Seconds: integer(0, MAX_SECONDS),
    SecondsPath: referencePath,
    Timestamp: timestamp,
    TimestampPath: referencePath,
  },
  Succeed: COMMON,
  Fail: { ...BARE, Error: text, ErrorPath: pathOrCall, Cause: text, CausePath: pathOrCall },
  Parallel: { ...COMMON, ...TRANSITION, ...RESULTS, ...RECOVERY, Branches: array, Parameters: template },
  Map: {
    ...COMMON,
    ...TRANSITION,
    ...RESULTS,
    ...RECOVERY,
    ItemProcessor: object,
    ItemsPath: referencePath,
    ItemSelector: template,
    MaxConcurrency: integer(0, MAX_DISTRIBUTED),
    MaxConcurrencyPath: referencePath,
    ItemReader: itemReader,
    ItemBatcher: itemBatcher,
    ResultWriter: resultWriter,
    ToleratedFailureCount: integer(0, MAX_SECONDS),
    ToleratedFailurePercentage: number(0, 100),
    Label: label,
  },
};

const VARIABLES = 'variables are outside the profile';
const JSONATA = 'JSONata is outside the profile';
const HINTS: Record<string, string> = {
  Iterator: 'write ItemProcessor',
  Assign: VARIABLES,
  Arguments: JSONATA,
  Output: JSONATA,
  Items: JSONATA,
  Condition: JSONATA,
  Credentials: 'roles are given when it is deployed',
};
const MAP_HINTS = { ...HINTS, Parameters: 'write ItemSelector' };

/** The state by itself: its type, fields and their values. */
export function checkState(state: Fields, at: string, express: boolean, report: Report): void {
  const type = state['Type'];
  const fields = typeof type === 'string' && Object.hasOwn(FIELDS, type) ? FIELDS[type] : undefined;
  if (!fields) {
    report(`${at}.Type`, `${JSON.stringify(type) ?? 'nothing'} is no type of state`);
    return;
  }
  checkFields(state, at, fields, report, type === 'Map' ? MAP_HINTS : HINTS);
  if (type === 'Task') {
    checkTask(state, at, express, report);
    checkTimes(state, at, report);
  }
  if (type === 'Choice') needs(state, at, report, 'Choices');
  if (type === 'Wait') oneField(state, at, report, ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath']);
  if (type === 'Fail') {
    oneField(state, at, report, ['Error', 'ErrorPath'], true);
    oneField(state, at, report, ['Cause', 'CausePath'], true);
  }
  if (type === 'Parallel') needs(state, at, report, 'Branches');
  if (type === 'Map') checkMap(state, at, express, report);
}

function checkTimes(state: Fields, at: string, report: Report): void {
  oneField(state, at, report, ['TimeoutSeconds', 'TimeoutSecondsPath'], true);
  oneField(state, at, report, ['HeartbeatSeconds', 'HeartbeatSecondsPath'], true);
  const { TimeoutSeconds: timeout, HeartbeatSeconds: heartbeat } = state;
  if (typeof timeout === 'number' && typeof heartbeat === 'number' && heartbeat >= timeout)
    report(`${at}.HeartbeatSeconds`, `is less than TimeoutSeconds (${timeout})`);
}

const DISTRIBUTED_ONLY = ['ItemReader', 'ItemBatcher', 'ResultWriter', 'Label'].concat(
  ['Count', 'Percentage'].map((what) => `ToleratedFailure${what}`),
);

function checkMap(state: Fields, at: string, express: boolean, report: Report): void {
  needs(state, at, report, 'ItemProcessor');
  oneField(state, at, report, ['MaxConcurrency', 'MaxConcurrencyPath'], true);
  const distributed = isDistributed(state);
  if (distributed && express) report(at, 'a distributed Map does not run in a Map of ExecutionType EXPRESS');
  if (distributed) return;
  for (const name of DISTRIBUTED_ONLY)
    if (Object.hasOwn(state, name)) report(`${at}.${name}`, 'is for a Map whose ProcessorConfig.Mode is DISTRIBUTED');
  if (typeof state['MaxConcurrency'] === 'number' && state['MaxConcurrency'] > MAX_INLINE)
    report(`${at}.MaxConcurrency`, `an inline Map runs ${MAX_INLINE} at once at most`);
}

/** Of the Map state, as far as can be seen. */
export function isDistributed(state: Fields): boolean {
  const processor = state['ItemProcessor'];
  const config = isObject(processor) ? processor['ProcessorConfig'] : undefined;
  return isObject(config) && config['Mode'] === 'DISTRIBUTED';
}

function itemBatcher(value: unknown, at: string, report: Report): void {
  if (!isObject(value)) {
    report(at, 'is an object');
    return;
  }
  checkFields(value, at, { MaxItemsPerBatch: integer(1, 100_000_000), BatchInput: template }, report);
  needs(value, at, report, 'MaxItemsPerBatch');
}

function label(value: unknown, at: string, report: Report): void {
  if (typeof value !== 'string' || !/^[\w.()!'@/+=-]{1,40}$/.test(value))
    report(at, 'is 1 to 40 letters, digits or signs that a name of AWS may have');
}
