/** `granary up` and a real FTP server that goes away: what was on its way is loaded once it is back, by itself, and people are told what they must know. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startCuttingProxy } from './servers/cutting-proxy.ts';
import { type FtpServer, proftpdMissing, startFtpServer } from './servers/proftpd.ts';
import { smtpMissing, startMailServer } from './servers/smtp.ts';
import { makeProject, queryProject } from './support/projects.ts';
import { apiOf, ask, attemptsOf, historyOf, runsOf, startUp, until } from './support/up-owner.ts';

const ROWS = 60_000;
const FILE = 'sales_20261101.csv';

const sourceOf = (server: FtpServer, host: string, head = '') => `connector:
  {type: ftp, tls: none, host: ${host}, port: ${server.port}, user: ${server.user}, password: "\${secret:FTP_PASSWORD}", timeout: 5 s}
poll: {min: 1 s, max: 2 s}
${head}datasets:
  sales:
    files: "sales_{date:yyyyMMdd}.csv"
    ready: now
    columns: {id: bigint, text: text}
`;
/** A file of about 2.5 MB. */
const content = (from = 0) =>
  `id,text\n${Array.from({ length: ROWS }, (_, i) => `${from + i},${'some text of the row '.repeat(2).slice(0, 34)}`).join('\n')}\n`;

async function put(server: FtpServer, name: string, text: string): Promise<void> {
  await writeFile(join(server.files, `${name}.part`), text);
  await rename(join(server.files, `${name}.part`), join(server.files, name));
}

async function project(t: TestContext, server: FtpServer, source: string, granary = ''): Promise<string> {
  process.env['GRANARY_SECRET_FTP_PASSWORD'] = server.password;
  return makeProject(t, {
    'sources/shop.yaml': source,
    'granary.yaml': `name: test\nworkers: {memory: 300 MB}\nwarehouse: {memory: 500 MB}\n${granary}`,
  });
}

/** Bytes of the transfer that goes on. */
function transferred(dir: string): number {
  const objects = join(dir, '.granary/objects');
  const names = readdirSync(objects, { recursive: true, encoding: 'utf8' }).filter((n) => n.endsWith('/data'));
  return names.reduce((n, name) => n + (statSync(join(objects, name), { throwIfNoEntry: false })?.size ?? 0), 0);
}

const count = async (dir: string) => (await ask(dir, 'SELECT count(*) FROM sales'))?.[0]?.[0];

/** The file is in its table once, and the object has the bytes of the file. */
async function assertLoadedOnce(dir: string, text: string): Promise<void> {
  assert.deepEqual(await queryProject(dir, 'SELECT count(*), count(DISTINCT id), count(DISTINCT _object) FROM sales'), [
    [ROWS, ROWS, 1],
  ]);
  assert.deepEqual(await queryProject(dir, 'SELECT sha256, status FROM granary.objects'), [
    [createHash('sha256').update(text).digest('hex'), 'loaded'],
  ]);
  assert.deepEqual(await queryProject(dir, 'SELECT received, loaded, balanced FROM granary.books WHERE active'), [
    [ROWS, ROWS, true],
  ]);
}

const runsEnded = (dir: string) =>
  until('the end of the runs', async () => (await runsOf(dir)).every((r) => r.status !== 'running'));

/** The run that landed the file, with what its history says of landing. */
async function landing(dir: string): Promise<{ pipeline: string; attempts: string[] }> {
  const run = (await runsOf(dir)).find((r) => r.landed === 1)!;
  return { pipeline: run.pipeline, attempts: attemptsOf(await historyOf(dir, run.id), 'Land') };
}

test('a server that stops in the middle of a transfer and comes back: the file is loaded once, by itself', {
  skip: proftpdMissing(),
}, async (t) => {
  const server = await startFtpServer('none', { rate: 600 });
  t.after(() => server.stop());
  const dir = await project(t, server, sourceOf(server, '127.0.0.1'));
  const up = startUp(t, dir);
  await up.ready;
  const text = content();
  await put(server, FILE, text);
  await until('the middle of the transfer', () => transferred(dir) > text.length / 5);
  await server.down();
  const run = await until('the attempt failed and is tried again', async () => {
    const [running] = await runsOf(dir, { status: 'running' });
    return running && attemptsOf(await historyOf(dir, running.id), 'Land').includes('TaskRetryScheduled') && running;
  });
  assert.ok(transferred(dir) < text.length);
  await server.up();
  await until('the rows', async () => (await count(dir)) === ROWS);
  await runsEnded(dir);
  const attempts = attemptsOf(await historyOf(dir, run.id), 'Land');
  assert.deepEqual(attempts.slice(0, 3), ['TaskStarted', 'TaskFailed', 'TaskRetryScheduled']);
  const { attempts: last } = await landing(dir);
  assert.equal(last.at(-1), 'TaskSucceeded');
  assert.equal(await up.stop(), 0);
  await assertLoadedOnce(dir, text);
});

