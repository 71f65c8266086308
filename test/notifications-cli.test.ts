/** `granary notifications` with the real binary and a real mail server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { smtpMissing, startMailServer } from './servers/smtp.ts';
import { makeProject } from './support/projects.ts';

const skip = smtpMissing();
const test = (name: string, run: (t: TestContext) => Promise<void>) => it(name, { skip }, run);
const execute = promisify(execFile);

interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

async function granary(dir: string, ...words: string[]): Promise<Said> {
  try {
    const bin = join(import.meta.dirname, '../bin/granary.js');
    return { code: 0, ...(await execute(process.execPath, [bin, ...words, '-C', dir])) };
  } catch (e) {
    return e as Said;
  }
}

async function project(t: TestContext) {
  const server = await startMailServer();
  t.after(() => server.stop());
  const dir = await makeProject(t, {
    'granary.yaml': `name: shop
notifications:
  channels:
    mail: { type: smtp, host: ${server.host}, port: ${server.port}, tls: none, from: g@example.com, to: ops@example.com, timeout: 5 s }
`,
  });
  return { dir, server };
}

test('a test message reaches the mailbox and says that it is one', async (t) => {
  const { dir, server } = await project(t);
  const { code, stdout } = await granary(dir, 'notifications', 'test');
  assert.deepEqual([code, stdout.trim()], [0, '✓ mail  sent']);
  const [mail] = await server.mails();
  assert.equal(mail!.subject, '[shop] A test of mail');
  assert.match(mail!.text, /Nothing is wrong/);
});

test('a channel that does not work says why, and one that there is not which there are', async (t) => {
  const { dir, server } = await project(t);
  await server.misbehave({ at: 'mail', answer: '550 who are you', times: 1 });
  const refused = await granary(dir, 'notifications', 'test', 'mail');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /550 who are you/);
  const wrong = await granary(dir, 'notifications', 'test', 'mial');
  assert.match(wrong.stderr, /no channel "mial"[\s\S]*Did you mean mail\?/);
});

test('the review says that nothing is open, and what each channel holds', async (t) => {
  const { dir } = await project(t);
  const { stdout } = await granary(dir, 'notifications', '--json');
  assert.deepEqual(JSON.parse(stdout), {
    incidents: [],
    channels: [{ name: 'mail', type: 'smtp', waiting: 0, failed: 0, error: null }],
  });
  assert.match((await granary(dir, 'notifications', 'resend')).stdout, /No message was given up/);
});
