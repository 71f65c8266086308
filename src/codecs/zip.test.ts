import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { collect, configOf, missing, sampleCsv, scratchFolder, tool } from './shared/testing.ts';
import { makeZip, type TestEntry } from './zip/testing.ts';
import { zip } from './zip.ts';

const csv = sampleCsv(20_000);

async function unzip(t: TestContext, bytes: Uint8Array, config: object = {}): Promise<Record<string, Buffer>> {
  const folder = scratchFolder(t);
  const file = join(folder, 'x.zip');
  writeFileSync(file, bytes);
  const input = { name: 'x.zip', file: () => Promise.resolve(file), stream: () => assert.fail('zip reads a file') };
  const members: Record<string, Buffer> = {};
  for await (const member of zip.decode(input, configOf(zip, config), { scratch: folder }))
    members[member.name] = await collect(member.body);
  return members;
}

/** A folder with a few files, zipped by the ordinary tool. */
function zipFolder(t: TestContext, ...options: string[]): Buffer {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'data/__MACOSX'), { recursive: true });
  mkdirSync(join(folder, '__MACOSX/data'), { recursive: true });
  writeFileSync(join(folder, 'data/sales.csv'), csv);
  writeFileSync(join(folder, 'data/Größe.csv'), 'größe\n');
  writeFileSync(join(folder, 'data/empty.csv'), '');
  writeFileSync(join(folder, 'readme.txt'), 'hello');
  writeFileSync(join(folder, '.DS_Store'), 'junk');
  writeFileSync(join(folder, '__MACOSX/data/._sales.csv'), 'junk');
  tool('zip', ['-r', ...options, 'out.zip', '.'], undefined, folder);
  return readFileSync(join(folder, 'out.zip'));
}

for (const [what, options] of [
  ['deflated', ['-9']],
  ['stored', ['-0']],
  ['Zip64', ['-fz']],
] as const) {
  test(`files ${what} by zip come out as they went in, without folders and what macOS adds`, {
    skip: missing('zip'),
  }, async (t) => {
    const members = await unzip(t, zipFolder(t, ...options));
    assert.deepEqual(Object.keys(members).sort(), ['data/Größe.csv', 'data/empty.csv', 'data/sales.csv', 'readme.txt']);
    assert.ok(members['data/sales.csv']!.equals(csv));
    assert.equal(members['data/empty.csv']!.length, 0);
  });
}

test('an archive that zip streamed, with sizes behind the data, is read', { skip: missing('zip') }, async (t) => {
  const members = await unzip(t, tool('zip', ['-q', '-', '-'], csv));
  assert.deepEqual(Object.keys(members), ['-']);
  assert.ok(members['-']!.equals(csv));
});

test('members are chosen by patterns, by name in any folder or by path', { skip: missing('zip') }, async (t) => {
  const bytes = zipFolder(t);
  const names = async (members: unknown) => Object.keys(await unzip(t, bytes, { members })).sort();
  assert.deepEqual(await names('*.txt'), ['readme.txt']);
  assert.deepEqual(await names('sales*.csv'), ['data/sales.csv']);
  assert.deepEqual(await names(['data/e*.csv', 'readme.txt']), ['data/empty.csv', 'readme.txt']);
  assert.deepEqual(await names('*.xml'), []);
});

test('an archive without entries has no members', async (t) => {
  assert.deepEqual(await unzip(t, makeZip([])), {});
});

const refuse = (t: TestContext, entries: TestEntry[], expected: object) =>
  assert.rejects(unzip(t, makeZip(entries)), { name: 'GranaryError', transient: false, ...expected });
const content = Buffer.from('content '.repeat(100));

test('entries that could escape their folder are refused, even when they are not asked for', async (t) => {
  const paths = [
    '../evil',
    'a/../../evil',
    '/etc/passwd',
    'C:evil',
    'c:/evil',
    '..\\evil',
    'a\\b',
    'nul\0.csv',
    'a\nb',
    '..',
    '',
  ];
  for (const name of paths) await refuse(t, [{ name, content }], { code: 'codec.unsafe_path' });
  await assert.rejects(unzip(t, makeZip([{ name: '../evil', content }]), { members: '*.csv' }), {
    code: 'codec.unsafe_path',
  });
});

test('symbolic links are refused', { skip: missing('zip') }, async (t) => {
  const folder = scratchFolder(t);
  symlinkSync('/etc/passwd', join(folder, 'link.csv'));
  tool('zip', ['-y', 'out.zip', 'link.csv'], undefined, folder);
  const bytes = readFileSync(join(folder, 'out.zip'));
  await assert.rejects(unzip(t, bytes), { code: 'codec.unsafe_path', message: /link/ });
});

