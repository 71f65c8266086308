/** Parts of machines that read feeds of sources without files, beside those that land files. Pure. */
import { deadLetter, type ObjectLimits } from './object.ts';
import { call, caught, longCall, type States } from './tasks.ts';

const KEPT = ['run', 'pipeline', 'item'];
const INPUT = { 'run.$': '$.run', 'item.$': '$.item' };
const KEY = "States.Format('{}/extract/{}/{}/{}', $.run, $.item.source, $.item.file.path, $.item.round)";

/** A file is landed as `land` says; a feed is read until nothing is left. */
export function feedStates(
  limits: ObjectLimits,
  done: string,
  land: { start: string; states: States },
): { start: string; states: States } {
  const failed = { catch: caught('ExtractFailed') };
  const how = (value: string, next: string) => ({
    And: [
      { Variable: '$.item.how', IsPresent: true },
      { Variable: '$.item.how', StringEquals: value },
    ],
    Next: next,
  });
  const states: States = {
    HowToLand: {
      Type: 'Choice',
      Choices: [how('extract', 'Extract'), how('extract_long', 'ExtractLongCall')],
      Default: land.start,
    },
    Extract: call({
      stage: 'extract',
      input: INPUT,
      key: KEY,
      timeoutSeconds: limits.shortTimeoutSeconds,
      resultSelector: { 'more.$': '$.Payload.more' },
      resultPath: '$.extracted',
      next: 'Extracted',
      ...failed,
    }),
    ExtractLongCall: { Type: 'Pass', Parameters: INPUT, ResultPath: '$.call', Next: 'ExtractLong' },
    ...longCall({
      name: 'ExtractLong',
      stage: 'extract',
      input: {},
      key: KEY,
      timeoutSeconds: limits.longTimeoutSeconds,
      into: 'extracted',
      keep: KEPT,
      next: 'Extracted',
      ...failed,
    }),
    Extracted: {
      Type: 'Choice',
      Choices: [{ Variable: '$.extracted.more', BooleanEquals: true, Next: 'ExtractMore' }],
      Default: done,
    },
    ExtractMore: {
      Type: 'Pass',
      Parameters: {
        'run.$': '$.run',
        'pipeline.$': '$.pipeline',
        item: {
          'source.$': '$.item.source',
          'dataset.$': '$.item.dataset',
          'how.$': '$.item.how',
          'round.$': 'States.MathAdd($.item.round, 1)',
          'file.$': '$.item.file',
        },
      },
      Next: 'HowToLand',
    },
    ExtractFailed: deadLetter(
      'Extract',
      'file',
      '$.item',
      "States.Format('{}/dead-letter/{}/{}', $.run, $.item.dataset, $.item.file.path)",
      done,
    ),
    ...land.states,
  };
  return { start: 'HowToLand', states };
}
