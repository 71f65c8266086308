import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { bzip2 } from '../src/codecs/bzip2.ts';
import { gzip } from '../src/codecs/gzip.ts';
import {
  collect,
  configOf,
  missing,
  noise,
  pieces,
  sampleCsv,
  scratchFolder,
  tool,
} from '../src/codecs/shared/testing.ts';
import { tar } from '../src/codecs/tar.ts';
import { makeZip } from '../src/codecs/zip/testing.ts';
import { zip } from '../src/codecs/zip.ts';
import { zstd } from '../src/codecs/zstd.ts';
import type { AnyCodec } from '../src/ports/codec.ts';
import { DEFAULT_LIMITS, type UnpackOptions, unpack } from '../src/stages/verify/unpack/unpack.ts';

const csv = sampleCsv(5_000);

function options(
  t: TestContext,
  bytes: Uint8Array,
  codecs: AnyCodec[],
  more: Partial<UnpackOptions> = {},
): UnpackOptions {
  return {
    name: 'input',
    open: () => pieces(bytes, 10_000),
    steps: codecs.map((codec) => ({ codec, config: configOf(codec) })),
    scratch: scratchFolder(t),
    limits: DEFAULT_LIMITS,
    ...more,
  };
}

async function members(chain: UnpackOptions): Promise<Record<string, Buffer>> {
  const found: Record<string, Buffer> = {};
  for await (const member of unpack(chain)) found[member.name] = await collect(member.body);
  return found;
}

test('without steps a file is its own only member', async (t) => {
  assert.deepEqual(await members(options(t, csv, [])), { input: csv });
});

test('layers are taken off one after the other, and names with them', { skip: missing('tar', 'bzip2') }, async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'sales.csv'), csv);
  writeFileSync(join(folder, 'returns.csv'), 'id\n1\n');
  const archive = tool('tar', ['-cf', '-', 'sales.csv', 'returns.csv'], undefined, folder);
  const chains: [Buffer, AnyCodec[]][] = [
    [gzipSync(archive), [gzip, tar]],
    [zstdCompressSync(tool('bzip2', ['-c'], archive)), [zstd, bzip2, tar]],
    [makeZip([{ name: 'in.tar', content: archive }]), [zip, tar]],
    [gzipSync(makeZip([{ name: 'in.tar.gz', content: gzipSync(archive) }])), [gzip, zip, gzip, tar]],
  ];
  for (const [bytes, codecs] of chains)
    assert.deepEqual(await members(options(t, bytes, codecs)), {
      'sales.csv': csv,
      'returns.csv': Buffer.from('id\n1\n'),
    });
});

test('each member of an archive goes through the steps that follow', async (t) => {
  const archive = makeZip([
    { name: 'a.csv.gz', content: gzipSync('a') },
    { name: 'b/b.csv.gz', content: gzipSync('b') },
  ]);
  assert.deepEqual(await members(options(t, archive, [zip, gzip])), {
    'a.csv': Buffer.from('a'),
    'b/b.csv': Buffer.from('b'),
  });
});

test('a local file is read in place; only inner layers that seek are put on disk, and removed', async (t) => {
  const scratch = scratchFolder(t);
  const file = join(scratchFolder(t), 'x.zip');
  const inner = makeZip([{ name: 'a.csv', content: csv }]);
  writeFileSync(file, makeZip([{ name: 'inner.zip', content: inner }]));
  const open = () => assert.fail('the file is there');
  const seen: number[] = [];
  for await (const member of unpack(options(t, csv, [zip, zip], { scratch, file, open }))) {
    seen.push(readdirSync(scratch).length);
    assert.ok((await collect(member.body)).equals(csv));
  }
  assert.deepEqual(seen, [1]);
  assert.deepEqual(readdirSync(scratch), []);
  assert.ok(readFileSync(file).length > 0);
});

