import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Credentials, type Kept, KeptTokens } from './kept-tokens.ts';

const CREDENTIALS: Credentials = {
  token_url: 'https://login.example.com/token',
  client_id: 'granary',
  client_secret: 'client-secret',
  refresh_token: 'refresh-0',
};

async function dataDir(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-kept-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const numbered = (n: number): Kept => ({ refresh: `refresh-${n}`, access: `access-${n}`, until: n });
const numberOf = (kept: Kept | undefined): number => kept?.until ?? 0;

test('what one process keeps the next one has, and with other credentials there is nothing', async (t) => {
  const dir = await dataDir(t);
  const first = await KeptTokens.open(dir, CREDENTIALS);
  await first.renew(async (kept) => numbered(numberOf(kept) + 1), undefined);
  await first.renew(async (kept) => numbered(numberOf(kept) + 1), undefined);
  const seen = async (credentials: Credentials) => {
    let kept: Kept | undefined;
    const store = await KeptTokens.open(dir, credentials);
    await assert.rejects(
      store.renew(async (found) => {
        kept = found;
        throw new Error('the server is away');
      }, undefined),
      /the server is away/,
    );
    return kept;
  };
  assert.deepEqual(await seen(CREDENTIALS), numbered(2));
  assert.equal(await seen({ ...CREDENTIALS, refresh_token: 'authorised again' }), undefined);
  assert.equal(await seen({ ...CREDENTIALS, client_secret: 'another' }), undefined);
  assert.deepEqual(await seen(CREDENTIALS), numbered(2));
  for (const name of await readdir(join(dir, 'tokens')))
    assert.equal((await stat(join(dir, 'tokens', name))).mode & 0o777, 0o600);
});

test('one asks at a time, and the next sees what it was given', async (t) => {
  const dir = await dataDir(t);
  let asking = 0;
  const renewals = Array.from({ length: 4 }, async () => {
    const store = await KeptTokens.open(dir, CREDENTIALS);
    return await store.renew(async (kept) => {
      assert.equal(++asking, 1);
      await delay(20);
      asking--;
      return numbered(numberOf(kept) + 1);
    }, undefined);
  });
  const numbers = (await Promise.all(renewals)).map(numberOf).sort((a, b) => a - b);
  assert.deepEqual(numbers, [1, 2, 3, 4]);
});

test('waiting for another one ends when it is stopped', async (t) => {
  const dir = await dataDir(t);
  const store = await KeptTokens.open(dir, CREDENTIALS);
  const stop = new AbortController();
  await store.renew(async () => {
    const waiting = store.renew(async () => numbered(9), stop.signal);
    stop.abort();
    await assert.rejects(waiting, { code: 'cancelled' });
    return numbered(1);
  }, undefined);
});

test('a process that is killed while it asks holds up nobody, and what was kept before is there', async (t) => {
  const dir = await dataDir(t);
  const store = await KeptTokens.open(dir, CREDENTIALS);
  await store.renew(async () => numbered(1), undefined);
  const code = `import { KeptTokens } from ${JSON.stringify(import.meta.resolve('./kept-tokens.ts'))};
    const store = await KeptTokens.open(${JSON.stringify(dir)}, ${JSON.stringify(CREDENTIALS)});
    await store.renew(() => { console.log('asking'); return new Promise((later) => setTimeout(later, 60_000)); });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await ended;
  assert.deepEqual(await store.renew(async (kept) => numbered(numberOf(kept) + 1), undefined), numbered(2));
});

test('a file that is none of ours, or damaged, is told', async (t) => {
  const dir = await dataDir(t);
  await (await KeptTokens.open(dir, CREDENTIALS)).renew(async () => numbered(1), undefined);
  const [name] = await readdir(join(dir, 'tokens'));
  const path = join(dir, 'tokens', name!);
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(path);
  database.exec('UPDATE kept SET sealed = zeroblob(100)');
  database.close();
  const renew = async () => (await KeptTokens.open(dir, CREDENTIALS)).renew(async () => numbered(2), undefined);
  await assert.rejects(renew(), { code: 'secrets.invalid', hint: /Authorise again/ });
  await writeFile(path, 'no database, but long enough to be taken for one'.repeat(100));
  await assert.rejects(renew(), { code: 'secrets.io' });
  await rm(dir, { recursive: true });
  await writeFile(dir, 'a file in place of the folder');
  await assert.rejects(renew(), { code: 'secrets.io' });
});
