/** What errors of the server mean, by their SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html */
import { GranaryError } from '../../lib/errors.ts';
import { authFailed, lost, unavailable } from '../lib/faults.ts';
import { codeOf, connectFault, useFault } from '../lib/network.ts';

/** Five characters; '' for what is no error of the server. */
export function sqlStateOf(e: unknown): string {
  const code = codeOf(e);
  return /^[0-9A-Z]{5}$/.test(code) && 'severity' in (e as object) ? code : '';
}

/** An error while connecting. GranaryErrors pass. */
export function openFault(endpoint: string, e: unknown): GranaryError {
  if (sqlStateOf(e)) return serverFault(endpoint, 'connecting', e);
  return connectFault(endpoint, e);
}

/** An error on a connection that stood. `doing` follows "while". GranaryErrors pass. */
export function queryFault(endpoint: string, doing: string, e: unknown): GranaryError {
  if (sqlStateOf(e)) return serverFault(endpoint, doing, e);
  return useFault(endpoint, doing, e);
}

function serverFault(endpoint: string, doing: string, e: unknown): GranaryError {
  const state = sqlStateOf(e);
  const { message, position, hint: advice } = e as { message: string; position?: string; hint?: string };
  const fault = (code: 'connector.not_found' | 'connector.denied' | 'connector.protocol', hint?: string) =>
    new GranaryError(code, `${endpoint}: ${message}${position ? ` at character ${position}` : ''}, while ${doing}`, {
      cause: e,
      details: { sqlstate: state },
      ...((advice ?? hint) && { hint: advice ?? hint }),
    });
  switch (state) {
    case '3D000':
      return fault('connector.not_found', 'Check the database in the connection of this source.');
    case '42P01':
    case '3F000':
    case '42703':
      return fault('connector.not_found', 'Check the names; granary discover lists what the user may read.');
    case '22021':
      return fault(
        'connector.protocol',
        'The database has no encoding (SQL_ASCII), and this text is no UTF-8: read it by a query with convert_from(…).',
      );
    case '42501':
      return fault('connector.denied', 'Grant the user of this source SELECT on the table and USAGE on its schema.');
    case '57014':
      return new GranaryError('connector.unavailable', `${endpoint}: ${message}, while ${doing}`, {
        transient: true,
        cause: e,
        details: { sqlstate: state },
        hint: 'If it was the time limit: raise statement_timeout, read in smaller chunks, or index the watermark.',
      });
    // An exported snapshot whose transaction has ended.
    case '22023':
    case '40001':
    case '40P01':
    case '40003':
    case '55P03':
    case '72000':
      return unavailable(endpoint, doing, e);
  }
  switch (state.slice(0, 2)) {
    case '28':
      return authFailed(endpoint, e, authHint(message));
    case '08':
    case '57':
      // Also 57P03, while it starts, and 57P01, when it is shut down.
      return state === '57P03' ? unavailable(endpoint, doing, e) : lost(endpoint, doing, e);
    case '25':
    case '53':
    case '58':
      return unavailable(endpoint, doing, e);
    case '42':
    case '22':
      return fault(
        'connector.protocol',
        'The server refuses a query: check the query, where and deleted of the dataset.',
      );
    default:
      return fault('connector.protocol');
  }
}

/** For 28000 the server only tells in words which rule of its `pg_hba.conf` is missing. */
function authHint(message: string): string {
  return message.includes('pg_hba.conf')
    ? 'The server has no rule for this user, database and address, or only one with (or without) TLS: ask its operator about pg_hba.conf, or change tls.'
    : 'Check the user and the secret in the connection of this source.';
}
