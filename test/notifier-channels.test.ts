/** The channels alone: mail with TLS and login, webhooks in their shapes. Real servers. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { openSmtp } from '../src/adapters/notifier/smtp.ts';
import { openWebhook } from '../src/adapters/notifier/webhook.ts';
import type { GranaryError } from '../src/lib/errors.ts';
import { registerSecret } from '../src/lib/redact.ts';
import type { Message, NotifierChannel } from '../src/ports/notifier.ts';
import type { SmtpConfig, WebhookConfig } from '../src/project/specs/notifications.ts';
import { run } from './servers/processes.ts';
import { smtpMissing, startMailServer } from './servers/smtp.ts';
import { SimulatedClock } from './support/simulated-clock.ts';

const MESSAGE: Message = {
  id: 'k3x9m2p8',
  severity: 'critical',
  mood: 'problem',
  title: '[shop] Critical: <daily> failed & more',
  text: 'Grüße: the text',
  html: '<p>Grüße</p>',
  summary: 'A run of *daily* [ended](http://evil).',
  facts: [{ name: 'File', value: 'a_b*c<d>.csv' }],
  advice: ['Mend it.'],
  command: 'granary runs',
  link: 'https://granary.example.com/runs/1',
  thread: 'incident1',
  at: '2026-11-25T12:00:00.000Z',
  data: { kind: 'problem', count: 3 },
};
const NOW = '2026-11-25T12:00:00Z';

const send = (channel: NotifierChannel) => channel.send(MESSAGE, { signal: new AbortController().signal });
const faultOf = (channel: NotifierChannel): Promise<GranaryError> =>
  send(channel).then(
    () => assert.fail('it was sent'),
    (e) => e,
  );

test('no mail library is loaded before a mail channel is opened', async () => {
  const at = (path: string) => new URL(`../src/${path}`, import.meta.url);
  const script = `import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const count = () => loaded.filter((url) => url.includes('/nodemailer/')).length;
    const { openChannels } = await import('${at('runtime/notifications/channels.ts')}');
    const before = count();
    await openChannels({ ops: { type: 'smtp', host: 'localhost', tls: 'none', timeout: 1, to: [] } }, { projectDir: '/' });
    console.log(before, count() > 0);`;
  assert.equal((await run(process.execPath, ['--input-type=module', '--eval', script])).trim(), '0 true');
});

for (const tls of ['starttls', 'implicit'] as const)
  test(`mail with ${tls} and a login`, { skip: smtpMissing() }, async (t) => {
    const server = await startMailServer({ tls, login: true });
    t.after(() => server.stop());
    const { port, user, password, certificate: ca_file } = server;
    const config = { host: 'localhost', port, tls, user, password, ca_file, timeout: 5, from: 'G <g@example.com>' };
    const open = (more: Partial<SmtpConfig> = {}) =>
      openSmtp({ ...config, to: ['ops@example.com'], ...more } as SmtpConfig, '/');

    assert.deepEqual(await send(await open()), { refused: [] });
    const [mail] = await server.mails();
    assert.equal(mail!.messageId, '<k3x9m2p8@example.com>');
    assert.equal(mail!.subject, MESSAGE.title);
    assert.equal(mail!.text.trim(), MESSAGE.text);
    assert.equal(mail!.html.trim(), MESSAGE.html);
    assert.equal(mail!.headers.importance, 'High');

    const wrong = await faultOf(await open({ password: 'not the password' }));
    assert.deepEqual([wrong.code, wrong.transient], ['notify.auth_failed', false]);
    assert.ok(!JSON.stringify(wrong).includes('not the password'));
    const untrusted = await faultOf(await open({ ca_file: undefined }));
    assert.equal(untrusted.code, 'notify.tls');
    const unreadable = await open({ ca_file: '/nowhere.pem' }).then(
      () => undefined,
      (e: GranaryError) => e.code,
    );
    assert.equal(unreadable, 'notify.tls');
    assert.equal((await server.mails()).length, 1);
  });

test('a mail server without TLS gets nothing when TLS is asked for', { skip: smtpMissing() }, async (t) => {
  const server = await startMailServer();
  t.after(() => server.stop());
  for (const tls of ['starttls', 'implicit'] as const) {
    const config = {
      host: 'localhost',
      port: server.port,
      tls,
      timeout: 5,
      from: 'g@example.com',
      to: ['o@example.com'],
    };
    assert.match((await faultOf(await openSmtp(config as SmtpConfig, '/'))).code, /^notify\.(tls|unavailable)$/);
  }
  assert.deepEqual(await server.mails(), []);
});

interface Received {
  headers: IncomingMessage['headers'];
  body: string;
}

/** A web server that answers what `answers` says, one after the other, then 200. */
async function webServer(
  t: TestContext,
  ...answers: { status: number; headers?: Record<string, string>; silent?: true }[]
) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    received.push({ headers: request.headers, body });
    const answer = answers.shift() ?? { status: 200 };
    if (answer.silent) return;
    response.writeHead(answer.status, answer.headers).end(`answer to /hook/key-in-the-path ${'x'.repeat(5000)}`);
  });
  await new Promise<void>((r) => server.listen(0, '127.0.0.1', r));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/key-in-the-path`;
  const clock = new SimulatedClock(NOW);
  const open = (more: Partial<WebhookConfig> = {}) =>
    openWebhook({ url, shape: 'generic', key: undefined, timeout: 5, ...more } as WebhookConfig, clock);
  return { url, received, open };
}

test('a generic webhook gets everything, under an idempotency key, signed when a key is set', async (t) => {
  const { received, open } = await webServer(t);
  await send(open());
  await send(open({ key: 'the signing key' }));
  const [plain, signed] = received as [Received, Received];
  const { html, mood, data, ...all } = MESSAGE;
  assert.deepEqual(JSON.parse(plain.body), { ...all, mood, ...data });
  assert.equal(plain.headers['idempotency-key'], MESSAGE.id);
  assert.equal(plain.headers['granary-signature'], undefined);
  const seconds = Date.parse(NOW) / 1000;
  const hmac = createHmac('sha256', 'the signing key').update(`${seconds}.${signed.body}`).digest('hex');
  assert.equal(signed.headers['granary-signature'], `t=${seconds},v1=${hmac}`);
});

test('Slack gets blocks in which names cannot be links or mentions', async (t) => {
  const { received, open } = await webServer(t);
  await send(open({ shape: 'slack' }));
  const body = JSON.parse(received[0]!.body);
  assert.equal(body.text, '🔴 [shop] Critical: &lt;daily&gt; failed &amp; more');
  const [{ color, blocks }] = body.attachments;
  assert.equal(color, '#c0392b');
  assert.equal(blocks[1].fields[0].text, '*File*\na_b*c&lt;d&gt;.csv');
  assert.equal(blocks[3].text.text, '```granary runs```');
  assert.equal(blocks[4].text.text, '<https://granary.example.com/runs/1|Open in Granary>');
});

test('Teams gets an Adaptive Card in which names are no Markdown', async (t) => {
  const { received, open } = await webServer(t, { status: 202 });
  await send(open({ shape: 'teams' }));
  const body = JSON.parse(received[0]!.body);
  assert.equal(body.type, 'message');
  assert.equal(body.attachments[0].contentType, 'application/vnd.microsoft.card.adaptive');
  const card = body.attachments[0].content;
  assert.deepEqual([card.type, card.version], ['AdaptiveCard', '1.4']);
  assert.equal(card.body[1].text, 'A run of \\*daily\\* \\[ended\\](http://evil).');
  assert.deepEqual(card.body[2].facts, [{ title: 'File', value: 'a\\_b\\*c<d\\>.csv' }]);
  assert.deepEqual(card.actions, [{ type: 'Action.OpenUrl', title: 'Open in Granary', url: MESSAGE.link }]);
});

test('the status says whether another try makes sense, and when', async (t) => {
  const later = 'Wed, 25 Nov 2026 12:02:00 GMT';
  const { open } = await webServer(
    t,
    { status: 429, headers: { 'retry-after': '90' } },
    { status: 503, headers: { 'retry-after': later } },
    { status: 500 },
    { status: 403 },
    { status: 404 },
    { status: 302, headers: { location: 'http://127.0.0.1:1/' } },
  );
  const faults = [];
  for (let n = 0; n < 6; n++) {
    const { code, transient, details } = await faultOf(open());
    faults.push([code, transient, details?.retry_after_s]);
  }
  assert.deepEqual(faults, [
    ['notify.unavailable', true, 90],
    ['notify.unavailable', true, 120],
    ['notify.unavailable', true, undefined],
    ['notify.auth_failed', false, undefined],
    ['notify.refused', false, undefined],
    ['notify.refused', false, undefined],
  ]);
});

test('a server that is silent or not there is unreachable for now; no error shows the address', async (t) => {
  const { url, open } = await webServer(t, { status: 200, silent: true }, { status: 500 });
  registerSecret(url);
  registerSecret('key-in-the-path');
  const faults = [
    await faultOf(open({ timeout: 0.2 })),
    await faultOf(open()),
    await faultOf(open({ url: 'http://127.0.0.1:1/key-in-the-path' })),
  ];
  assert.deepEqual(
    faults.map((f) => [f.code, f.transient]),
    [
      ['notify.unreachable', true],
      ['notify.unavailable', true],
      ['notify.unreachable', true],
    ],
  );
  for (const fault of faults) assert.ok(!JSON.stringify(fault).includes('key-in-the-path'), fault.message);
});
