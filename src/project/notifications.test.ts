import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { lineOf, load, problemLines, salesSource } from './testing.ts';

const HEAD = `name: t
notifications:
  channels:
    ops: { type: smtp, host: localhost, from: granary@example.com, to: ops@example.com }
    chat: { type: webhook, url: "\${env:HOOK}", shape: slack }
`;
const env = { HOOK: 'https://hooks.example.com/a-secret-path' };
const files = (lines: string, head = HEAD) => ({
  'granary.yaml': `${head}${lines.replaceAll(/^(?=.)/gm, '  ')}`,
  'sources/shop.yaml': salesSource(''),
});
const problems = async (t: TestContext, lines: string) =>
  (await problemLines(t, files(lines), { env })).map((l) => l.replace('granary.yaml:', ''));

test('notifications need channels only; the rest has defaults', async (t) => {
  const { project, warnings } = await load(t, files(''), { env });
  assert.deepEqual(warnings, []);
  const { notifications } = project.config;
  assert.equal(notifications?.group_for, 120);
  assert.deepEqual(notifications?.storm, { messages: 10, within: 600 });
  assert.deepEqual(notifications?.channels.ops?.to, ['ops@example.com']);
  assert.equal(notifications?.channels.ops?.tls, 'starttls');
});

test('a route or digest that names a channel, event, dataset or tenant that does not exist is an error', async (t) => {
  assert.deepEqual(
    await problems(
      t,
      `routes:
  - { channels: [opps] }
  - { channels: chat, events: [run.fialed, "expectation.*"], datasets: ["main/shop/*", main/shop/sale], tenants: [mian] }
digest: { at: "08:00", channels: [chat, mail], time_zone: Europe/Berln }
quiet_hours: { from: "22:00", to: "22:00" }
`,
    ),
    [
      '7:20 there is no channel "opps"; declared: ops, chat → ops',
      '8:34 no event is called "run.fialed" → run.failed',
      '8:90 no dataset is called "main/shop/sale" → main/shop/sales',
      '8:117 no tenant is called "mian" → main',
      '9:43 there is no channel "mail"; declared: ops, chat',
      '9:61 there is no time zone "Europe/Berln" → Europe/Berlin',
      '10:37 quiet hours that end when they begin: all day or never?',
    ],
  );
});

test('times and addresses that are none are errors', async (t) => {
  assert.deepEqual(await problems(t, 'quiet_hours: { from: "25:00", to: 7 }\n'), [
    '6:24 expected a time of day such as 07:30, found "25:00"',
    '6:37 expected a time of day such as 07:30, found 7',
  ]);
  const head = HEAD.replace('granary@example.com', 'granary').replace('to: ops@', 'to: two words@');
  assert.deepEqual(
    (await problemLines(t, files('', head), { env })).map((l) => l.replace('granary.yaml:', '')),
    [
      '4:47 expected a mail address such as ops@example.com, found "granary"',
      '4:60 expected a mail address such as ops@example.com, found "two words@example.com"',
    ],
  );
});

test('a webhook address in clear, and a password without encryption, are warnings; neither is shown', async (t) => {
  const head = HEAD.replace('${env:HOOK}', 'https://hooks.example.com/in-clear').replace(
    'host: localhost',
    'host: mail.example.com, tls: none, user: u, password: "${env:PW}"',
  );
  const { warnings } = await load(t, files('', head), { env: { ...env, PW: 'long password' } });
  assert.deepEqual(warnings.map(lineOf), [
    'granary.yaml:4:53 the password goes over the network in clear',
    'granary.yaml:5:33 the secret "url" is written in clear',
  ]);
});
