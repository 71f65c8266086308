/** What every object store does, whatever it is made of. Adapters' tests call it with a way to open an empty store. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { compareKeys } from '../../src/adapters/object-store/key.ts';
import type { ObjectStore } from '../../src/ports/object-store.ts';
import { toArray } from './to-array.ts';

export interface OpenedObjectStore {
  /** Empty. */
  store: ObjectStore;
  /** A second handle on the same objects, as another process would open it. */
  reopen(): Promise<ObjectStore>;
}

const MB = 2 ** 20;

/** `open` cleans up after itself with `t.after`. */
export function objectStoreContract(name: string, open: (t: TestContext) => Promise<OpenedObjectStore>): void {
  describe(`${name} keeps the object store's contract`, () => {
    test('an object comes back byte for byte, given as bytes or as a stream of chunks of any size', async (t) => {
      const { store } = await open(t);
      const bytes = randomBytes(3 * MB + 17);
      const put = await store.put('a/whole.bin', bytes);
      const streamed = await store.put('a/streamed.bin', chunksOf(bytes, [1, 100, MB, 70_000, 2 * MB + 5, 0]));
      assert.deepEqual([put.key, put.bytes, streamed.bytes], ['a/whole.bin', bytes.length, bytes.length]);
      assert.ok(Math.abs(Date.parse(put.modifiedAt) - Date.now()) < 60_000, put.modifiedAt);
      for (const key of ['a/whole.bin', 'a/streamed.bin']) assert.ok((await read(store, key)).equals(bytes), key);
    });

    test('an empty object exists', async (t) => {
      const { store } = await open(t);
      await store.put('empty', new Uint8Array());
      assert.equal((await store.head('empty'))?.bytes, 0);
      assert.equal((await read(store, 'empty')).length, 0);
    });

    test('a range gives exactly its bytes, as far as the object goes', async (t) => {
      const { store } = await open(t);
      await store.put('digits', Buffer.from('0123456789'));
      const range = async (r: { offset?: number; length?: number }) => (await read(store, 'digits', r)).toString();
      assert.equal(await range({ offset: 3 }), '3456789');
      assert.equal(await range({ length: 4 }), '0123');
      assert.equal(await range({ offset: 8, length: 100 }), '89');
      assert.equal(await range({ offset: 10 }), '');
      assert.equal(await range({ offset: 2, length: 0 }), '');
    });

    test('an object cannot be overwritten by accident, only by saying so', async (t) => {
      const { store } = await open(t);
      await store.put('k', Buffer.from('first'));
      await assert.rejects(store.put('k', Buffer.from('second')), { code: 'store.exists', transient: false });
      assert.equal((await read(store, 'k')).toString(), 'first');
      await store.put('k', Buffer.from('third'), { replace: true });
      assert.equal((await read(store, 'k')).toString(), 'third');
    });

    test('of many writers of one key at the same time exactly one wins, and its object is whole', async (t) => {
      const { store, reopen } = await open(t);
      const other = await reopen();
      const bodies = Array.from({ length: 8 }, (_, i) => Buffer.alloc(200_000, i));
      const results = await Promise.allSettled(
        bodies.map((b, i) => (i % 2 ? store : other).put('k', chunksOf(b, [999]))),
      );
      const winners = bodies.filter((_, i) => results[i]!.status === 'fulfilled');
      assert.equal(winners.length, 1);
      assert.ok((await read(store, 'k')).equals(winners[0]!));
      for (const r of results) if (r.status === 'rejected') assert.equal(r.reason.code, 'store.exists');
    });

    test('a body that fails half-way leaves nothing to see and its error is the one thrown', async (t) => {
      const { store } = await open(t);
      const broken = async function* () {
        yield randomBytes(2 * MB);
        throw new Error('the line went dead');
      };
      await assert.rejects(store.put('half', broken()), /the line went dead/);
      assert.equal(await store.head('half'), undefined);
      assert.deepEqual(await keys(store, ''), []);
    });

    test('a missing object is told as such', async (t) => {
      const { store } = await open(t);
      await assert.rejects(store.get('no/such'), { code: 'store.not_found' });
      assert.equal(await store.head('no/such'), undefined);
      await store.remove('no/such');
      if (store.capabilities.localFiles) await assert.rejects(store.localPath('no/such'), { code: 'store.not_found' });
    });

    test('a removed object is gone and its key is free again', async (t) => {
      const { store } = await open(t);
      await store.put('dir/k', Buffer.from('1'));
      await store.remove('dir/k');
      assert.equal(await store.head('dir/k'), undefined);
      await store.put('dir/k', Buffer.from('2'));
      assert.equal((await read(store, 'dir/k')).toString(), '2');
    });

    test('keys that could escape the store or that no store can hold are refused', async (t) => {
      const { store } = await open(t);
      const bad = [
        '',
        '/abs',
        'a//b',
        'a/',
        '../x',
        'a/../../x',
        'a/./b',
        '.tmp/x',
        'nul\0',
        'a\nb',
        `${'x'.repeat(256)}`,
      ];
      bad.push(Array.from({ length: 300 }, () => 'long').join('/'), '\ud800');
      for (const key of bad) {
        await assert.rejects(store.put(key, Buffer.from('x')), { code: 'store.bad_key' }, JSON.stringify(key));
        await assert.rejects(store.head(key), { code: 'store.bad_key' }, JSON.stringify(key));
      }
      for (const upload of ['../x', 'a/b', ''])
        await assert.rejects(store.upload(upload), { code: 'store.bad_key' }, JSON.stringify(upload));
    });

    test('list gives exactly the keys with a prefix, in the order of their UTF-8 bytes, with sizes', async (t) => {
      const { store } = await open(t);
      const all = ['a', 'a-b/c', 'a.b', 'ab/1', 'ab/2', 'ab/10/x', 'ab/10/y', 'ab-c', 'b/ä', 'b/z', 'b/\uffee', 'b/😀'];
      for (const key of all) await store.put(key, Buffer.alloc(Buffer.byteLength(key)));
      for (const prefix of ['', 'a', 'ab', 'ab/', 'ab/1', 'ab/10/', 'b/', 'zzz', 'ab/10/x/']) {
        const expected = all.filter((k) => k.startsWith(prefix)).sort(compareKeys);
        assert.deepEqual(await keys(store, prefix), expected, `prefix "${prefix}"`);
      }
      for await (const o of store.list('')) assert.equal(o.bytes, Buffer.byteLength(o.key), o.key);
    });

    test('an upload is invisible until it is committed', async (t) => {
      const { store } = await open(t);
      const bytes = randomBytes(2 * MB + 3);
      const upload = await store.upload('u1');
      assert.equal(upload.offset, 0);
      for await (const chunk of chunksOf(bytes, [65_536])) await upload.write(chunk);
      assert.deepEqual(await keys(store, ''), []);
      const info = await upload.commit('landing/x.csv');
      assert.deepEqual([info.key, info.bytes], ['landing/x.csv', bytes.length]);
      assert.ok((await read(store, 'landing/x.csv')).equals(bytes));
      assert.deepEqual(await leftovers(store), []);
    });

    test('a chunk given to an upload may be reused by its owner as soon as write returns', async (t) => {
      const { store } = await open(t);
      const upload = await store.upload('reuse');
      const buffer = Buffer.alloc(300_000);
      const expected = createHash('sha256');
      for (let i = 0; i < 20; i++) {
        buffer.fill(i);
        expected.update(buffer);
        await upload.write(buffer);
      }
      await upload.commit('reuse');
      assert.equal(
        createHash('sha256')
          .update(await read(store, 'reuse'))
          .digest('hex'),
        expected.digest('hex'),
      );
    });

    test('a suspended upload continues where it stopped, in another process too, and can be read again for its hash', async (t) => {
      const { store, reopen } = await open(t);
      const bytes = randomBytes(3 * MB);
      const first = await store.upload('big');
      await first.write(bytes.subarray(0, 2 * MB - 11));
      await first.suspend();
      const second = await (await reopen()).upload('big');
      assert.equal(second.offset, 2 * MB - 11);
      assert.ok((await collect(second.existing())).equals(bytes.subarray(0, second.offset)));
      await second.write(bytes.subarray(second.offset));
      await second.commit('big');
      assert.ok((await read(store, 'big')).equals(bytes));
    });

    test('an upload that is restarted forgets the earlier bytes, and one that is aborted leaves nothing', async (t) => {
      const { store } = await open(t);
      const first = await store.upload('u');
      await first.write(Buffer.from('wrong and longer'));
      await first.suspend();
      const second = await store.upload('u');
      await second.restart();
      assert.equal(second.offset, 0);
      await second.write(Buffer.from('right'));
      await second.commit('u');
      assert.equal((await read(store, 'u')).toString(), 'right');
      const third = await store.upload('u');
      assert.equal(third.offset, 0);
      await third.write(Buffer.from('dropped'));
      await third.abort();
      assert.deepEqual(await leftovers(store), []);
      assert.deepEqual(await keys(store, ''), ['u']);
    });

    test('an upload cannot overwrite an object, and still has its bytes after trying', async (t) => {
      const { store } = await open(t);
      await store.put('taken', Buffer.from('old'));
      const upload = await store.upload('u');
      await upload.write(Buffer.from('new'));
      await assert.rejects(upload.commit('taken'), { code: 'store.exists' });
      await upload.commit('free');
      assert.equal((await read(store, 'taken')).toString(), 'old');
      assert.equal((await read(store, 'free')).toString(), 'new');
    });

    test('an upload has one writer at a time', async (t) => {
      const { store } = await open(t);
      const upload = await store.upload('u');
      await assert.rejects(store.upload('u'), { code: 'store.upload_open', transient: true });
      await upload.suspend();
      await (await store.upload('u')).abort();
    });

    test('what an engine writes to a scratch folder becomes objects, replacing those of the same keys', async (t) => {
      const { store } = await open(t);
      await store.put('curated/day=1/part.parquet', Buffer.from('old'));
      const objects = await store.writeLocal('curated/', async (folder) => {
        await mkdir(join(folder, 'day=1'));
        await mkdir(join(folder, 'day=2'));
        await writeFile(join(folder, 'day=2', 'part.parquet'), 'two');
        await writeFile(join(folder, 'day=1', 'part.parquet'), 'one!');
        assert.deepEqual(await keys(store, ''), ['curated/day=1/part.parquet'], 'nothing is seen before it returns');
      });
      assert.deepEqual(
        objects.map((o) => [o.key, o.bytes]),
        [
          ['curated/day=1/part.parquet', 4],
          ['curated/day=2/part.parquet', 3],
        ],
      );
      assert.equal((await read(store, 'curated/day=1/part.parquet')).toString(), 'one!');
      assert.deepEqual(await leftovers(store), []);
    });

    test('when the engine fails nothing of its scratch folder is seen', async (t) => {
      const { store } = await open(t);
      const failing = store.writeLocal('curated/', async (folder) => {
        await writeFile(join(folder, 'part.parquet'), 'half');
        throw new Error('out of memory');
      });
      await assert.rejects(failing, /out of memory/);
      assert.deepEqual(await keys(store, ''), []);
      assert.deepEqual(await leftovers(store), []);
    });

    test('unfinished uploads are listed with size and age, and can be removed', async (t) => {
      const { store } = await open(t);
      const upload = await store.upload('forgotten');
      await upload.write(Buffer.alloc(5000));
      await upload.suspend();
      const found = await toArray(store.leftovers());
      assert.equal(found.length, 1);
      assert.match(found[0]!.name, /forgotten/);
      assert.ok(found[0]!.bytes >= 5000, String(found[0]!.bytes));
      assert.ok(found[0]!.ageSeconds >= 0 && found[0]!.ageSeconds < 60, String(found[0]!.ageSeconds));
      await found[0]!.remove();
      assert.deepEqual(await leftovers(store), []);
      const again = await store.upload('forgotten');
      assert.equal(again.offset, 0);
      await again.abort();
    });
  });
}

/** Cuts bytes into chunks whose sizes go round in `sizes`. */
async function* chunksOf(bytes: Uint8Array, sizes: number[]): AsyncIterable<Uint8Array> {
  for (let from = 0, i = 0; from < bytes.length; i++) {
    const size = sizes[i % sizes.length]!;
    yield bytes.subarray(from, from + size);
    from += size;
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await toArray(chunks));
}

async function read(store: ObjectStore, key: string, range?: { offset?: number; length?: number }): Promise<Buffer> {
  return collect(await store.get(key, range));
}

async function keys(store: ObjectStore, prefix: string): Promise<string[]> {
  return (await toArray(store.list(prefix))).map((o) => o.key);
}

async function leftovers(store: ObjectStore): Promise<string[]> {
  return (await toArray(store.leftovers())).map((l) => l.name);
}
