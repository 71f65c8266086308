import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { redact } from '../../lib/redact.ts';
import { KEY_VARIABLE, openSecretsFile } from './file.ts';

const KEY = { [KEY_VARIABLE]: 'a passphrase for tests' };

test('secrets that were set are there for every later command, and removed ones are not', async (t) => {
  const path = join(await temporaryFolder(t), 'secrets.enc');
  const secrets = openSecretsFile({ path, environment: KEY });
  assert.equal(await secrets.get('crm'), undefined);
  await secrets.set('crm', 'pässword 1\n');
  await secrets.set('ftp', 'first');
  await secrets.set('ftp', 'second');
  assert.equal(await secrets.get('ftp'), 'second');
  const later = openSecretsFile({ path, environment: KEY });
  assert.deepEqual(await later.list(), ['crm', 'ftp']);
  assert.equal(await later.get('crm'), 'pässword 1\n');
  assert.equal(await later.remove('ftp'), true);
  assert.equal(await later.remove('ftp'), false);
  assert.deepEqual(await openSecretsFile({ path, environment: KEY }).list(), ['crm']);
});

test('the file shows neither names nor values, and only its owner may read it', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'secrets.enc');
  const secrets = openSecretsFile({ path, environment: KEY });
  await secrets.set('crm', 'hunter2hunter2');
  const first = await readFile(path, 'utf8');
  for (const text of ['crm', 'hunter2']) assert.ok(!first.includes(text) && !first.includes(btoa(text)), text);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await secrets.set('crm', 'hunter2hunter2');
  const second = await readFile(path, 'utf8');
  const parts = ['salt', 'nonce', 'data'] as const;
  for (const part of parts) assert.notEqual(JSON.parse(first)[part], JSON.parse(second)[part], part);
  assert.deepEqual(await readdir(folder), ['secrets.enc']);
});

test('a change keeps what another command has written since the file was read', async (t) => {
  const path = join(await temporaryFolder(t), 'secrets.enc');
  const mine = openSecretsFile({ path, environment: KEY });
  await mine.set('a', '1');
  await openSecretsFile({ path, environment: KEY }).set('b', '2');
  await mine.set('c', '3');
  assert.deepEqual(await openSecretsFile({ path, environment: KEY }).list(), ['a', 'b', 'c']);
});

test('a wrong key, a changed file and a file of another kind each get a clear error', async (t) => {
  const path = join(await temporaryFolder(t), 'secrets.enc');
  await openSecretsFile({ path, environment: KEY }).set('a', 'secret value');
  const wrong = openSecretsFile({ path, environment: { [KEY_VARIABLE]: 'another passphrase' } });
  await assert.rejects(wrong.get('a'), { code: 'secrets.wrong_key', where: { file: path }, transient: false });
  await assert.rejects(wrong.set('b', 'x'), { code: 'secrets.wrong_key' });
  const whole = JSON.parse(await readFile(path, 'utf8'));
  const flip = (s: string) => (s.startsWith('A') ? 'B' : 'A') + s.slice(1);
  for (const part of ['salt', 'nonce', 'tag', 'data'])
    await rejectsAs('secrets.wrong_key', JSON.stringify({ ...whole, [part]: flip(whole[part]) }), part);
  await rejectsAs('secrets.wrong_key', JSON.stringify({ ...whole, tag: whole.tag.slice(0, 8) }), 'short tag');
  await rejectsAs('secrets.wrong_key', JSON.stringify({ ...whole, nonce: '' }), 'no nonce');
  await rejectsAs('secrets.wrong_key', JSON.stringify({ ...whole, scrypt: { ...whole.scrypt, p: 1 } }), 'cheaper key');
  await rejectsAs('secrets.invalid', JSON.stringify({ ...whole, scrypt: { N: 2 ** 30, r: 8, p: 1 } }), 'huge memory');
  for (const text of ['', 'null', '[]', 'a=b\n', '{"granary_secrets":2}'])
    await rejectsAs('secrets.invalid', text, text);

  async function rejectsAs(code: string, text: string, what: string): Promise<void> {
    await writeFile(path, text);
    await assert.rejects(openSecretsFile({ path, environment: KEY }).get('a'), { code }, what);
  }
});

test('without a key the error names every place searched; without a file no key is needed', async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, 'secrets.enc');
  const keyFile = join(folder, 'secrets.key');
  const keyless = () => openSecretsFile({ path, keyFile, environment: {} });
  assert.deepEqual(await keyless().list(), []);
  await openSecretsFile({ path, environment: KEY }).set('a', 'secret value');
  await assert.rejects(
    keyless().get('a'),
    (e: Error) => e.message.includes(KEY_VARIABLE) && e.message.includes(keyFile),
  );
  await assert.rejects(keyless().get('a'), { code: 'secrets.no_key', hint: /GRANARY_SECRETS_KEY/ });
});

test('a key file works when only its owner can read it, and is refused otherwise', async (t) => {
  const folder = await temporaryFolder(t);
  const options = { path: join(folder, 'secrets.enc'), keyFile: join(folder, 'key'), environment: {} };
  await writeFile(options.keyFile, `${KEY[KEY_VARIABLE]}\n`, { mode: 0o600 });
  await openSecretsFile(options).set('a', 'secret value');
  assert.equal(await openSecretsFile({ path: options.path, environment: KEY }).get('a'), 'secret value');
  await writeFile(join(folder, 'open'), KEY[KEY_VARIABLE]!, { mode: 0o644 });
  const exposed = openSecretsFile({ ...options, keyFile: join(folder, 'open') });
  await assert.rejects(exposed.get('a'), { code: 'secrets.key_exposed', hint: /chmod 600/ });
});

test('names and values that cannot be secrets, and passphrases that are too short, are refused', async (t) => {
  const path = join(await temporaryFolder(t), 'secrets.enc');
  const secrets = openSecretsFile({ path, environment: KEY });
  for (const name of ['', '1a', 'a b', '__proto__', 'ä', 'x'.repeat(200)])
    await assert.rejects(secrets.set(name, 'v'), { code: 'secrets.invalid' }, name);
  await assert.rejects(secrets.set('a', ''), { code: 'secrets.invalid' });
  const short = openSecretsFile({ path, environment: { [KEY_VARIABLE]: 'short' } });
  await assert.rejects(short.set('a', 'v'), { code: 'secrets.invalid', hint: /openssl rand/ });
});

test('neither secrets nor their passphrase show in text once they were used', async (t) => {
  const path = join(await temporaryFolder(t), 'secrets.enc');
  const environment = { [KEY_VARIABLE]: 'the passphrase itself' };
  await openSecretsFile({ path, environment }).set('a', 'value that was set');
  await openSecretsFile({ path, environment }).get('a');
  assert.equal(redact('the passphrase itself: value that was set'), '***: ***');
});

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-secrets-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
