/** Errors of sockets and TLS, by their codes. */
import { GranaryError } from '../../lib/errors.ts';
import { lost, unreachable } from './faults.ts';

/** Codes of OpenSSL's certificate verification and of Node's TLS layer. */
const TLS_CODES = new Set([
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'EPROTO',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** The code of a Node error, '' for anything else. */
export function codeOf(e: unknown): string {
  const code = (e as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

export function isTlsError(e: unknown): boolean {
  const code = codeOf(e);
  return TLS_CODES.has(code) || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_');
}

/** `connector.tls`, terminal: a certificate does not become right by asking again. */
export function tlsFault(endpoint: string, cause: unknown, hint?: string): GranaryError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new GranaryError('connector.tls', `${endpoint}: the TLS handshake failed: ${message}`, {
    cause,
    hint: hint ?? "Give the server's certificate authority as ca_file, or check the tls setting and the port.",
  });
}

/** An error before the connection stood. GranaryErrors pass. */
export function connectFault(endpoint: string, e: unknown): GranaryError {
  if (e instanceof GranaryError) return e;
  return isTlsError(e) ? tlsFault(endpoint, e) : unreachable(endpoint, e);
}

/** An error on a connection that stood. GranaryErrors pass. */
export function useFault(endpoint: string, doing: string, e: unknown): GranaryError {
  if (e instanceof GranaryError) return e;
  return isTlsError(e) ? tlsFault(endpoint, e) : lost(endpoint, doing, e);
}

/** Codes of failures to get a connection at all. */
const UNREACHABLE_CODES = new Set([
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'ETIMEDOUT',
]);

/** An error of a request that opens a connection when it needs one. GranaryErrors pass. */
export function requestFault(endpoint: string, doing: string, e: unknown): GranaryError {
  return UNREACHABLE_CODES.has(codeOf(e)) ? connectFault(endpoint, e) : useFault(endpoint, doing, e);
}
