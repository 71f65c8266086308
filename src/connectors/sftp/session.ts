/** One SSH connection with its SFTP channel. */
import ssh2, { type Client, type ConnectConfig, type SFTPWrapper } from 'ssh2';
import type { GranaryError } from '../../lib/errors.ts';
import { authFailed, denied, lost, notFound, protocol, unavailable, unreachable } from '../lib/faults.ts';
import { endpointOf, type SftpConfig } from './config.ts';
import { fingerprintOf, hostKeyFault, isAccepted, KEY_FAMILIES } from './host-key.ts';

type Callback<T> = (error: Error | null | undefined, result: T) => void;

/** Reasons of SSH_MSG_DISCONNECT (RFC 4250). */
const TOO_MANY_CONNECTIONS = 12;
/** Status codes of SFTP version 3. */
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;

export class SftpSession {
  readonly sftp: SFTPWrapper;
  readonly #client: Client;
  readonly #config: SftpConfig;
  #alive = true;

  constructor(client: Client, sftp: SFTPWrapper, config: SftpConfig) {
    this.sftp = sftp;
    this.#client = client;
    this.#config = config;
    const dead = () => {
      this.#alive = false;
    };
    client.on('close', dead).on('error', dead);
    sftp.on('close', dead).on('error', dead);
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  /**
   * One request about a path. Errors: `connector.not_found`, `.denied`; `.unavailable` for what the protocol only calls a failure;
   * `.lost` when the connection broke or no answer came in time, and then the whole session is closed.
   */
  call<T>(path: string, doing: string, request: (done: Callback<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const overdue = setTimeout(() => {
        this.close();
        reject(lost(endpointOf(this.#config), doing, new Error(`no answer in ${this.#config.timeout} s`)));
      }, this.#config.timeout * 1000);
      request((error, result) => {
        clearTimeout(overdue);
        if (error) reject(this.#fault(path, doing, error));
        else resolve(result);
      });
    });
  }

  #fault(path: string, doing: string, error: Error & { code?: unknown }): GranaryError {
    if (error.code === NO_SUCH_FILE) return notFound(path, error);
    if (error.code === PERMISSION_DENIED) return denied(path, error.message, error);
    if (typeof error.code === 'number' && this.#alive) return unavailable(endpointOf(this.#config), doing, error);
    return lost(endpointOf(this.#config), doing, error);
  }

  close(): void {
    this.#alive = false;
    this.#client.destroy();
  }
}

/**
 * Connects and authenticates. The server's preferred host key is looked at first; if it is not a pinned one the other families are
 * tried, because the pinned one may be of another family. Nothing is authenticated to a server that shows no accepted key.
 * Errors: `connector.unreachable`, `.host_key_mismatch`, `.host_key_unknown`, `.auth_failed`, `.protocol`, `.unavailable`.
 */
export async function openSession(config: SftpConfig, privateKey: string | undefined): Promise<SftpSession> {
  const credentials = authentication(config, privateKey);
  const seen: string[] = [];
  const isPinned = (config.host_key ?? []).length > 0;
  for (const family of [undefined, ...(isPinned ? KEY_FAMILIES : [])]) {
    const attempt = await connect(config, credentials, family);
    if (attempt instanceof SftpSession) return attempt;
    if ('refusedKey' in attempt) seen.push(attempt.refusedKey);
    // A server that has no key of a further family cannot agree on one: that says nothing new.
    else if (seen.length === 0 || attempt.fault.code !== 'connector.protocol') throw attempt.fault;
  }
  throw hostKeyFault(config, [...new Set(seen)]);
}

type Attempt = SftpSession | { refusedKey: string } | { fault: GranaryError };

function connect(config: SftpConfig, credentials: ConnectConfig, family?: readonly string[]): Promise<Attempt> {
  const client = new ssh2.Client();
  return new Promise((resolve) => {
    let refusedKey: string | undefined;
    let authenticating = false;
    const fail = (error: Error & { level?: string; code?: unknown }) => {
      client.destroy();
      resolve(refusedKey === undefined ? { fault: connectionFault(config, error, authenticating) } : { refusedKey });
    };
    client
      .on('error', fail)
      .on('close', () => fail(new Error('the server closed the connection')))
      .on('handshake', () => {
        authenticating = true;
      })
      .on('keyboard-interactive', (_name, _instructions, _language, prompts, answer) =>
        answer(prompts.map(() => config.password ?? '')),
      )
      .on('ready', () => {
        // Without this, requests wait for acknowledgements and transfers crawl.
        client.setNoDelay(true);
        const overdue = setTimeout(() => fail(new Error('the server opens no SFTP channel')), config.timeout * 1000);
        client.sftp((error, sftp) => {
          clearTimeout(overdue);
          if (!error) return resolve(new SftpSession(client, sftp, config));
          client.destroy();
          resolve({ fault: protocol(endpointOf(config), 'the server offers no SFTP', error) });
        });
      });
    client.connect({
      ...credentials,
      host: config.host,
      port: config.port,
      username: config.user,
      readyTimeout: config.timeout * 1000,
      // A peer that answers none of three in a row is gone after the timeout.
      keepaliveInterval: (config.timeout * 1000) / 4,
      keepaliveCountMax: 3,
      ...(family && { algorithms: { serverHostKey: [...family] as never } }),
      hostVerifier: (key: Buffer) => {
        const fingerprint = fingerprintOf(key);
        if (isAccepted(fingerprint, config)) return true;
        refusedKey = fingerprint;
        return false;
      },
    });
  });
}

/** Methods that have what they need, in the order to try them. Throws `connector.auth_failed` when there is none. */
function authentication(config: SftpConfig, privateKey: string | undefined): ConnectConfig {
  const endpoint = endpointOf(config);
  if (privateKey !== undefined) {
    const parsed = ssh2.utils.parseKey(privateKey, config.passphrase);
    if (parsed instanceof Error)
      throw authFailed(endpoint, parsed, 'Check private_key and passphrase: the key cannot be opened.');
  } else if (config.password === undefined)
    throw authFailed(endpoint, undefined, 'Give a password, a private_key or a private_key_file.');
  return {
    authHandler: [
      ...(privateKey === undefined ? [] : (['publickey'] as const)),
      ...(config.password === undefined ? [] : (['password', 'keyboard-interactive'] as const)),
    ],
    tryKeyboard: config.password !== undefined,
    ...(config.password !== undefined && { password: config.password }),
    ...(privateKey !== undefined && { privateKey }),
    ...(config.passphrase !== undefined && { passphrase: config.passphrase }),
  };
}

function connectionFault(
  config: SftpConfig,
  error: Error & { level?: string; code?: unknown },
  authenticating: boolean,
): GranaryError {
  const endpoint = endpointOf(config);
  if (error.code === TOO_MANY_CONNECTIONS) return unavailable(endpoint, 'connecting', error);
  if (error.level === 'client-authentication') return authFailed(endpoint, error);
  // A server that has had enough of wrong credentials says so with a numbered reason.
  if (authenticating && typeof error.code === 'number') return authFailed(endpoint, error);
  if (error.level === 'handshake' || error.level === 'protocol')
    return protocol(endpoint, 'the SSH handshake failed', error);
  return unreachable(endpoint, error);
}
