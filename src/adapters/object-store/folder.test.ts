import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { objectStoreContract } from '../../../test/contracts/object-store.ts';
import { smallDisk } from '../../../test/contracts/small-disk.ts';
import { toArray } from '../../../test/contracts/to-array.ts';
import { openFolderStore } from './folder.ts';

objectStoreContract('a folder', async (t) => {
  const root = await temporaryFolder(t);
  return { store: await openFolderStore(root), reopen: () => openFolderStore(root) };
});

test('an object is the file of its key, so that engines can read it where it lies', async (t) => {
  const root = await temporaryFolder(t);
  const store = await openFolderStore(root);
  await store.put('landing/x.csv', Buffer.from('a,b\n'));
  assert.equal(await store.localPath('landing/x.csv'), join(root, 'landing/x.csv'));
  assert.equal(await readFile(join(root, 'landing/x.csv'), 'utf8'), 'a,b\n');
});

test('a key cannot be an object and a folder of objects at once', async (t) => {
  const store = await openFolderStore(await temporaryFolder(t));
  await store.put('a/b', Buffer.from('1'));
  await assert.rejects(store.put('a', Buffer.from('2')), { code: 'store.bad_key' });
  await assert.rejects(store.put('a', Buffer.from('2'), { replace: true }), { code: 'store.bad_key' });
  await assert.rejects(store.put('a/b/c', Buffer.from('3')), { code: 'store.bad_key' });
  assert.equal(await store.head('a'), undefined);
  assert.equal(await store.head('a/b/c'), undefined);
});

test('removing the last object of a folder removes the folder, while others write into it', async (t) => {
  const root = await temporaryFolder(t);
  const store = await openFolderStore(root);
  await store.put('p/q/r', Buffer.from('x'));
  await store.remove('p/q/r');
  assert.deepEqual(await readdir(root), ['.tmp']);
  const keys = Array.from({ length: 60 }, (_, i) => `p/q/${i}`);
  await Promise.all(
    keys.map(async (key, i) => {
      await store.put(key, Buffer.from('x'));
      if (i % 2) await store.remove(key);
    }),
  );
  assert.equal((await toArray(store.list('p/'))).length, 30);
});

test('an upload killed between publishing and cleaning up can never write to the published object', async (t) => {
  const root = await temporaryFolder(t);
  const store = await openFolderStore(root);
  const first = await store.upload('u');
  await first.write(Buffer.from('published'));
  await first.suspend();
  await link(join(root, '.tmp/uploads/u/data'), join(root, 'object'));
  const second = await store.upload('u');
  assert.equal(second.offset, 0);
  await second.write(Buffer.from('other'));
  await second.abort();
  assert.equal(await readFile(join(root, 'object'), 'utf8'), 'published');
});

test('an upload continues at what is known to be on disk, whatever length the file has after a crash', async (t) => {
  const root = await temporaryFolder(t);
  const store = await openFolderStore(root);
  const upload = await store.upload('u');
  await upload.write(Buffer.from('known'));
  await upload.suspend();
  await truncate(join(root, '.tmp/uploads/u/data'), 4096);
  const longer = await store.upload('u');
  assert.equal(longer.offset, 5);
  await longer.suspend();
  await truncate(join(root, '.tmp/uploads/u/data'), 3);
  const shorter = await store.upload('u');
  assert.equal(shorter.offset, 3);
  await shorter.suspend();
  await writeFile(join(root, '.tmp/uploads/u/durable'), '');
  const unmarked = await store.upload('u');
  assert.equal(unmarked.offset, 0);
  await unmarked.abort();
});

/** Writes objects in every way, for ever; each holds its own digest in its key. */
const WRITER = `
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { openFolderStore } from ${JSON.stringify(new URL('./folder.ts', import.meta.url).href)};
const store = await openFolderStore(process.argv[1]);
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');
console.log('ready');
for (let i = 0; ; i++) {
  const bytes = randomBytes(1 + Math.floor(Math.random() * 600_000));
  const name = digest(bytes);
  if (i % 3 === 0) await store.put('put/' + name, (async function* () { yield bytes; })());
  if (i % 3 === 1) {
    const upload = await store.upload('upload');
    await upload.restart();
    for (let at = 0; at < bytes.length; at += 65536) await upload.write(bytes.subarray(at, at + 65536));
    await upload.commit('upload/' + name);
  }
  if (i % 3 === 2) await store.writeLocal('local/', (folder) => writeFile(folder + '/' + name, bytes));
}`;

test('after a kill at any moment every visible object is whole, and the rest is known and can be removed', async (t) => {
  const root = await temporaryFolder(t);
  let seen = 0;
  let leftOver = 0;
  // On a machine that is busy a child gets to less before it is killed: then more of them are.
  for (let kill = 0; kill < 30 || (kill < 200 && (seen <= 30 || leftOver <= 5)); kill++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', WRITER, root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await openFolderStore(root);
    for await (const object of store.list('')) {
      const bytes = await readFile(await store.localPath(object.key));
      assert.equal(createHash('sha256').update(bytes).digest('hex'), object.key.split('/')[1]);
      await store.remove(object.key);
      seen++;
    }
    for await (const leftover of store.leftovers()) {
      await leftover.remove();
      leftOver++;
    }
    const rest = await readdir(root, { recursive: true, withFileTypes: true });
    assert.deepEqual(
      rest.filter((entry) => entry.isFile()).map((entry) => entry.name),
      [],
    );
  }
  assert.ok(seen > 30, `the children wrote ${seen} objects: too few to prove anything`);
  assert.ok(leftOver > 5, `the kills left ${leftOver} unfinished pieces: too few to prove anything`);
});

test('a full disk is told as such, nothing half-written is seen, and what an upload had is kept', async (t) => {
  const disk = await smallDisk(t, 8);
  if (!disk) return;
  const store = await openFolderStore(join(disk, 'store'));
  const full = { code: 'store.disk_full', transient: false, hint: /Free space/ };
  await store.put('kept', Buffer.alloc(2_000_000, 1));
  await assert.rejects(store.put('big', Buffer.alloc(20_000_000)), full);
  await assert.rejects(
    store.writeLocal('out/', (folder) => writeFile(join(folder, 'big'), Buffer.alloc(20_000_000))),
    { code: 'ENOSPC' },
  );
  assert.deepEqual(
    (await toArray(store.list(''))).map((o) => o.key),
    ['kept'],
  );
  const upload = await store.upload('u');
  const chunk = Buffer.alloc(1_000_000, 7);
  await assert.rejects(async () => {
    for (let i = 0; i < 30; i++) await upload.write(chunk);
    await upload.commit('never');
  }, full);
  await upload.suspend();
  await store.remove('kept');
  const again = await store.upload('u');
  assert.ok(again.offset > 4_000_000 && again.offset < 8_000_000, String(again.offset));
  for await (const bytes of again.existing()) assert.ok(bytes.every((b) => b === 7));
  await again.write(Buffer.alloc(500_000, 7));
  assert.equal((await again.commit('done')).bytes, again.offset + 500_000);
});

test('a store that cannot be a folder says so, and that trying again will not help', async (t) => {
  const file = join(await temporaryFolder(t), 'file');
  await writeFile(file, '');
  await assert.rejects(openFolderStore(file), { code: 'store.bad_key', transient: false, message: /"[^"]*file"/ });
});

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-folder-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