test('connections that are cut again and again cost attempts, not bytes', { skip: proftpdMissing() }, async (t) => {
  const server = await startFtpServer('none');
  t.after(() => server.stop());
  const proxy = await startCuttingProxy(server.ports);
  t.after(() => proxy.stop());
  const dir = await project(t, server, sourceOf(server, proxy.host));
  const up = startUp(t, dir);
  await up.ready;
  const text = content();
  // Half a megabyte at a time, twice; then all of the rest.
  for (const name of ['first', 'second']) {
    proxy.cutAfter(500_000);
    if (name === 'first') await put(server, FILE, text);
    const failures = name === 'first' ? 1 : 2;
    await until(`the ${name} cut`, async () => {
      const [run] = await runsOf(dir);
      return (
        run && attemptsOf(await historyOf(dir, run.id), 'Land').filter((a) => a === 'TaskFailed').length >= failures
      );
    });
  }
  await until('the rows', async () => (await count(dir)) === ROWS);
  await runsEnded(dir);
  const { attempts } = await landing(dir);
  assert.ok(attempts.filter((a) => a === 'TaskFailed').length >= 2, attempts.join());
  assert.equal(attempts.at(-1), 'TaskSucceeded');
  assert.equal(await up.stop(), 0);
  await assertLoadedOnce(dir, text);
});

test('a server that is away for longer than a poll tries is told of, and ends the problem by coming back', {
  skip: proftpdMissing() || smtpMissing(),
}, async (t) => {
  const [server, mails] = [await startFtpServer('none'), await startMailServer()];
  t.after(() => Promise.all([server.stop(), mails.stop()]));
  const channel = `{type: smtp, host: 127.0.0.1, port: ${mails.port}, tls: none, from: g@example.com, to: ops@example.com}`;
  const dir = await project(
    t,
    server,
    sourceOf(server, '127.0.0.1'),
    `notifications: {group_for: 0, channels: {ops: ${channel}}}\n`,
  );
  await server.down();
  const up = startUp(t, dir);
  await up.ready;
  // Looks that fail are repeated; after the fifth a run says so, when it has tried five times itself.
  const failed = await until('a run that failed', async () => (await runsOf(dir, { status: 'failed' }))[0]);
  assert.deepEqual(attemptsOf(await historyOf(dir, failed.id), 'Poll').filter((a) => a === 'TaskFailed').length, 5);
  const letters = await (await apiOf(dir)).get<{ kind: string; source: string; status: string; error: string }[]>(
    '/v1/dead-letters',
  );
  assert.deepEqual(
    letters.map((l) => [l.kind, l.source, l.status, l.error]),
    [['pipeline', 'shop', 'open', 'connector.unreachable']],
  );
  const first = await until('a mail', async () => (await mails.mails())[0]);
  assert.match(`${first.subject}\n${first.text}`, /shop/);
  assert.match(first.text, new RegExp(`127\\.0\\.0\\.1:${server.port}`), 'it names the server that does not answer');

  const text = content();
  await put(server, FILE, text);
  await server.up();
  await until('the rows', async () => (await count(dir)) === ROWS);
  await until('no dead letter', async () => (await (await apiOf(dir)).get<unknown[]>('/v1/dead-letters')).length === 0);
  const all = await until('the mail that it is over', async () => {
    const found = await mails.mails();
    return found.length >= 2 && found;
  });
  assert.deepEqual(
    all.map((m) => /Resolved/.test(m.subject)),
    [false, true],
    all.map((m) => m.subject).join('\n'),
  );
  await runsEnded(dir);
  assert.equal(await up.stop(), 0);
  await assertLoadedOnce(dir, text);
});
