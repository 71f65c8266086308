/** Errors as RFC 9457 problem details, with Granary's code, hint and whether another try may help. */
import { ERROR_CODES } from '../lib/error-codes.ts';
import { asGranaryError, type ErrorCode, type GranaryError, type Where } from '../lib/errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  transient: boolean;
  hint?: string;
  where?: Where;
  /** Of `api.invalid`: what is wrong where. */
  errors?: unknown;
  details?: Record<string, unknown>;
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  internal: 500,
  'api.invalid': 400,
  'api.unauthorized': 401,
  'api.forbidden': 403,
  'api.not_found': 404,
  'api.method': 405,
  'api.too_large': 413,
  'api.media_type': 415,
  'api.host': 421,
  'run.not_found': 404,
  'run.conflict': 409,
  'run.not_redrivable': 409,
  'state.conflict': 409,
  cancelled: 503,
  'store.disk_full': 507,
};

/** Errors of what was asked for are 422, of what may pass 503. */
export function statusOf(error: GranaryError): number {
  return STATUS[error.code] ?? (error.transient ? 503 : 422);
}

/** Not redacted. */
export function problemOf(e: unknown): Problem {
  const error = asGranaryError(e);
  const { errors, ...details } = error.details ?? {};
  return {
    type: `urn:granary:error:${error.code}`,
    title: ERROR_CODES[error.code],
    status: statusOf(error),
    detail: error.message,
    code: error.code,
    transient: error.transient,
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(error.where && { where: error.where }),
    ...(errors !== undefined && { errors }),
    ...(Object.keys(details).length > 0 && { details }),
  };
}
