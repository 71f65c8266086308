/** One logged-in FTP control connection, and what its errors mean. */
import type { ConnectionOptions } from 'node:tls';
import { Client, FTPError } from 'basic-ftp';
import type { GranaryError } from '../../lib/errors.ts';
import { authFailed, protocol, unavailable } from '../lib/faults.ts';
import { connectFault, isTlsError, tlsFault, useFault } from '../lib/network.ts';
import { endpointOf, type FtpConfig, portOf } from './config.ts';
import { distrusted } from './tls.ts';

const REPLY_GRACE_MS = 200;

/** Connects, encrypts if told to, logs in, sets binary mode. Errors: `connector.unreachable`, `.tls`, `.auth_failed`, `.unavailable`. */
export async function openSession(config: FtpConfig, tls: ConnectionOptions): Promise<Client> {
  const client = new Client(config.timeout * 1000);
  letRepliesWin(client);
  try {
    await connect(client, config, tls);
    await login(client, config);
    return client;
  } catch (e) {
    client.close();
    throw e;
  }
}

/**
 * A server that refuses a file may reset the data connection and say why on the control connection. The library closes the session
 * at the first of both; here the reply gets a moment to arrive, so that a refusal is not taken for a broken line.
 */
function letRepliesWin({ ftp }: Client): void {
  const close = ftp.closeWithError.bind(ftp);
  ftp.closeWithError = (error) => {
    if (ftp.dataSocket?.errored) setTimeout(close, REPLY_GRACE_MS, error);
    else close(error);
  };
}

async function connect(client: Client, config: FtpConfig, tls: ConnectionOptions): Promise<void> {
  const endpoint = endpointOf(config);
  try {
    // The library keeps and changes the options it is given.
    if (config.tls === 'implicit') await client.connectImplicitTLS(config.host, portOf(config), { ...tls });
    else await client.connect(config.host, portOf(config));
    if (config.tls === 'explicit') await client.useTLS({ ...tls });
  } catch (e) {
    if (isTlsError(e)) throw await distrusted(config, e);
    if (!(e instanceof FTPError)) throw connectFault(endpoint, e);
    if (isPassing(e)) throw unavailable(endpoint, 'connecting', e);
    throw tlsFault(endpoint, e, 'The server does not offer explicit TLS: check the tls setting and the port.');
  }
}

async function login(client: Client, config: FtpConfig): Promise<void> {
  const endpoint = endpointOf(config);
  try {
    await client.login(config.user, config.password ?? 'granary@');
  } catch (e) {
    if (!(e instanceof FTPError)) throw useFault(endpoint, 'logging in', e);
    if (isPassing(e)) throw unavailable(endpoint, 'logging in', e);
    const hint = 'Check the user and the password; some servers also refuse a login without TLS (tls: explicit).';
    throw authFailed(endpoint, e, hint);
  }
  try {
    await client.useDefaultSettings();
    if (config.name_encoding === 'latin-1') {
      // The default settings turn UTF-8 on where a server has the choice.
      await client.sendIgnoringError('OPTS UTF8 OFF');
      client.ftp.encoding = 'latin1';
    }
  } catch (e) {
    throw replyFault(endpoint, 'preparing the session', e);
  }
}

/** RFC 959: 4yz says the same command may work later. */
export function isPassing(e: FTPError): boolean {
  return e.code >= 400 && e.code < 500;
}

/** 550 and 553: the server will not do this with this path, whether it is missing or forbidden. */
export function isPathRefusal(e: unknown): boolean {
  return e instanceof FTPError && (e.code === 550 || e.code === 553);
}

/** The server does not know the command. */
export function isUnsupported(e: unknown): boolean {
  return e instanceof FTPError && (e.code === 500 || e.code === 502 || e.code === 504);
}

/** An error of a command that is not about its path. */
export function replyFault(endpoint: string, doing: string, e: unknown): GranaryError {
  if (!(e instanceof FTPError)) return useFault(endpoint, doing, e);
  if (isPassing(e))
    return e.code === 425 || e.code === 426 ? useFault(endpoint, doing, e) : unavailable(endpoint, doing, e);
  if (e.code === 530 || e.code === 532) return authFailed(endpoint, e);
  return protocol(endpoint, `a command was refused while ${doing}`, e);
}
