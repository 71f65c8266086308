/** What errors of the server and of the driver mean. Numbers: https://mariadb.com/kb/en/mariadb-error-code-reference/ */
import { GranaryError } from '../../lib/errors.ts';
import { authFailed, lost, unavailable } from '../lib/faults.ts';
import { codeOf, connectFault, tlsFault, useFault } from '../lib/network.ts';

const AUTH = new Set([1045, 1130, 1251, 1275, 1524, 1698, 1862, 4151]);
const DENIED = new Set([1044, 1142, 1143, 1227, 1345, 1370]);
const MISSING = new Set([1049, 1051, 1054, 1109, 1146, 1305, 1356]);
const BUSY = new Set([
  1020, 1021, 1028, 1037, 1038, 1040, 1041, 1053, 1129, 1203, 1205, 1206, 1213, 1226, 1412, 1614, 1615, 1637, 3168,
  3169,
]);
const BROKEN = new Set([1077, 1078, 1079, 1080, 1152, 1153, 1158, 1159, 1160, 1161, 1184, 1927, 4031]);
const STOPPED = new Set([1317, 1969, 3024]);
/** The user may not see transactions, or the table of them is not there. */
const UNSEEN = new Set([1044, 1142, 1227, 1109, 1146, 1356]);

/** 0 for what is no error of the server. */
export function numberOf(e: unknown): number {
  const { errno, sqlState } = (e ?? {}) as { errno?: unknown; sqlState?: unknown };
  return typeof errno === 'number' && typeof sqlState === 'string' ? errno : 0;
}

export const isUnseen = (e: unknown): boolean => UNSEEN.has(numberOf(e));
/** An error after which the connection can be used on. */
export const isHarmless = (e: unknown): boolean => numberOf(e) > 0 && !BROKEN.has(numberOf(e));

/** An error while connecting. GranaryErrors pass. */
export function openFault(endpoint: string, e: unknown): GranaryError {
  if (numberOf(e) === 3159 || codeOf(e) === 'HANDSHAKE_NO_SSL_SUPPORT')
    return tlsFault(endpoint, e, 'Check the tls setting.');
  if (codeOf(e) === 'HANDSHAKE_SSL_ERROR') return tlsFault(endpoint, (e as { cause?: unknown }).cause ?? e);
  return numberOf(e) ? serverFault(endpoint, 'connecting', e) : connectFault(endpoint, e);
}

/** An error on a connection that stood. `doing` follows "while". GranaryErrors pass. */
export function queryFault(endpoint: string, doing: string, e: unknown): GranaryError {
  return numberOf(e) ? serverFault(endpoint, doing, e) : useFault(endpoint, doing, e);
}

function serverFault(endpoint: string, doing: string, e: unknown): GranaryError {
  const number = numberOf(e);
  const { message } = e as Error;
  const fault = (code: 'connector.not_found' | 'connector.denied' | 'connector.protocol', hint: string) =>
    new GranaryError(code, `${endpoint}: ${message}, while ${doing}`, { cause: e, hint, details: { errno: number } });
  if (AUTH.has(number)) return authFailed(endpoint, e);
  if (DENIED.has(number)) return fault('connector.denied', 'Grant the user of this source SELECT on what it reads.');
  if (MISSING.has(number))
    return fault('connector.not_found', 'Check the names; granary discover lists what the user may read.');
  if (STOPPED.has(number))
    return new GranaryError('connector.unavailable', `${endpoint}: ${message}, while ${doing}`, {
      transient: true,
      cause: e,
      details: { errno: number },
      hint: 'If it was the time limit: raise statement_timeout, read in smaller chunks, or index the watermark.',
    });
  if (BUSY.has(number)) return unavailable(endpoint, doing, e);
  if (BROKEN.has(number)) return lost(endpoint, doing, e);
  return fault('connector.protocol', 'The server refuses a statement: check query, where and deleted of the dataset.');
}
