import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { listed, rejectsWith } from '../../test/contracts/file-source.ts';
import { opener } from '../../test/contracts/opener.ts';
import { motoMissing, type S3Server, startS3Server } from '../../test/servers/moto.ts';
import { s3 } from './s3.ts';

describe('the S3 connector', { skip: motoMissing() }, () => {
  let server: S3Server;
  let config: Record<string, unknown>;
  const open = opener(s3);
  before(async () => {
    server = await startS3Server();
    const { bucket, endpoint, accessKeyId, secretAccessKey } = server;
    config = { bucket, endpoint, path_style: true, access_key_id: accessKeyId, secret_access_key: secretAccessKey };
    for (const Key of ['in/a.csv', 'in/folder/', 'in//b.csv', 'in/../c.csv', 'in-other/d.csv', 'e.csv'])
      await server.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }));
  });
  after(() => server?.stop());

  it('offers keys below the prefix that are plain paths, and no others', async () => {
    for (const prefix of ['in', 'in/', '/in']) {
      const source = await open({ ...config, prefix });
      for (const depth of [3, Number.POSITIVE_INFINITY])
        assert.deepEqual(
          (await listed(source, { folder: '', depth })).map((file) => file.path),
          ['a.csv'],
        );
      await source.close();
    }
  });

  it('lists a bucket of more objects than fit one answer', async () => {
    const { client, bucket } = server;
    const keys = Array.from({ length: 1050 }, (_, i) => `many/${i}.csv`);
    for (let at = 0; at < keys.length; at += 50)
      await Promise.all(
        keys.slice(at, at + 50).map((Key) => client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }))),
      );
    const source = await open({ ...config, prefix: 'many' });
    assert.equal((await listed(source, { folder: '', depth: 0 })).length, keys.length);
    await source.close();
  });

  it('finds credentials in the environment when none are configured', async () => {
    const { access_key_id, secret_access_key, ...rest } = config;
    const before = { ...process.env };
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: access_key_id, AWS_SECRET_ACCESS_KEY: secret_access_key });
    try {
      await (await open(rest)).close();
    } finally {
      process.env = before;
    }
  });

  it('says that the bucket does not exist', async () => {
    await rejectsWith(open({ ...config, bucket: 'none' }), 'connector.not_found', false);
  });

  it('wants both halves of the access key', async () => {
    const { secret_access_key: _, ...half } = config;
    await rejectsWith(open(half), 'connector.auth_failed', false);
  });
});
