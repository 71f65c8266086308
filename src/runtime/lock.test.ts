import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { smallDisk } from '../../test/contracts/small-disk.ts';
import type { GranaryError } from '../lib/errors.ts';
import { registerSecret } from '../lib/redact.ts';
import { acquireDataDir, type Holder, readHolder } from './lock.ts';

/** Takes the directory, says so, and keeps it until it is killed or its standard input ends. */
const OWNER = `
import { acquireDataDir } from ${JSON.stringify(new URL('./lock.ts', import.meta.url).href)};
const lock = await acquireDataDir(process.argv[1], { command: 'granary up', waitSeconds: Number(process.argv[2]) });
console.log('mine');
process.stdin.on('end', () => lock.release()).resume();`;

test('a directory has one owner; a second process is told who it is and what to do', async (t) => {
  const dir = await temporaryFolder(t);
  const owner = await startOwner(t, dir);
  const error = await acquireDataDir(dir, { command: 'granary run' }).catch((e: GranaryError) => e);
  assert.ok(error instanceof Error);
  assert.equal(error.code, 'owner.busy');
  assert.equal(error.transient, true);
  assert.match(error.message, /"granary up" \(process \d+ on /);
  assert.ok(error.message.includes(`process ${owner.pid} on ${hostname()}`), error.message);
  assert.ok(error.hint?.includes(`kill ${owner.pid}`), error.hint);
});

test('the one who waits is told once, and becomes the owner when the other ends', async (t) => {
  const dir = await temporaryFolder(t);
  const owner = await startOwner(t, dir);
  const told: (Holder | undefined)[] = [];
  const waiting = acquireDataDir(dir, { command: 'granary run', waitSeconds: 20, onWait: (h) => told.push(h) });
  await new Promise((resolve) => setTimeout(resolve, 500));
  assert.deepEqual(
    told.map((h) => h?.pid),
    [owner.pid],
  );
  owner.stdin!.end();
  const lock = await waiting;
  assert.equal((await readHolder(dir))?.command, 'granary run');
  lock.release();
  assert.equal(told.length, 1);
});

test('a kill -9 of the owner frees the directory at once, ten times in a row', async (t) => {
  const dir = await temporaryFolder(t);
  for (let i = 0; i < 10; i++) {
    const owner = await startOwner(t, dir);
    assert.equal((await readHolder(dir))?.pid, owner.pid);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    assert.ok(existsSync(join(dir, 'owner.json')), 'the note is left behind, and does not count');
    assert.equal(await readHolder(dir), undefined);
    (await acquireDataDir(dir, { command: 'granary run' })).release();
  }
});

test('of several processes that want the directory at the same moment each gets it alone, one after the other', async (t) => {
  const dir = await temporaryFolder(t);
  const children = Array.from({ length: 4 }, () => spawnOwner(t, dir, 20));
  let owners = 0;
  await Promise.all(
    children.map(async (child) => {
      await once(child.stdout!, 'data');
      assert.equal(++owners, 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      owners--;
      child.stdin!.end();
      assert.deepEqual(await once(child, 'exit'), [0, null]);
    }),
  );
});

test('within one process the directory has one owner too, even when garbage is collected', async (t) => {
  const dir = await temporaryFolder(t);
  await acquireAndForget(dir);
  const { setFlagsFromString } = await import('node:v8');
  setFlagsFromString('--expose-gc');
  const { runInNewContext } = await import('node:vm');
  for (let i = 0; i < 5; i++) {
    runInNewContext('gc')();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await assert.rejects(acquireDataDir(dir, { command: 'granary check' }), { code: 'owner.busy' });
  assert.equal((await readHolder(dir))?.pid, process.pid);
});

test('a released directory is free, and releasing twice does not take it from the next owner', async (t) => {
  const dir = join(await temporaryFolder(t), 'made', 'when', 'needed');
  const first = await acquireDataDir(dir, { command: 'first' });
  first.release();
  assert.equal(await readHolder(dir), undefined);
  const second = await acquireDataDir(dir, { command: 'second' });
  first.release();
  assert.equal((await readHolder(dir))?.command, 'second');
  second.release();
});

test('waiting ends with the wait, and when it is cancelled', async (t) => {
  const dir = await temporaryFolder(t);
  const lock = await acquireDataDir(dir, { command: 'granary up' });
  const started = Date.now();
  await assert.rejects(acquireDataDir(dir, { command: 'x', waitSeconds: 0.5 }), { code: 'owner.busy' });
  const waited = Date.now() - started;
  assert.ok(waited >= 500 && waited < 2000, `${waited} ms`);
  const signal = AbortSignal.timeout(100);
  await assert.rejects(acquireDataDir(dir, { command: 'x', waitSeconds: 60, signal }), { code: 'cancelled' });
  lock.release();
});

test('a secret on the command line is not shown to others', async (t) => {
  const dir = await temporaryFolder(t);
  registerSecret('s3cr3t-value');
  const lock = await acquireDataDir(dir, { command: 'granary run --token s3cr3t-value' });
  assert.equal((await readHolder(dir))?.command, 'granary run --token ***');
  lock.release();
});

test('a full disk does not keep a process from owning its directory', async (t) => {
  const disk = await smallDisk(t, 1);
  if (!disk) return;
  await assert.rejects(writeFile(join(disk, 'filler'), Buffer.alloc(4_000_000)), { code: 'ENOSPC' });
  const lock = await acquireDataDir(disk, { command: 'granary gc' });
  const error = await acquireDataDir(disk, { command: 'granary run' }).catch((e: GranaryError) => e);
  assert.match(String(error), /in use by another granary process/);
  lock.release();
});

test('a directory that cannot be is told as such, at once', async (t) => {
  const file = join(await temporaryFolder(t), 'file');
  await writeFile(file, '');
  await assert.rejects(acquireDataDir(file, { command: 'x', waitSeconds: 60 }), { code: 'state.io', transient: false });
});

async function acquireAndForget(dir: string): Promise<void> {
  await acquireDataDir(dir, { command: 'granary up' });
}

async function startOwner(t: TestContext, dir: string): Promise<ChildProcess> {
  const child = spawnOwner(t, dir, 0);
  await once(child.stdout!, 'data');
  return child;
}

function spawnOwner(t: TestContext, dir: string, waitSeconds: number): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-e', OWNER, dir, String(waitSeconds)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-lock-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
