/** The errors that connectors share. What is transient is decided here, once. */
import { GranaryError } from '../../lib/errors.ts';

export function notFound(path: string, cause?: unknown): GranaryError {
  return new GranaryError('connector.not_found', `"${path}" does not exist on the source`, {
    where: { file: path },
    cause,
  });
}

/** `why` ends the sentence "… cannot be accessed: ". */
export function denied(path: string, why: string, cause?: unknown): GranaryError {
  return new GranaryError('connector.denied', `"${path}" cannot be accessed: ${why}`, { where: { file: path }, cause });
}

export function exists(path: string): GranaryError {
  return new GranaryError('connector.exists', `"${path}" exists already and is not overwritten`, {
    where: { file: path },
    hint: 'Remove it from the source, or move to a name that is new each time.',
  });
}

/** For the move and remove of sources that are only read. */
export function readOnly(path: string, kind: string): GranaryError {
  return denied(path, `a source of type ${kind} can only be read`);
}

export function changed(path: string): GranaryError {
  return new GranaryError('connector.changed', `"${path}" changed on the source while it was being read`, {
    transient: true,
    where: { file: path },
    hint: 'It is read again later. If this happens often, files are written in place: wait for a done file or a rename.',
  });
}

/** The connection broke or went silent. `doing` follows "while". */
export function lost(endpoint: string, doing: string, cause?: unknown): GranaryError {
  return new GranaryError('connector.lost', `${endpoint}: the connection broke while ${doing}${because(cause)}`, {
    transient: true,
    cause,
  });
}

export function unreachable(endpoint: string, cause?: unknown): GranaryError {
  return new GranaryError('connector.unreachable', `${endpoint} cannot be reached${because(cause)}`, {
    transient: true,
    hint: 'Check the host, the port and the firewall.',
    cause,
  });
}

/** The server is there and cannot serve now: overloaded, too many connections, a file locked. */
export function unavailable(endpoint: string, doing: string, cause?: unknown): GranaryError {
  return new GranaryError('connector.unavailable', `${endpoint} cannot serve now, while ${doing}${because(cause)}`, {
    transient: true,
    cause,
  });
}

export function authFailed(endpoint: string, cause?: unknown, hint?: string): GranaryError {
  return new GranaryError('connector.auth_failed', `${endpoint} refused the credentials${because(cause)}`, {
    hint: hint ?? 'Check the user and the secret in the connection of this source.',
    cause,
  });
}

export function protocol(endpoint: string, problem: string, cause?: unknown): GranaryError {
  return new GranaryError('connector.protocol', `${endpoint}: ${problem}${because(cause)}`, { cause });
}

export function cancelled(what: string): GranaryError {
  return new GranaryError('cancelled', `${what} was stopped by request`);
}

function because(cause: unknown): string {
  return cause instanceof Error && cause.message ? `: ${cause.message}` : '';
}
