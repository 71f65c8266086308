/** What every FileSource must do. Run against real servers; outsiders can run it on a connector of theirs. */
import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { GranaryError } from '../../src/lib/errors.ts';
import type { FileSource, ListRequest, RemoteFile } from '../../src/ports/connector.ts';
import type { CuttingProxy } from '../servers/cutting-proxy.ts';

/** A server with an empty root, and ways to it other than the connector. What is undefined is not tested. */
export interface FileSourceFixture {
  open(): Promise<FileSource>;
  openWithWrongCredentials: (() => Promise<FileSource>) | undefined;
  /** With an address where nothing listens. */
  openUnreachable: (() => Promise<FileSource>) | undefined;
  /** With a timeout of a second, through a proxy. */
  openThrough: ((proxy: CuttingProxy) => Promise<FileSource>) | undefined;
  startProxy(): Promise<CuttingProxy>;
  /** Writes or overwrites a file in place. */
  put(path: string, content: Uint8Array): Promise<void>;
  get(path: string): Promise<Uint8Array | undefined>;
  /** Makes a file that may be seen but not read, and returns its path. */
  putDenied: (() => Promise<string>) | undefined;
  stop(): Promise<void>;
}

const BIG_BYTES = 50_000_000;
const NAMES = ['sales 20261119.csv', 'Überweisung – größe.csv', 'a&b=c+d%41#1;2.csv', "it's [new] (1).csv"];

/** What a source has that others lack; tests of what it lacks do not exist for it. */
export interface Traits {
  /** It is reached over a network, with credentials. */
  network: boolean;
  /** Files can be moved and removed. */
  moves: boolean;
  /** There can be files that may not be read. */
  denies: boolean;
}

