/** What the demo stands on: data that are the same each time, and servers for files and mail that other programs understand. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { before, type TestContext, test } from 'node:test';
import { Client, FTPError } from 'basic-ftp';
import { createTransport } from 'nodemailer';
import { StoryClock } from '../examples/demo/clock.ts';
import { type FtpServer, startFtpServer } from '../examples/demo/ftp-server.ts';
import { type Deliveries, makeDeliveries } from '../examples/demo/generate/deliveries.ts';
import { startMailCatcher } from '../examples/demo/mail/catcher.ts';

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
  assert.deepEqual(names, [
    ['letters.txt', 26, true],
    ['secret.txt', 6, true],
  ]);
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

test('the FTP server fails as it is told to, and is well afterwards', async (t) => {
  const { client, server, again } = await serving(t);
  server.troubles.set('letters.txt', ['cut', 'busy']);
  server.forbidden.add('secret.txt');
  await assert.rejects(download(client, '/inner/letters.txt', 0));
  await assert.rejects(download(await again(), '/inner/letters.txt', 0), isReply(421));
  const third = await again();
  assert.equal(await download(third, '/inner/letters.txt', 0), 'abcdefghijklmnopqrstuvwxyz');
  assert.equal(await third.size('/inner/secret.txt'), 6);
  await assert.rejects(download(third, '/inner/secret.txt', 0), isReply(550));
  server.forbidden.clear();
  assert.equal(await download(third, '/inner/secret.txt', 0), 'secret');
});

test('the mail catcher takes what a mail program sends, keeps it as it came, and can be read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'granary-mail-'));
  const catcher = await startMailCatcher({ folder, port: 0 });
  t.after(async () => {
    await catcher.close();
    await rm(folder, { recursive: true });
  });
  const transport = createTransport({ host: '127.0.0.1', port: catcher.port, ignoreTLS: true });
  const text = `Grüße – 100 %.\n.\n..two dots\n${'ä long line '.repeat(30)}\n`;
  const html = '<p>Grüße =3D</p>';
  const subject = 'Zürich: “spät” and a subject that is longer than one line of a header may be, by far';
  const head = { from: 'a@example.com', to: 'b@example.com', subject, date: new Date('2026-11-16T05:30:00Z') };
  await transport.sendMail({ ...head, text, html });
  await transport.sendMail({ ...head, subject: 'plain', text: 'short' });
  assert.deepEqual(
    catcher.mails.map((m) => ({ ...m, text: m.text.trimEnd(), html: m.html.trimEnd() })),
    [
      { subject, to: 'b@example.com', date: '2026-11-16T05:30:00.000Z', text: text.trimEnd(), html },
      { subject: 'plain', to: 'b@example.com', date: '2026-11-16T05:30:00.000Z', text: 'short', html: '' },
    ],
  );
  assert.equal((await readFile(join(folder, '01.html'), 'utf8')).trimEnd(), html);
  assert.match(await readFile(join(folder, '02.eml'), 'latin1'), /^Subject: plain\r$/m);
});

test('the clock of the story goes on as time does, wakes whom it passes when it is set forward, and never goes back', async () => {
  const clock = new StoryClock('2026-11-16T03:30:00+01:00');
  assert.ok(Math.abs(clock.now() - Date.parse('2026-11-16T02:30:00Z')) < 60_000);
  await clock.sleep(5);
  const woken = clock.sleep(3_600_000);
  const stopping = new AbortController();
  const stopped = clock.sleep(7_200_000, stopping.signal);
  clock.forwardTo('2026-11-16T03:45:00Z');
  await woken;
  clock.forwardTo('2026-11-16T02:00:00Z');
  assert.ok(clock.now() >= Date.parse('2026-11-16T03:45:00Z'));
  stopping.abort();
  await assert.rejects(stopped, { name: 'AbortError' });
});

function hashOf({ catalog, night, morning }: Deliveries): string {
  const hash = createHash('sha256');
  for (const { path, bytes } of [catalog, night, morning].flatMap((d) => d.write))
    hash.update(`${path} ${bytes.length} `).update(bytes);
  return hash.digest('hex');
}

interface Serving {
  client: Client;
  server: FtpServer;
  /** Another connection. */
  again(): Promise<Client>;
}

async function serving(t: TestContext): Promise<Serving> {
  const root = await mkdtemp(join(tmpdir(), 'granary-ftp-'));
  await mkdir(join(root, 'inner'));
  await writeFile(join(root, 'inner', 'letters.txt'), 'abcdefghijklmnopqrstuvwxyz');
  await writeFile(join(root, 'inner', 'secret.txt'), 'secret');
  const server = await startFtpServer({ root, user: 'granary', password: 'right', port: 0 });
  const clients: Client[] = [];
  t.after(async () => {
    for (const client of clients) client.close();
    await server.close();
    await rm(root, { recursive: true });
  });
  const again = async () => {
    const client = new Client();
    clients.push(client);
    await client.access({ host: '127.0.0.1', port: server.port, user: 'granary', password: 'right' });
    return client;
  };
  return { client: await again(), server, again };
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
