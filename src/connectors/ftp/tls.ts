/** Whom an FTPS connection trusts: the system's authorities, those of a file, or one pinned certificate. */
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { type ConnectionOptions, connect, type PeerCertificate, TLSSocket } from 'node:tls';
import { Client } from 'basic-ftp';
import { GranaryError } from '../../lib/errors.ts';
import { connectFault, tlsFault } from '../lib/network.ts';
import { endpointOf, type FtpConfig, portOf } from './config.ts';

/**
 * Options for the control connection and all data connections. With a pinned fingerprint the certificate is fetched first, by a
 * connection that sends no credentials, and becomes the only authority. Errors: `connector.tls`, `connector.unreachable`.
 */
export async function tlsOptions(config: FtpConfig, projectDir: string): Promise<ConnectionOptions> {
  const options = { host: config.host, ...(isIP(config.host) === 0 && { servername: config.host }) };
  if (config.tls_fingerprint) return { ...options, ...(await pinned(config, config.tls_fingerprint)) };
  if (!config.ca_file) return options;
  const path = resolve(projectDir, config.ca_file);
  const ca = await readFile(path).catch((e) => {
    throw new GranaryError('connector.tls', `ca_file "${path}" cannot be read`, { cause: e });
  });
  return { ...options, ca };
}

async function pinned(config: FtpConfig, pin: string): Promise<ConnectionOptions> {
  const { raw, fingerprint256 } = await presentedCertificate(config);
  if (!sameFingerprint(fingerprint256, pin))
    throw new GranaryError(
      'connector.tls',
      `${endpointOf(config)} shows the certificate ${fingerprint256}, pinned is ${pin}`,
      {
        details: { seen: fingerprint256, pinned: pin },
        hint: `If the server's operator confirms the new certificate, set tls_fingerprint: "${fingerprint256}".`,
      },
    );
  return {
    ca: pem(raw),
    allowPartialTrustChain: true,
    checkServerIdentity: (_host, { fingerprint256: seen }) =>
      sameFingerprint(seen, pin) ? undefined : new Error(`the certificate ${seen} is not the pinned one`),
  };
}

/** The failure of a handshake, with the fingerprint that a user may pin. */
export async function distrusted(config: FtpConfig, cause: unknown): Promise<GranaryError> {
  const seen = await presentedCertificate(config).catch(() => undefined);
  if (!seen || config.tls_fingerprint) return tlsFault(endpointOf(config), cause);
  return tlsFault(
    endpointOf(config),
    cause,
    `Give the server's certificate authority as ca_file, or, if its operator confirms this certificate, set tls_fingerprint: "${seen.fingerprint256}".`,
  );
}

/** What the server presents, unverified. Nothing is sent to it but the request for TLS. */
async function presentedCertificate(config: FtpConfig): Promise<PeerCertificate> {
  const untrusting = { host: config.host, port: portOf(config), rejectUnauthorized: false };
  try {
    return config.tls === 'implicit' ? await byHandshake(untrusting, config) : await byAuthTls(config);
  } catch (e) {
    throw connectFault(endpointOf(config), e);
  }
}

function byHandshake(options: ConnectionOptions, config: FtpConfig): Promise<PeerCertificate> {
  return new Promise((found, failed) => {
    const socket = connect(options, () => {
      found(socket.getPeerCertificate());
      socket.destroy();
    });
    socket.on('error', failed);
    socket.setTimeout(config.timeout * 1000, () => socket.destroy(new Error('no answer in time')));
  });
}

async function byAuthTls(config: FtpConfig): Promise<PeerCertificate> {
  const client = new Client(config.timeout * 1000);
  try {
    await client.connect(config.host, portOf(config));
    await client.useTLS({ rejectUnauthorized: false });
    if (!(client.ftp.socket instanceof TLSSocket)) throw new Error('the server did not start TLS');
    return client.ftp.socket.getPeerCertificate();
  } finally {
    client.close();
  }
}

const sameFingerprint = (a: string, b: string) => hexOf(a) === hexOf(b);
const hexOf = (fingerprint: string) => fingerprint.replace(/[^0-9a-fA-F]/g, '').toLowerCase();

function pem(der: Buffer): string {
  return `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
}
