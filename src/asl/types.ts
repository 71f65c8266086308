/**
 * Amazon States Language, the portable profile: JSONPath documents of Task, Pass, Choice, Wait, Succeed, Fail, Parallel and Map (inline and
 * distributed). Source: https://states-language.net/spec.html and the developer guide of AWS Step Functions.
 * This folder knows nothing of the product that uses it, and imports nothing but Node.
 */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface Machine {
  Comment?: string;
  StartAt: string;
  TimeoutSeconds?: number;
  States: Record<string, State>;
}

/** A machine within a Parallel or Map state. */
export interface Processor {
  ProcessorConfig?: { Mode?: 'INLINE' | 'DISTRIBUTED'; ExecutionType?: 'STANDARD' | 'EXPRESS' };
  StartAt: string;
  States: Record<string, State>;
}

export type State =
  | TaskState
  | PassState
  | ChoiceState
  | WaitState
  | SucceedState
  | FailState
  | ParallelState
  | MapState;

interface Common {
  Comment?: string;
  /** A path; null gives `{}`. */
  InputPath?: string | null;
  OutputPath?: string | null;
}
interface Transition {
  Next?: string;
  End?: true;
}
interface Results {
  ResultSelector?: JsonObject;
  ResultPath?: string | null;
}
interface Recovery {
  Retry?: Retrier[];
  Catch?: Catcher[];
}

export interface TaskState extends Common, Transition, Results, Recovery {
  Type: 'Task';
  Resource: string;
  Parameters?: JsonObject;
  TimeoutSeconds?: number;
  TimeoutSecondsPath?: string;
  HeartbeatSeconds?: number;
  HeartbeatSecondsPath?: string;
}
export interface PassState extends Common, Transition {
  Type: 'Pass';
  Result?: Json;
  Parameters?: JsonObject;
  ResultPath?: string | null;
}
export interface ChoiceState extends Common {
  Type: 'Choice';
  Choices: ChoiceRule[];
  Default?: string;
}
/** One comparison (`Variable` with a `StringEquals` and the like), or `And`, `Or`, `Not`. `Next` on the outermost only. */
export interface ChoiceRule {
  Next?: string;
  And?: ChoiceRule[];
  Or?: ChoiceRule[];
  Not?: ChoiceRule;
  Variable?: string;
  [comparison: string]: unknown;
}
export interface WaitState extends Common, Transition {
  Type: 'Wait';
  Seconds?: number;
  SecondsPath?: string;
  Timestamp?: string;
  TimestampPath?: string;
}
export interface SucceedState extends Common {
  Type: 'Succeed';
}
export interface FailState {
  Type: 'Fail';
  Comment?: string;
  Error?: string;
  ErrorPath?: string;
  Cause?: string;
  CausePath?: string;
}
export interface ParallelState extends Common, Transition, Results, Recovery {
  Type: 'Parallel';
  Branches: Processor[];
  Parameters?: JsonObject;
}
export interface MapState extends Common, Transition, Results, Recovery {
  Type: 'Map';
  ItemProcessor: Processor;
  ItemsPath?: string;
  ItemSelector?: JsonObject;
  MaxConcurrency?: number;
  MaxConcurrencyPath?: string;
  /** Distributed only. */
  ItemReader?: {
    Resource: string;
    Parameters?: JsonObject;
    ReaderConfig?: { InputType: 'JSON' | 'JSONL'; MaxItems?: number };
  };
  /** Distributed only. */
  ItemBatcher?: { MaxItemsPerBatch?: number; BatchInput?: JsonObject };
  /** Distributed only. */
  ResultWriter?: { Resource: string; Parameters?: JsonObject };
  ToleratedFailureCount?: number;
  ToleratedFailurePercentage?: number;
  Label?: string;
}

export interface Retrier {
  ErrorEquals: string[];
  IntervalSeconds?: number;
  MaxAttempts?: number;
  BackoffRate?: number;
  MaxDelaySeconds?: number;
  JitterStrategy?: 'FULL' | 'NONE';
}
export interface Catcher {
  ErrorEquals: string[];
  Next: string;
  ResultPath?: string | null;
}

/** An error within a machine: a name that Retry and Catch match, and a cause for people. */
export class StatesError extends Error {
  readonly error: string;
  readonly causeText: string;

  constructor(error: string, cause: string) {
    super(`${error}: ${cause}`);
    this.name = 'StatesError';
    this.error = error;
    this.causeText = cause;
  }
}
