/** Decides, without doing anything, what a state does with its input. Everything here throws `StatesError` only. */
import { matches } from './choice.ts';
import { matchesError } from './match-error.ts';
import { readPath, writePath } from './paths.ts';
import { evaluate } from './template.ts';
import type { Catcher, Json, MapState, State, TaskState, WaitState } from './types.ts';
import { StatesError } from './types.ts';

/** What a state that is not a Task, Parallel or Map does. Without `next` the frame ends. */
export type Decision = { kind: 'go'; output: Json; next?: string } | { kind: 'sleep'; until: number };

/** `waited`: a Wait whose time has come. */
export function decide(state: State, raw: Json, context: Json, now: number, waited: boolean): Decision {
  switch (state.Type) {
    case 'Pass': {
      const input = effectiveInput(state, raw, context);
      const given = state.Parameters === undefined ? input : evaluate(state.Parameters, input, context);
      return go(state, withResult(state, raw, state.Result === undefined ? given : state.Result, context));
    }
    case 'Succeed':
      return { kind: 'go', output: outputOf(state, effectiveInput(state, raw, context), context) };
    case 'Fail':
      throw new StatesError(
        text(state.Error, state.ErrorPath, raw, context),
        text(state.Cause, state.CausePath, raw, context),
      );
    case 'Choice': {
      const input = effectiveInput(state, raw, context);
      const next = state.Choices.find((rule) => matches(rule, input, context))?.Next ?? state.Default;
      if (next === undefined)
        throw new StatesError('States.NoChoiceMatched', 'no choice matched and there is no Default');
      return { kind: 'go', output: outputOf(state, input, context), next };
    }
    case 'Wait': {
      const input = effectiveInput(state, raw, context);
      if (waited) return go(state, outputOf(state, input, context));
      const until = wakeOf(state, input, context, now);
      return until <= now ? go(state, outputOf(state, input, context)) : { kind: 'sleep', until };
    }
    default:
      throw new StatesError('States.Runtime', `a ${state.Type} is not decided on its own`);
  }
}

function go(state: { Next?: string }, output: Json): Decision {
  return state.Next === undefined ? { kind: 'go', output } : { kind: 'go', output, next: state.Next };
}

function text(literal: string | undefined, path: string | undefined, raw: Json, context: Json): string {
  if (path === undefined) return literal ?? '';
  const value = valueAt(path, raw, context);
  if (typeof value !== 'string') throw new StatesError('States.Runtime', `${path} is not a string`);
  return value;
}

/** A path, or an intrinsic function. */
function valueAt(path: string, input: Json, context: Json): Json {
  return (evaluate({ 'value.$': path }, input, context) as { value: Json }).value;
}

function wakeOf(state: WaitState, input: Json, context: Json, now: number): number {
  if (state.Seconds !== undefined) return now + Math.round(state.Seconds * 1000);
  if (state.SecondsPath !== undefined) return now + numberAt(state.SecondsPath, input, context, 0, 99_999_999) * 1000;
  const stamp = state.Timestamp ?? readPath(state.TimestampPath ?? '', input, context);
  const at = typeof stamp === 'string' && /^\d{4}-\d\d-\d\dT/.test(stamp) ? Date.parse(stamp) : Number.NaN;
  if (Number.isNaN(at)) throw new StatesError('States.Runtime', `${JSON.stringify(stamp)} is not a timestamp`);
  return at;
}

export function numberAt(path: string, input: Json, context: Json, min: number, max: number): number {
  const value = readPath(path, input, context);
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw new StatesError('States.Runtime', `${path} is ${JSON.stringify(value)}, not a whole number from ${min}`);
  return value;
}

/** The state's input after `InputPath`. */
export function effectiveInput(state: { InputPath?: string | null }, raw: Json, context: Json): Json {
  if (state.InputPath === undefined || state.InputPath === '$') return raw;
  return state.InputPath === null ? {} : readPath(state.InputPath, raw, context);
}

/** `OutputPath`. */
function outputOf(state: { OutputPath?: string | null }, value: Json, context: Json): Json {
  if (state.OutputPath === undefined || state.OutputPath === '$') return value;
  return state.OutputPath === null ? {} : readPath(state.OutputPath, value, context);
}

interface ResultFields {
  ResultSelector?: { [key: string]: Json };
  ResultPath?: string | null;
  OutputPath?: string | null;
}

/** `ResultSelector`, `ResultPath` into the raw input, `OutputPath`, in that order. */
export function withResult(state: ResultFields, raw: Json, result: Json, context: Json): Json {
  const selected = state.ResultSelector === undefined ? result : evaluate(state.ResultSelector, result, context);
  return outputOf(state, placed(state.ResultPath, raw, selected), context);
}

function placed(path: string | null | undefined, raw: Json, value: Json): Json {
  if (path === undefined || path === '$') return value;
  return path === null ? raw : writePath(path, raw, value);
}

export interface TaskPlan {
  parameters: Json;
  /** Milliseconds; undefined: no limit. */
  timeoutMs?: number;
  heartbeatMs?: number;
}

