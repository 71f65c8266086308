/** Tasks of machines: calls of stages, their retries, and what becomes of them when they give up. Pure. */
import type { Catcher, JsonObject, Retrier, State, TaskState } from '../../asl/types.ts';

export type States = Record<string, State>;

/** Errors of the Lambda service itself, which AWS advises to retry. */
const LAMBDA = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
];

/** A call that hung may have met a server that hangs: once more, not for hours. */
const HUNG: Retrier = { ErrorEquals: ['States.Timeout'], IntervalSeconds: 5, BackoffRate: 2, MaxAttempts: 1 };
/** After 5, 10 and 20 seconds. Where nobody makes space for longer than that it waits as a dead letter. */
const DISK_FULL: Retrier = { ErrorEquals: ['Granary.DiskFull'], IntervalSeconds: 5, BackoffRate: 2, MaxAttempts: 3 };

/** After about 1, 2, 4 and 8 seconds, with full jitter, so that what failed together does not come back together. */
function transient(...errors: string[]): Retrier {
  return {
    ErrorEquals: errors,
    IntervalSeconds: 1,
    BackoffRate: 2,
    MaxAttempts: 4,
    MaxDelaySeconds: 60,
    JitterStrategy: 'FULL',
  };
}

/** Terminal errors are not retried: the same call would fail again. */
export const RETRY: Retrier[] = [transient('Granary.Transient', ...LAMBDA), DISK_FULL, HUNG];

/**
 * On AWS a container that ended with an error is a failed task, whatever the error was, and so is a task that could not be placed. What has
 * a name that says that another try is useless comes first.
 */
const RETRY_CONTAINER: Retrier[] = [
  { ErrorEquals: ['Granary.Terminal', 'Granary.Blocked'], MaxAttempts: 0 },
  DISK_FULL,
  HUNG,
  transient('States.TaskFailed'),
];

/** Reading an output back fails for reasons of the service only. */
const RETRY_READ: Retrier[] = [HUNG, transient('States.TaskFailed')];

export interface StageTask {
  stage: string;
  /** Template of the stage's input. */
  input: JsonObject;
  /** Template of the idempotency key: a path or an intrinsic. */
  key: string;
  timeoutSeconds: number;
  /** Where the output goes; null drops it. */
  resultPath: string | null;
  resultSelector?: JsonObject;
  catch?: Catcher[];
  next?: string;
}

/** A call of a stage as a function. */
export function call(task: StageTask): TaskState {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Parameters: {
      FunctionName: `granary-${task.stage}`,
      Payload: { stage: task.stage, 'key.$': task.key, input: task.input },
    },
    ...(task.resultSelector && { ResultSelector: task.resultSelector }),
    ResultPath: task.resultPath,
    TimeoutSeconds: task.timeoutSeconds,
    Retry: RETRY,
    ...(task.catch && { Catch: task.catch }),
    ...(task.next === undefined ? { End: true } : { Next: task.next }),
  };
}

export interface LongTask extends Omit<StageTask, 'resultSelector' | 'next' | 'resultPath'> {
  /** Name of the state, and of those that fetch its output: `<name>Output`, `<name>Lift`. */
  name: string;
  /** Field of the state's data that takes the output, and the fields that are kept. */
  into: string;
  keep: string[];
  next: string;
}

/** A call of a stage as a container, for large objects: its output comes back through the state store. */
export function longCall(task: LongTask): States {
  const output = `${task.name}Output`;
  const lift = `${task.name}Lift`;
  return {
    [task.name]: {
      Type: 'Task',
      Resource: 'arn:aws:states:::ecs:runTask.sync',
      Parameters: {
        LaunchType: 'FARGATE',
        Cluster: 'granary',
        TaskDefinition: 'granary',
        Overrides: {
          ContainerOverrides: [
            {
              Name: 'granary',
              Environment: [
                { Name: 'GRANARY_STAGE', Value: task.stage },
                { Name: 'GRANARY_KEY', 'Value.$': task.key },
                { Name: 'GRANARY_INPUT', 'Value.$': 'States.JsonToString($.call)' },
              ],
            },
          ],
        },
      },
      ResultPath: null,
      TimeoutSeconds: task.timeoutSeconds,
      Retry: RETRY_CONTAINER,
      ...(task.catch && { Catch: task.catch }),
      Next: output,
    },
    [output]: {
      Type: 'Task',
      Resource: 'arn:aws:states:::dynamodb:getItem',
      Parameters: { TableName: 'granary-outputs', ConsistentRead: true, Key: { pk: { 'S.$': task.key } } },
      ResultSelector: { 'out.$': 'States.StringToJson($.Item.out.S)' },
      ResultPath: '$.output',
      TimeoutSeconds: BRIEF_S,
      Retry: RETRY_READ,
      ...(task.catch && { Catch: task.catch }),
      Next: lift,
    },
    [lift]: {
      Type: 'Pass',
      Parameters: {
        ...Object.fromEntries(task.keep.map((field) => [`${field}.$`, `$.${field}`])),
        [`${task.into}.$`]: '$.output.out',
      },
      Next: task.next,
    },
  };
}

export const caught = (next: string): Catcher[] => [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: next }];

/** Ends a Map's item with next to nothing, since outputs of all items together have a limit. */
export const DONE: State = { Type: 'Pass', Result: {}, End: true };

/** Short stages that only read and write the state store. */
export const BRIEF_S = 300;
