/** The spine: files made by ordinary tools on real servers become queryable tables, and the books balance. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { startCuttingProxy } from './servers/cutting-proxy.ts';
import { motoMissing, startS3Server } from './servers/moto.ts';
import { LOOPBACK } from './servers/processes.ts';
import { proftpdMissing, startFtpServer } from './servers/proftpd.ts';
import { sshdMissing, startSshServer } from './servers/sshd.ts';
import { makeProject, queryProject, rowsOf, runProject } from './support/projects.ts';

const ROWS = 200_000;
const content = `id;store;amount;sold_on\n${Array.from({ length: ROWS }, (_, i) => `${i};S${(i * 7919) % 97};${i % 1000 === 7 ? 'oops' : `${i % 500},25`};${1 + (i % 28)}.11.2026`).join('\n')}\n`;
const dataset = (files: string, unpack = '') => `datasets:
  sales:
    files: "${files}"
    ready: now
${unpack}    format: {type: csv, delimiter: ";"}
    columns:
      id: bigint
      store: text
      amount: {type: "decimal(10,2)", decimal: ","}
      sold_on: {type: date, format: "%d.%m.%Y"}
`;

/** A message for a key pair made by gpg, and the private key. */
function gpgMessage(t: TestContext, plain: Uint8Array): { message: Buffer; key: string } {
  const home = mkdtempSync(join(tmpdir(), 'gpg-'));
  t.after(() => {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    rmSync(home, { recursive: true, force: true });
  });
  const gpg = (...args: string[]) =>
    execFileSync(
      'gpg',
      ['--homedir', home, '--batch', '--yes', '--pinentry-mode', 'loopback', '--passphrase', 'key passphrase', ...args],
      { stdio: ['ignore', 'pipe', 'ignore'], maxBuffer: 1e9 },
    );
  gpg('--quick-generate-key', 'shop@example.com', 'future-default', 'default', 'never');
  writeFileSync(join(home, 'plain'), plain);
  gpg(
    '--trust-model',
    'always',
    '-r',
    'shop@example.com',
    '-o',
    join(home, 'message'),
    '--encrypt',
    join(home, 'plain'),
  );
  return { message: readFileSync(join(home, 'message')), key: gpg('--armor', '--export-secret-keys').toString() };
}

async function verifyTable(dir: string): Promise<void> {
  const rejected = ROWS / 1000;
  assert.deepEqual(
    await queryProject(
      dir,
      'SELECT count(*), min(_line), max(_line), count(*) FILTER (_line = id + 2), min(sold_on)::VARCHAR FROM sales',
    ),
    [[ROWS - rejected, 2, ROWS + 1, ROWS - rejected, '2026-11-01']],
  );
  assert.deepEqual(await queryProject(dir, 'SELECT received, loaded, rejected, balanced FROM granary.books'), [
    [ROWS, ROWS - rejected, rejected, true],
  ]);
  assert.deepEqual(
    await queryProject(dir, "SELECT count(*) FROM granary.rejects WHERE raw LIKE '%oops%' AND column_name = 'amount'"),
    [[rejected]],
  );
}

test('an encrypted file on an SFTP server becomes a table, though the connection breaks in the middle', {
  skip: sshdMissing(),
}, async (t) => {
  const server = await startSshServer();
  t.after(server.stop);
  const proxy = await startCuttingProxy([server.port]);
  t.after(proxy.stop);
  const { message, key } = gpgMessage(t, gzipSync(content, { level: 0 }));
  writeFileSync(join(server.files, 'sales_20261119.csv.gz.pgp'), message);
  const dir = await makeProject(t, {
    'shop.key': key,
    'sources/shop.yaml': `connector:
  type: sftp
  host: ${proxy.host}
  port: ${server.port}
  user: ${server.user}
  private_key_file: ${server.privateKey}
  host_key: "${server.hostKeys.ed25519}"
  root: ${server.files}
${dataset('sales_{date:yyyyMMdd}.csv.gz.pgp', '    unpack: [{type: openpgp, private_key_file: shop.key, passphrase: key passphrase}, gzip]\n')}`,
  });
  proxy.cutAfter(Math.floor(message.length * 0.8));
  const { doc, events } = await runProject(dir);
  assert.deepEqual(doc.errors, []);
  assert.deepEqual(
    events.filter((e) => e.type === 'quarantined').map((e) => e.reasons),
    [],
  );
  const retry = events.find((e) => e.type === 'retry');
  assert.equal(retry?.error.code, 'connector.lost');
  const landed = events.find((e) => e.type === 'landed');
  assert.ok(
    landed && landed.output.resumedAt > 0,
    `it went on where it broke: ${JSON.stringify(landed)}, ${message.length} bytes`,
  );
  await verifyTable(dir);
});

test('a file on an FTPS server is taken, loaded and deleted at the source', { skip: proftpdMissing() }, async (t) => {
  const server = await startFtpServer('explicit');
  t.after(server.stop);
  writeFileSync(join(server.files, 'sales_20261119.csv.gz'), gzipSync(content));
  const dir = await makeProject(t, {
    'sources/shop.yaml': `connector: {type: ftp, host: ${LOOPBACK}, port: ${server.port}, user: ${server.user}, password: "${server.password}", tls: explicit, ca_file: ${server.certificate.certificate}}
${dataset('sales_{date:yyyyMMdd}.csv.gz', '    after_landing: delete\n')}`,
  });
  const { doc } = await runProject(dir);
  assert.deepEqual(doc.errors, []);
  assert.equal(existsSync(join(server.files, 'sales_20261119.csv.gz')), false);
  await verifyTable(dir);
});

test('objects of an S3 bucket are taken once, also when they are listed again', { skip: motoMissing() }, async (t) => {
  const server = await startS3Server();
  t.after(server.stop);
  await server.client.send(
    new PutObjectCommand({ Bucket: server.bucket, Key: 'out/sales_20261119.csv.gz', Body: gzipSync(content) }),
  );
  const dir = await makeProject(t, {
    'sources/shop.yaml': `connector: {type: s3, bucket: ${server.bucket}, prefix: out, endpoint: "${server.endpoint}", path_style: true, access_key_id: "${server.accessKeyId}", secret_access_key: "${server.secretAccessKey}"}
${dataset('sales_{date:yyyyMMdd}.csv.gz')}`,
  });
  assert.deepEqual((await runProject(dir)).doc.errors, []);
  const { doc } = await runProject(dir, async (r) =>
    assert.deepEqual(await rowsOf(r, 'SELECT count(*) FROM granary.objects'), [[1]]),
  );
  assert.equal(doc.landed, 0);
  await verifyTable(dir);
});