export function fileSourceContract(
  name: string,
  skip: string | false,
  start: () => Promise<FileSourceFixture>,
  traits: Traits = { network: true, moves: true, denies: true },
): void {
  const itWhere = (holds: boolean, title: string, test: () => Promise<void>) => {
    if (holds) it(title, test);
  };
  describe(`${name} as a source of files`, { skip, timeout: 120_000 }, () => {
    let server: FileSourceFixture;
    let source: FileSource;
    const big = pseudoRandom(BIG_BYTES, name);
    before(async () => {
      server = await start();
      source = await server.open();
      await server.put('big.bin', big);
    });
    after(async () => {
      await source?.close();
      await server?.stop();
    });

    it('lists files with their paths and sizes, whatever their names', async () => {
      for (const [i, file] of NAMES.entries()) await server.put(`names/${file}`, pseudoRandom(100 + i, file));
      const files = await listed(source, { folder: 'names', depth: 0 });
      assert.deepEqual(files.map((file) => file.path).sort(), NAMES.map((file) => `names/${file}`).sort());
      for (const file of files) {
        const size = 100 + NAMES.indexOf(file.path.slice('names/'.length));
        assert.ok(file.bytes === undefined || file.bytes === size, `${file.path}: ${file.bytes}`);
        const content = await server.get(file.path);
        assert.deepEqual(Buffer.concat(await chunksOf(source, file.path)), Buffer.from(content!));
      }
    });

    it('enters folders as deep as asked and no deeper', async () => {
      for (const path of ['deep/0.csv', 'deep/one/1.csv', 'deep/one/two/2.csv'])
        await server.put(path, pseudoRandom(9, path));
      const paths = async (depth: number) =>
        (await listed(source, { folder: 'deep', depth })).map((f) => f.path).sort();
      assert.deepEqual(await paths(0), ['deep/0.csv']);
      assert.deepEqual(await paths(1), ['deep/0.csv', 'deep/one/1.csv']);
      assert.deepEqual(await paths(Number.POSITIVE_INFINITY), ['deep/0.csv', 'deep/one/1.csv', 'deep/one/two/2.csv']);
    });

    it('lists nothing in a folder that does not exist', async () => {
      assert.deepEqual(await listed(source, { folder: 'no/such folder', depth: 3 }), []);
    });

    it('tells the size and age of a file, and that a path leads to none', async () => {
      const file = await source.stat('big.bin');
      assert.equal(file?.path, 'big.bin');
      assert.equal(file.bytes, BIG_BYTES);
      assert.ok(Math.abs(Date.parse(file.modifiedAt!) - Date.now()) < 60_000, file.modifiedAt);
      await server.put('folder/file.csv', pseudoRandom(5, ''));
      assert.equal(await source.stat('folder'), undefined);
      assert.equal(await source.stat('folder/none.csv'), undefined);
      assert.equal(await source.stat('none/none.csv'), undefined);
    });

    it('says the same of a file when listing as when asked', async () => {
      const inList = (await listed(source, { folder: '', depth: 0 })).find((file) => file.path === 'big.bin')!;
      const asked = (await source.stat('big.bin'))!;
      for (const key of ['bytes', 'modifiedAt', 'tag'] as const)
        if (inList[key] !== undefined) assert.equal(inList[key], asked[key]);
    });

    it('reads a large file whole, in chunks of 64 KiB to 1 MiB', async () => {
      const hash = createHash('sha256');
      const sizes: number[] = [];
      for await (const chunk of source.read('big.bin')) {
        hash.update(chunk);
        sizes.push(chunk.length);
      }
      assert.equal(hash.digest('hex'), sha256(big));
      for (const size of sizes.slice(0, -1)) assert.ok(size >= 65_536 && size <= 1_048_576, `a chunk of ${size} bytes`);
    });

    it('reads an empty file', async () => {
      await server.put('empty.csv', new Uint8Array());
      assert.deepEqual(await chunksOf(source, 'empty.csv'), []);
    });

    it('reads on from any byte', async () => {
      for (const offset of [1, 33_333_333, BIG_BYTES - 1, BIG_BYTES])
        assert.equal(await hashOf(source.read('big.bin', { offset })), sha256(big.subarray(offset)), `from ${offset}`);
    });

    it('refuses to read on behind the end: the file is another one now', async () => {
      await rejectsWith(chunksOf(source, 'big.bin', BIG_BYTES + 1), 'connector.changed', true);
    });

    it('reads several files at once', async () => {
      const paths = Array.from({ length: source.capabilities.parallelReads + 2 }, (_, i) => `parallel/${i}.bin`);
      for (const path of paths) await server.put(path, pseudoRandom(3_000_000, path));
      const hashes = await Promise.all(paths.map((path) => hashOf(source.read(path))));
      assert.deepEqual(
        hashes,
        paths.map((path) => sha256(pseudoRandom(3_000_000, path))),
      );
    });

    it('stays usable when a reader stops early', async () => {
      for (let i = 0; i < source.capabilities.parallelReads + 1; i++)
        for await (const chunk of source.read('big.bin')) {
          assert.ok(chunk.length > 0);
          break;
        }
      assert.equal((await source.stat('big.bin'))?.bytes, BIG_BYTES);
    });

    it('stops reading when told to', async () => {
      const controller = new AbortController();
      const reading = async () => {
        for await (const _ of source.read('big.bin', { signal: controller.signal })) controller.abort();
      };
      await rejectsWith(reading(), 'cancelled', false);
    });

    it('says that a missing file is missing', async () => {
      await rejectsWith(chunksOf(source, 'none.csv'), 'connector.not_found', false);
    });

    it('refuses paths that lead out of the root', async () => {
      for (const path of ['../outside.csv', 'a/../../outside.csv', '/etc/hostname', 'a//b', 'a\r\nDELE b'])
        await rejectsWith(source.stat(path), 'connector.denied', false);
      await rejectsWith(listed(source, { folder: '..', depth: 0 }), 'connector.denied', false);
    });

    itWhere(traits.denies, 'says that a file may not be read', async () => {
      await rejectsWith(chunksOf(source, await server.putDenied!()), 'connector.denied', false);
    });

    itWhere(traits.network, 'says that the credentials are wrong', async () => {
      await rejectsWith(server.openWithWrongCredentials!(), 'connector.auth_failed', false);
    });

    itWhere(traits.network, 'says that nothing answers at the address', async () => {
      await rejectsWith(server.openUnreachable!(), 'connector.unreachable', true);
    });

    it('fails a read when the file changes meanwhile', async () => {
      await server.put('growing.bin', big);
      const reading = async () => {
        let first = true;
        for await (const _ of source.read('growing.bin')) {
          if (first) await server.put('growing.bin', pseudoRandom(BIG_BYTES + 1, 'other'));
          first = false;
        }
      };
      await rejectsWith(reading(), 'connector.changed', true);
    });

    itWhere(
      traits.network,
      'reports a broken connection, and then the same source reads on to equal bytes',
      async () => {
        const proxy = await server.startProxy();
        try {
          const through = await server.openThrough!(proxy);
          const hash = createHash('sha256');
          let received = 0;
          const read = async (offset: number) => {
            for await (const chunk of through.read('big.bin', { offset })) {
              hash.update(chunk);
              received += chunk.length;
            }
          };
          proxy.cutAfter(BIG_BYTES / 3);
          await rejectsWith(read(0), 'connector.lost', true);
          assert.ok(received < BIG_BYTES);
          await read(received);
          assert.equal(received, BIG_BYTES);
          assert.equal(hash.digest('hex'), sha256(big));
          await through.close();
        } finally {
          await proxy.stop();
        }
      },
    );

    itWhere(traits.network, 'gives up on a server that falls silent', async () => {
      const proxy = await server.startProxy();
      try {
        const through = await server.openThrough!(proxy);
        const reading = async () => {
          for await (const _ of through.read('big.bin')) proxy.goSilent();
        };
        await rejectsWith(reading(), 'connector.lost', true);
        await through.close();
      } finally {
        await proxy.stop();
      }
    });

    itWhere(traits.moves, 'moves a file into a folder that need not exist', async () => {
      const content = pseudoRandom(1000, 'move');
      await server.put('to move/ä b.csv', content);
      await source.move('to move/ä b.csv', 'archive/2026 11/ä b.csv');
      assert.deepEqual(Buffer.from((await server.get('archive/2026 11/ä b.csv'))!), content);
      assert.equal(await server.get('to move/ä b.csv'), undefined);
      await rejectsWith(source.move('to move/ä b.csv', 'archive/other.csv'), 'connector.not_found', false);
    });

    itWhere(traits.moves, 'never overwrites a file by moving another', async () => {
      const [one, two] = [pseudoRandom(10, 'one'), pseudoRandom(10, 'two')];
      await server.put('taken/one.csv', one);
      await server.put('taken/two.csv', two);
      await rejectsWith(source.move('taken/one.csv', 'taken/two.csv'), 'connector.exists', false);
      assert.deepEqual(Buffer.from((await server.get('taken/one.csv'))!), one);
      assert.deepEqual(Buffer.from((await server.get('taken/two.csv'))!), two);
    });

    itWhere(traits.moves, 'removes a file', async () => {
      await server.put('gone/x.csv', pseudoRandom(10, 'x'));
      await source.remove('gone/x.csv');
      assert.equal(await server.get('gone/x.csv'), undefined);
      await rejectsWith(source.remove('gone/x.csv'), 'connector.not_found', false);
    });

    itWhere(!traits.moves, 'refuses to move or remove where it only reads', async () => {
      await rejectsWith(source.move('big.bin', 'other.bin'), 'connector.denied', false);
      await rejectsWith(source.remove('big.bin'), 'connector.denied', false);
      assert.equal((await source.stat('big.bin'))?.bytes, BIG_BYTES);
    });
  });
}

/** The same bytes for the same size and seed, and unlike any others. */
export function pseudoRandom(bytes: number, seed: string): Buffer {
  const key = createHash('sha256').update(seed).digest();
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(bytes));
}

export function sha256(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

async function hashOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk);
  return hash.digest('hex');
}

export async function chunksOf(source: FileSource, path: string, offset = 0): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of source.read(path, { offset })) chunks.push(Buffer.from(chunk));
  return chunks;
}

export async function listed(source: FileSource, request: ListRequest): Promise<RemoteFile[]> {
  return Array.fromAsync(source.list(request));
}

export async function rejectsWith(promise: Promise<unknown>, code: string, transient: boolean): Promise<GranaryError> {
  const error = await promise.then(
    () => assert.fail(`expected ${code}, and nothing was wrong`),
    (e) => e,
  );
  assert.ok(error instanceof GranaryError, `expected a GranaryError, got ${error?.stack}`);
  assert.equal(error.code, code, error.stack);
  assert.equal(error.transient, transient, `transient of ${error.stack}`);
  return error;
}
