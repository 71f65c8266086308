/**
 * The history of an execution, with the names of AWS Step Functions where there is one (* marks our own).
 *
 * | of | types |
 * |---|---|
 * | execution | `ExecutionStarted` {input}, `ExecutionSucceeded` {output}, `ExecutionFailed`, `ExecutionAborted`, `ExecutionTimedOut` {error, cause}, `ExecutionRedriven` {redriveCount} |
 * | every state | `<Type>StateEntered` {input}, `<Type>StateExited` {output, caught*: the error that a Catch took}, `<Type>StateFailed` {error, cause}, `<Type>StateAborted`; a Fail state is only entered |
 * | Task | `TaskStarted` {attempt, key, resource}, `TaskSucceeded` {attempt}, `TaskFailed`, `TaskTimedOut` {attempt, error, cause}, `TaskHandedBack`* {attempt}: the engine ended meanwhile, the attempt runs again |
 * | retries | `<Type>RetryScheduled`* {error, retry, wakeAt} |
 * | Wait | `WaitScheduled`* {wakeAt} |
 * | Parallel | `ParallelStateStarted` {length}, `ParallelStateSucceeded`; at the branch's path `ParallelBranchFailed`*, `ParallelBranchAborted`* {index} |
 * | Map | `MapStateStarted` {length}, `MapStateSucceeded`; distributed `MapRunStarted` {mapRunArn, length}, `MapRunSucceeded`, `MapRunFailed` {error, cause}; at the item's path `MapIterationStarted`, `MapIterationSucceeded`, `MapIterationFailed` {index, error, cause}, `MapIterationAborted` {index} |
 *
 * `state` of events at a child's path that speak of the child as a whole is the Parallel or Map. Times (`wakeAt`) are milliseconds since 1970.
 */
import type { Core, Run } from './core.ts';
import type { State } from './types.ts';

/** Larger inputs and outputs are left out of the history, as AWS does for those over its limit. */
const MAX_SHOWN = 16_384;

function shown(name: string, text: string): string {
  return text.length > MAX_SHOWN ? `"${name}Details":{"truncated":true}` : `"${name}":${text}`;
}

export const inputDetails = (text: string): string => `{${shown('input', text)}}`;

export const outputDetails = (text: string, caught?: string): string =>
  `{${shown('output', text)}${caught === undefined ? '' : `,"caught":${JSON.stringify(caught)}`}}`;

export function recordEntered(core: Core, run: Run, path: string, name: string, state: State, input: string): void {
  core.record(run, `${state.Type}StateEntered`, path, name, inputDetails(input));
}

/** Error and cause as details, after `more`. */
export const errorDetails = (error: { error: string; causeText: string }, more: object = {}): string =>
  JSON.stringify({ ...more, error: error.error, cause: error.causeText });
