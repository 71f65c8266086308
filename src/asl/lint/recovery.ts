/** Retry and Catch. */
import {
  array,
  type Check,
  checkFields,
  type Fields,
  integer,
  isObject,
  needs,
  number,
  oneOf,
  type Report,
  resultPath,
  string,
} from './checks.ts';

const MAX_COUNT = 99_999_999;
/** 366 days, as AWS. */
const MAX_DELAY = 31_622_400;

/** What the language itself may raise. A document names no other error that begins with `States.`. */
const RESERVED = new Set(
  [
    'ALL BranchFailed DataLimitExceeded ExceedToleratedFailureThreshold HeartbeatTimeout IntrinsicFailure ItemReaderFailed',
    'NoChoiceMatched ParameterPathFailure Permissions ResultPathMatchFailure ResultWriterFailed TaskFailed Timeout',
  ].flatMap((line) => line.split(' ').map((name) => `States.${name}`)),
);

const RETRIER: Record<string, Check> = {
  ErrorEquals: errorEquals,
  IntervalSeconds: integer(1, MAX_COUNT),
  MaxAttempts: integer(0, MAX_COUNT),
  BackoffRate: number(1, Number.POSITIVE_INFINITY),
  MaxDelaySeconds: integer(1, MAX_DELAY),
  JitterStrategy: oneOf('FULL', 'NONE'),
};
/** Whether `Next` is there is checked with the other targets. */
const CATCHER: Record<string, Check> = { ErrorEquals: errorEquals, Next: string, ResultPath: resultPath };

export const retriers: Check = (value, at, report) =>
  each(value, at, report, (retrier, here) => {
    checkFields(retrier, here, RETRIER, report);
    needs(retrier, here, report, 'ErrorEquals');
    const { MaxDelaySeconds: most, IntervalSeconds: first = 1 } = retrier;
    if (typeof most === 'number' && typeof first === 'number' && most <= first)
      report(`${here}.MaxDelaySeconds`, `is greater than IntervalSeconds (${first})`);
  });

export const catchers: Check = (value, at, report) =>
  each(value, at, report, (catcher, here) => {
    checkFields(catcher, here, CATCHER, report);
    needs(catcher, here, report, 'ErrorEquals', 'Next');
  });

function each(value: unknown, at: string, report: Report, check: (entry: Fields, here: string) => void): void {
  if (!Array.isArray(value)) {
    report(at, 'is an array');
    return;
  }
  const seen = new Set<string>();
  for (const [i, entry] of value.entries()) {
    const here = `${at}[${i}]`;
    if (!isObject(entry)) {
      report(here, 'is an object');
      continue;
    }
    check(entry, here);
    const names: unknown[] = Array.isArray(entry['ErrorEquals']) ? entry['ErrorEquals'] : [];
    if (names.includes('States.ALL') && i < value.length - 1)
      report(`${here}.ErrorEquals`, 'States.ALL takes every error: it belongs into the last entry');
    for (const name of names) {
      if (typeof name !== 'string') continue;
      if (seen.has(name)) report(`${here}.ErrorEquals`, `'${name}' is taken by an entry before`);
      seen.add(name);
    }
  }
}

function errorEquals(value: unknown, at: string, report: Report): void {
  array(value, at, report);
  if (!Array.isArray(value)) return;
  for (const name of value) {
    if (typeof name !== 'string') report(at, 'holds names of errors');
    else if (name === 'States.Runtime') report(at, 'States.Runtime always fails the execution: it cannot be taken');
    else if (name.startsWith('States.') && !RESERVED.has(name)) report(at, `'${name}' is no error of the language`);
  }
  if (value.includes('States.ALL') && value.length > 1) report(at, 'States.ALL stands alone');
}
