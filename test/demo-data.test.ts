/** What the demo stands on: data that are the same each time, and an FTP server that other programs understand. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { before, type TestContext, test } from 'node:test';
import { Client, FTPError } from 'basic-ftp';
import { type FtpServer, startFtpServer } from '../examples/demo/ftp-server.ts';
import { type Deliveries, makeDeliveries } from '../examples/demo/generate/deliveries.ts';

let deliveries: Deliveries;
before(async () => {
  deliveries = await makeDeliveries('a passphrase');
});

test('the data of the demo are the same each time', async () => {
  const again = await makeDeliveries('a passphrase');
  assert.equal(hashOf(deliveries), hashOf(again));
  assert.deepEqual(deliveries.expected, again.expected);
});

test('what the generator counts adds up: received = loaded + filtered + deduplicated + rejected', () => {
  for (const books of Object.values(deliveries.expected))
    for (const [dataset, t] of books)
      assert.equal(t.loaded + t.filtered + t.deduplicated + t.rejected, t.received, dataset);
});

test('the FTP server lists folders, tells sizes and times, and sends files from any byte on', async (t) => {
  const { client } = await serving(t);
  const names = (await client.list('/inner')).map((f) => [f.name, f.size, f.isFile]);
  assert.deepEqual(names, [['letters.txt', 26, true]]);
  await client.cd('/inner');
  assert.equal(await client.pwd(), '/inner');
  assert.equal(await client.size('letters.txt'), 26);
  assert.ok(Math.abs((await client.lastMod('letters.txt')).getTime() - Date.now()) < 60_000);
  assert.equal(await download(client, 'letters.txt', 0), 'abcdefghijklmnopqrstuvwxyz');
  assert.equal(await download(client, '/inner/letters.txt', 20), 'uvwxyz');
});

test('the FTP server lets nobody in without the password, out of its folder, or change a file', async (t) => {
  const { client, server } = await serving(t);
  await assert.rejects(client.size('../../../../etc/passwd'), isReply(550));
  await assert.rejects(client.remove('inner/letters.txt'), isReply(502));
  const stranger = new Client();
  t.after(() => stranger.close());
  await assert.rejects(
    stranger.access({ host: '127.0.0.1', port: server.port, user: 'granary', password: 'guess' }),
    isReply(530),
  );
});

function hashOf({ nights }: Deliveries): string {
  const hash = createHash('sha256');
  for (const { path, bytes } of nights.flatMap((n) => n.write)) hash.update(`${path} ${bytes.length} `).update(bytes);
  return hash.digest('hex');
}

async function serving(t: TestContext): Promise<{ client: Client; server: FtpServer }> {
  const root = await mkdtemp(join(tmpdir(), 'granary-ftp-'));
  await mkdir(join(root, 'inner'));
  await writeFile(join(root, 'inner', 'letters.txt'), 'abcdefghijklmnopqrstuvwxyz');
  const server = await startFtpServer({ root, user: 'granary', password: 'right', port: 0 });
  const client = new Client();
  t.after(async () => {
    client.close();
    await server.close();
    await rm(root, { recursive: true });
  });
  await client.access({ host: '127.0.0.1', port: server.port, user: 'granary', password: 'right' });
  return { client, server };
}

async function download(client: Client, path: string, start: number): Promise<string> {
  const chunks: Buffer[] = [];
  const into = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  await client.downloadTo(into, path, start);
  return Buffer.concat(chunks).toString();
}

const isReply = (code: number) => (e: unknown) => e instanceof FTPError && e.code === code;
