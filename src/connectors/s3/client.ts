/** A client of the AWS SDK, which is an optional dependency, and what its errors mean. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { GranaryError } from '../../lib/errors.ts';
import { authFailed, changed, denied, notFound, protocol, unavailable } from '../lib/faults.ts';
import { codeOf, requestFault } from '../lib/network.ts';
import { endpointOf, type S3Config } from './config.ts';

export type Sdk = typeof import('@aws-sdk/client-s3');

/** Throws `connector.not_installed` when npm left the optional dependency out. */
export async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch (e) {
    if (codeOf(e) !== 'ERR_MODULE_NOT_FOUND') throw e;
    throw new GranaryError('connector.not_installed', 'the package @aws-sdk/client-s3 is not installed', {
      hint: 'npm install @aws-sdk/client-s3',
      cause: e,
    });
  }
}

export async function makeClient(sdk: Sdk, config: S3Config, projectDir: string): Promise<S3Client> {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = config;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    throw authFailed(
      endpointOf(config),
      undefined,
      'Give both access_key_id and secret_access_key, or neither for the AWS default chain.',
    );
  const milliseconds = config.timeout * 1000;
  const ca = config.ca_file && (await readFile(resolve(projectDir, config.ca_file)));
  // A custom server does not care for the region, but the signature needs one.
  const region = config.region ?? (config.endpoint ? 'us-east-1' : undefined);
  return new sdk.S3Client({
    ...(region && { region }),
    ...(config.endpoint && { endpoint: config.endpoint }),
    ...(accessKeyId && secretAccessKey && { credentials: { accessKeyId, secretAccessKey, sessionToken } }),
    forcePathStyle: config.path_style,
    followRegionRedirects: true,
    requestHandler: {
      connectionTimeout: milliseconds,
      socketTimeout: milliseconds,
      httpsAgent: { keepAlive: true, ...(ca && { ca }) },
    },
  });
}

const CREDENTIAL_ERRORS = new Set([
  'CredentialsProviderError',
  'ExpiredToken',
  'InvalidAccessKeyId',
  'InvalidToken',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'TokenRefreshRequired',
]);

/** An error of the SDK. GranaryErrors pass. */
export function s3Fault(config: S3Config, path: string, doing: string, e: unknown): GranaryError {
  if (e instanceof GranaryError) return e;
  const endpoint = endpointOf(config);
  const { name, $metadata } = e as S3ServiceException;
  if (CREDENTIAL_ERRORS.has(name))
    return authFailed(endpoint, e, "Check the access key, or the environment that AWS's default chain looks at.");
  const status = $metadata?.httpStatusCode;
  if (name === 'TimeoutError' || status === undefined) return requestFault(endpoint, doing, e);
  if (status === 404) return notFound(name === 'NoSuchBucket' ? config.bucket : path, e);
  if (status === 401 || status === 403) return denied(path, `HTTP status ${status}`, e);
  if (status === 412 || status === 416) return changed(path);
  if (status === 429 || status >= 500) return unavailable(endpoint, doing, e);
  return protocol(endpoint, `${name} while ${doing}`, e);
}