export function planTask(state: TaskState, raw: Json, context: Json): TaskPlan {
  const input = effectiveInput(state, raw, context);
  const plan: TaskPlan = {
    parameters: state.Parameters === undefined ? input : evaluate(state.Parameters, input, context),
  };
  const timeout = seconds(state.TimeoutSeconds, state.TimeoutSecondsPath, input, context);
  const heartbeat = seconds(state.HeartbeatSeconds, state.HeartbeatSecondsPath, input, context);
  if (timeout !== undefined) plan.timeoutMs = timeout;
  if (heartbeat !== undefined) plan.heartbeatMs = heartbeat;
  return plan;
}

function seconds(
  literal: number | undefined,
  path: string | undefined,
  input: Json,
  context: Json,
): number | undefined {
  const n = path === undefined ? literal : numberAt(path, input, context, 1, 99_999_999);
  return n === undefined ? undefined : Math.round(n * 1000);
}

/** What `Parallel` hands to every branch. */
export function branchInput(
  state: { InputPath?: string | null; Parameters?: { [key: string]: Json } },
  raw: Json,
  context: Json,
): Json {
  const input = effectiveInput(state, raw, context);
  return state.Parameters === undefined ? input : evaluate(state.Parameters, input, context);
}

/** Children at once where the document does not say: AWS runs about 40 of an inline Map; of a distributed one more than one machine can. */
const INLINE_DEFAULT = 40;
const DISTRIBUTED_DEFAULT = 1000;

export function concurrencyOf(state: MapState, distributed: boolean, input: Json, context: Json): number {
  const max =
    state.MaxConcurrencyPath === undefined
      ? (state.MaxConcurrency ?? 0)
      : numberAt(state.MaxConcurrencyPath, input, context, 0, 1_000_000);
  return max > 0 ? max : distributed ? DISTRIBUTED_DEFAULT : INLINE_DEFAULT;
}

/** Failures that a Map of `total` children stands. An inline Map stands none. */
export function toleratedOf(state: MapState, distributed: boolean, total: number): number {
  if (!distributed) return 0;
  const limits = [];
  if (state.ToleratedFailureCount !== undefined) limits.push(state.ToleratedFailureCount);
  if (state.ToleratedFailurePercentage !== undefined)
    limits.push(Math.floor((state.ToleratedFailurePercentage * total) / 100));
  // With both, whichever is exceeded first fails the Map.
  return limits.length === 0 ? 0 : Math.min(...limits);
}

export type FailurePlan =
  | { kind: 'retry'; delayMs: number; counts: number[] }
  | { kind: 'catch'; next: string; output: Json }
  /** `error` takes the place of the one at hand: what a Catch made of it cannot be placed. */
  | { kind: 'fail'; error?: StatesError };

/** `counts`: retries made so far of each retrier. The first retrier and the first catcher that name the error decide. */
export function planFailure(
  state: State,
  raw: Json,
  error: StatesError,
  counts: number[],
  random: () => number,
): FailurePlan {
  if (!('Retry' in state || 'Catch' in state)) return { kind: 'fail' };
  const { Retry = [], Catch = [] } = state as { Retry?: NonNullable<TaskState['Retry']>; Catch?: Catcher[] };
  const names = (list: string[]) => matchesError(list, error.error, state.Type);
  const k = Retry.findIndex((retrier) => names(retrier.ErrorEquals));
  const retrier = Retry[k];
  const made = counts[k] ?? 0;
  if (retrier && made < (retrier.MaxAttempts ?? 3)) {
    let delay = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** made;
    if (retrier.MaxDelaySeconds !== undefined) delay = Math.min(delay, retrier.MaxDelaySeconds);
    if (retrier.JitterStrategy === 'FULL') delay *= random();
    const after = Retry.map((_, i) => (counts[i] ?? 0) + (i === k ? 1 : 0));
    return { kind: 'retry', delayMs: Math.round(Math.min(delay, 99_999_999) * 1000), counts: after };
  }
  const catcher = Catch.find((c) => names(c.ErrorEquals));
  if (!catcher) return { kind: 'fail' };
  const caught = { Error: error.error, Cause: error.causeText };
  try {
    return { kind: 'catch', next: catcher.Next, output: placed(catcher.ResultPath, raw, caught) };
  } catch (e) {
    return { kind: 'fail', error: asStatesError(e) };
  }
}

/** Any error of an evaluation as one that a machine knows. */
export function asStatesError(e: unknown): StatesError {
  if (e instanceof StatesError) return e;
  return new StatesError('States.Runtime', e instanceof Error ? e.message : String(e));
}

/** An error of a task as Lambda tells it: the class is the name, the cause is JSON. */
export function asTaskError(e: unknown): StatesError {
  if (e instanceof StatesError) return e;
  const name = e instanceof Error ? e.name : 'Error';
  const message = e instanceof Error ? e.message : String(e);
  return new StatesError(name, JSON.stringify({ errorMessage: message, errorType: name }));
}
