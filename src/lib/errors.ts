/** Errors that reach a person, an orchestrator or a script: a stable code, whether to retry, where, and what to do next. */
import type { ERROR_CODES } from './error-codes.ts';

export type ErrorCode = keyof typeof ERROR_CODES;

/** Where an error is. Every part is optional; what is known is shown. */
export interface Where {
  /** A file of the project, or the name of a received file. */
  file?: string;
  /** 1-based. */
  line?: number;
  /** 1-based. */
  column?: number;
  /** Id of a landed object. */
  object?: string;
  /** 1-based record number within the object. */
  row?: number;
}

export interface ErrorOptions {
  /** May the same call succeed later with nothing changed? Decided where the error is made, never by reading its text. */
  transient?: boolean;
  where?: Where;
  /** What to do next: a sentence, or a command to type. */
  hint?: string;
  cause?: unknown;
  /** Facts for machines, JSON only, never a secret. */
  details?: Record<string, unknown>;
}

/** The one error type of Granary. `code` is in the table of `error-codes.ts`. */
export class GranaryError extends Error {
  readonly code: ErrorCode;
  readonly transient: boolean;
  readonly where: Where | undefined;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GranaryError';
    this.code = code;
    this.transient = options.transient ?? false;
    this.where = options.where;
    this.hint = options.hint;
    this.details = options.details;
  }

  /** The shape that crosses processes and goes to `--json`. */
  toJSON(): SerializedError {
    return {
      code: this.code,
      message: this.message,
      transient: this.transient,
      ...(this.where && { where: this.where }),
      ...(this.hint && { hint: this.hint }),
      ...(this.details && { details: this.details }),
    };
  }
}

export interface SerializedError {
  code: ErrorCode;
  message: string;
  transient: boolean;
  where?: Where;
  hint?: string;
  details?: Record<string, unknown>;
}

/** The inverse of `toJSON`, for errors that come from a worker process. */
export function reviveError(e: SerializedError): GranaryError {
  return new GranaryError(e.code, e.message, {
    transient: e.transient,
    where: e.where,
    hint: e.hint,
    details: e.details,
  });
}

/** Any thrown value as a GranaryError; what is not one becomes `internal`. */
export function asGranaryError(e: unknown): GranaryError {
  if (e instanceof GranaryError) return e;
  const message = e instanceof Error ? e.message : String(e);
  return new GranaryError('internal', message, { cause: e });
}

/** `file:line:column`, or what is known of it. */
export function formatWhere(w: Where | undefined): string {
  if (!w) return '';
  let s = w.file ?? (w.object ? `object ${w.object}` : '');
  if (w.line !== undefined) s += `${s ? ':' : 'line '}${w.line}`;
  if (w.column !== undefined) s += `:${w.column}`;
  if (w.row !== undefined) s += `${s ? ', ' : ''}row ${w.row}`;
  return s;
}
