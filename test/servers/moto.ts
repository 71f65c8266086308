/** moto's S3, with users and policies enforced. */
import { resolve } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { freePorts, LOOPBACK, missing, startServer } from './processes.ts';

const PROGRAM = resolve(import.meta.dirname, '../../.servers/moto/bin/moto_server');

export interface S3Server {
  port: number;
  endpoint: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Has the same rights as the credentials. */
  client: S3Client;
  stop(): Promise<void>;
}

export const motoMissing = () => missing(PROGRAM);

/** A server with one bucket and one user, who may do everything but read objects named `denied/…`. */
export async function startS3Server(bucket = 'drop'): Promise<S3Server> {
  const port = await freePorts();
  const endpoint = `http://${LOOPBACK}:${port}`;
  // The calls that make the user cannot be signed by it: the first three requests need no rights.
  const env = { INITIAL_NO_AUTH_ACTION_COUNT: '3' };
  const server = await startServer(PROGRAM, ['-H', LOOPBACK, '-p', String(port)], { port, env });
  await iam(endpoint, { Action: 'CreateUser', UserName: 'granary' });
  await iam(endpoint, {
    Action: 'PutUserPolicy',
    UserName: 'granary',
    PolicyName: 'files',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 's3:*', Resource: '*' },
        { Effect: 'Deny', Action: 's3:GetObject', Resource: `arn:aws:s3:::${bucket}/*denied/*` },
      ],
    }),
  });
  const answer = await iam(endpoint, { Action: 'CreateAccessKey', UserName: 'granary' });
  const [accessKeyId, secretAccessKey] = [element(answer, 'AccessKeyId'), element(answer, 'SecretAccessKey')];
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    port,
    endpoint,
    bucket,
    accessKeyId,
    secretAccessKey,
    client,
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}

/** moto finds the service by the scope of the credentials. */
async function iam(endpoint: string, parameters: Record<string, string>): Promise<string> {
  const authorization =
    'AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=none';
  const body = new URLSearchParams({ Version: '2010-05-08', ...parameters });
  const reply = await fetch(endpoint, { method: 'POST', headers: { authorization }, body });
  const answer = await reply.text();
  if (!reply.ok) throw new Error(`${parameters.Action}: ${answer}`);
  return answer;
}

function element(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]+)<`).exec(xml)![1]!;
}