test('entries that lie about their size or CRC are refused, and none of them gives a byte more than it declares', async (t) => {
  await refuse(t, [{ name: 'a', content, declaredBytes: 10 }], {
    code: 'codec.corrupt',
    message: /longer than the 10 bytes/,
  });
  await refuse(t, [{ name: 'a', content, declaredBytes: 10_000 }], { code: 'codec.corrupt', message: /has 800 bytes/ });
  await refuse(t, [{ name: 'a', content, declaredCrc: 1 }], { code: 'codec.corrupt', message: /CRC/ });
  await refuse(t, [{ name: 'a', content, declaredCompressedBytes: 12 }], { code: 'codec.corrupt' });
  await refuse(t, [{ name: 'a', content, declaredCompressedBytes: 30 }], { code: 'codec.corrupt' });
  await refuse(t, [{ name: 'a', content, method: 0, declaredBytes: 10 }], { code: 'codec.corrupt' });
  await refuse(t, [{ name: 'folder/', content }], { code: 'codec.corrupt', message: /declares content/ });
});

test('entries that share bytes are refused before anything is unpacked', async (t) => {
  const once = { name: 'kernel', content: Buffer.alloc(1_000_000) };
  const again = Array.from({ length: 50 }, (_, i) => ({ ...once, name: `copy${i}`, declaredOffset: 0 }));
  await refuse(t, [once, ...again], { code: 'codec.bomb', message: /overlaps/ });
});

test('an entry that is there twice is refused, also when it is spelled differently', async (t) => {
  await refuse(
    t,
    [
      { name: 'a.csv', content },
      { name: 'a.csv', content },
    ],
    { code: 'codec.corrupt', message: /twice/ },
  );
  await refuse(
    t,
    [
      { name: 'a.csv', content },
      { name: './a.csv', content },
    ],
    { code: 'codec.corrupt', message: /twice/ },
  );
});

test('entries hidden behind a wrong count are refused', async (t) => {
  const bytes = makeZip(
    [
      { name: 'a', content },
      { name: 'b', content },
    ],
    1,
  );
  await assert.rejects(unzip(t, bytes), { code: 'codec.corrupt', message: /more than the 1 entries/ });
});

test('encrypted entries and foreign methods are refused by name, unless they are not asked for', async (t) => {
  await refuse(t, [{ name: 'a', content, flags: 1, method: 0 }], { code: 'codec.corrupt' });
  await refuse(t, [{ name: 'a', content, flags: 1 }], {
    code: 'codec.unsupported',
    message: /encrypted/,
    hint: /OpenPGP/,
  });
  await refuse(t, [{ name: 'a', content, method: 14 }], { code: 'codec.unsupported', message: /LZMA/ });
  const mixed = makeZip([
    { name: 'a.bin', content, method: 14 },
    { name: 'b.csv', content },
  ]);
  assert.deepEqual(Object.keys(await unzip(t, mixed, { members: '*.csv' })), ['b.csv']);
});

test('a real password-protected archive is refused with a hint', { skip: missing('zip') }, async (t) => {
  await assert.rejects(unzip(t, zipFolder(t, '-P', 'secret')), { code: 'codec.unsupported', message: /encrypted/ });
});

test('an archive cut anywhere is refused', async (t) => {
  const whole = makeZip([
    { name: 'a', content },
    { name: 'b', content },
  ]);
  for (let cut = 4; cut < whole.length; cut += 7)
    await assert.rejects(
      unzip(t, whole.subarray(0, cut)),
      { name: 'GranaryError', code: /codec\.(truncated|corrupt)/ },
      `cut at ${cut}`,
    );
  await assert.rejects(unzip(t, whole.subarray(0, 40)), { code: 'codec.truncated' });
});

test('no flipped bit changes a content unnoticed', async (t) => {
  const whole = makeZip([{ name: 'a.csv', content }]);
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1 << (at % 8);
    const outcome = await unzip(t, damaged).catch((error: { name: string }) => error);
    if (outcome.name === 'GranaryError') continue;
    for (const body of Object.values(outcome)) assert.ok((body as Buffer).equals(content), `byte ${at}`);
  }
});

test('data of another kind is named for what it looks like', async (t) => {
  await assert.rejects(unzip(t, csv), {
    code: 'codec.corrupt',
    message: /"x.zip" is not in zip format: it looks like plain text/,
  });
  await assert.rejects(unzip(t, Buffer.alloc(0)), { code: 'codec.truncated' });
});