test('more bytes, a higher ratio or more members than allowed are refused while they come out', async (t) => {
  const zeros = gzipSync(Buffer.alloc(60e6));
  await assert.rejects(members(options(t, zeros, [gzip])), {
    code: 'codec.bomb',
    message: /500 times its size/,
    transient: false,
  });
  const generous = { ...DEFAULT_LIMITS, maxRatio: 2_000 };
  assert.equal((await members(options(t, zeros, [gzip], { limits: generous })))['input']!.length, 60e6);
  await assert.rejects(members(options(t, zeros, [gzip], { limits: { ...generous, maxBytes: 50e6 } })), {
    code: 'codec.bomb',
    message: /more than 50.0 MB/,
  });
  const many = makeZip(Array.from({ length: 30 }, (_, i) => ({ name: `${i}`, content: Buffer.from('x') })));
  await assert.rejects(members(options(t, many, [zip], { limits: { ...generous, maxMembers: 29 } })), {
    code: 'codec.bomb',
  });
});

test('a nested bomb like 42.zip is refused by what it unpacks to as a whole', async (t) => {
  const level = (content: Buffer) => makeZip(Array.from({ length: 16 }, (_, i) => ({ name: `${i}.zip`, content })));
  const bomb = level(level(makeZip([{ name: 'zeros', content: Buffer.alloc(20e6) }])));
  assert.ok(bomb.length < 50_000);
  const limits = { ...DEFAULT_LIMITS, maxRatio: 1_100 };
  const scratch = scratchFolder(t);
  await assert.rejects(members(options(t, bomb, [zip, zip, zip], { limits, scratch })), { code: 'codec.bomb' });
  assert.deepEqual(readdirSync(scratch), []);
});

test('a highly compressible beginning of an ordinary file is no bomb where its size is known', async (t) => {
  const bytes = gzipSync(Buffer.concat([Buffer.alloc(40e6), noise(300_000)]));
  const file = join(scratchFolder(t), 'x.gz');
  writeFileSync(file, bytes);
  for (const known of [{ file }, { bytes: bytes.length }])
    assert.equal((await members(options(t, bytes, [gzip], known)))['input']!.length, 40_300_000);
});

test('damage in an outer layer is told before unpacking ends, whatever the inner codec left unread', async (t) => {
  const outer = gzipSync(gzipSync(csv));
  outer[outer.length - 6]! ^= 1;
  await assert.rejects(members(options(t, outer, [gzip, gzip])), { code: 'codec.corrupt' });

  const firstKilobyte: AnyCodec = {
    ...gzip,
    type: 'first-kilobyte',
    async *decode(input) {
      yield { name: 'head', body: head(input.stream()) };
    },
  };
  async function* head(stream: AsyncIterable<Uint8Array>) {
    for await (const chunk of stream) {
      yield chunk.subarray(0, 1_000);
      return;
    }
  }
  await assert.rejects(members(options(t, csv, [firstKilobyte])), {
    code: 'codec.corrupt',
    message: /other bytes follow/,
  });
});

test('leaving early closes the source and removes temporary files', async (t) => {
  let closed = 0;
  async function* watched() {
    try {
      yield* pieces(
        gzipSync(
          makeZip([
            { name: 'a', content: csv },
            { name: 'b', content: csv },
          ]),
        ),
        1_000,
      );
    } finally {
      closed++;
    }
  }
  const scratch = scratchFolder(t);
  for await (const _ of unpack(options(t, csv, [gzip, zip], { open: watched, scratch }))) break;
  for await (const member of unpack(options(t, csv, [gzip, zip], { open: watched, scratch }))) {
    for await (const _ of member.body) break;
    break;
  }
  for await (const member of unpack(options(t, csv, [gzip], { open: watched, scratch }))) {
    for await (const _ of member.body) break;
    break;
  }
  assert.equal(closed, 3);
  assert.deepEqual(readdirSync(scratch), []);
});

test('a member that is not read to its end is never taken for checked', async (t) => {
  const skipping = async () => {
    for await (const member of unpack(options(t, gzipSync(csv), [gzip]))) for await (const _ of member.body) break;
  };
  await assert.rejects(skipping(), { code: 'internal', message: /not read to its end/ });
});

test('a request to stop ends unpacking', async (t) => {
  const stop = new AbortController();
  const chain = options(t, gzipSync(Buffer.alloc(50e6)), [gzip], {
    signal: stop.signal,
    limits: { ...DEFAULT_LIMITS, maxRatio: 2_000 },
  });
  const run = async () => {
    for await (const member of unpack(chain)) for await (const _ of member.body) stop.abort();
  };
  await assert.rejects(run(), { code: 'cancelled' });
});
