/** What the interpreter refuses. `code` is the same as the class of AWS Step Functions where there is one. */
export type EngineErrorCode =
  /** Another engine, of this process or another, has the database open. */
  | 'EngineBusy'
  /** The engine was closed. */
  | 'EngineClosed'
  /** An execution of this id exists with another input, document or pipeline. */
  | 'ExecutionAlreadyExists'
  | 'ExecutionDoesNotExist'
  /** The execution runs, or has succeeded. */
  | 'NotRedrivable'
  /** The document or the input cannot be run at all. */
  | 'InvalidDefinition'
  | 'InvalidExecutionInput';

export class EngineError extends Error {
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string) {
    super(message);
    this.name = code;
    this.code = code;
  }
}

export class EngineBusy extends EngineError {
  constructor(file: string) {
    super('EngineBusy', `${file} is open in another engine`);
  }
}
