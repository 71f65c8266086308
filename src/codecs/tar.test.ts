import assert from 'node:assert/strict';
import { linkSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeAll, missing, sampleCsv, scratchFolder, tool } from './shared/testing.ts';
import { tar } from './tar.ts';

const csv = sampleCsv(5_000);
const skip = missing('tar');

/** A tar made by the ordinary tool of the files given. */
function tarOf(t: TestContext, files: Record<string, string | Buffer>, ...options: string[]): Buffer {
  const folder = scratchFolder(t);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return tool('tar', [...options, '-cf', '-', '.'], undefined, folder);
}

const long = `${'deeply/'.repeat(30)}${'long'.repeat(30)}.csv`;
for (const format of ['v7', 'ustar', 'gnu', 'pax']) {
  test(`files in tar's ${format} format come out as they went in`, { skip }, async (t) => {
    const files: Record<string, string | Buffer> = {
      'data/sales.csv': csv,
      'empty.csv': '',
      'data/512.bin': Buffer.alloc(512, 1),
    };
    if (format !== 'v7') files['Größe.csv'] = 'größe';
    if (format === 'gnu' || format === 'pax') files[long] = 'long';
    for (const size of [77, 512, 65_536]) {
      const members = await decodeAll(tar, tarOf(t, files, `--format=${format}`), { size });
      assert.deepEqual(Object.keys(members).sort(), Object.keys(files).sort());
      for (const [path, content] of Object.entries(files)) assert.ok(members[path]!.equals(Buffer.from(content)), path);
    }
  });
}

test('members are chosen by patterns, and what macOS adds is left out', { skip }, async (t) => {
  const bytes = tarOf(t, { 'a/sales.csv': 'x', 'a/returns.csv': 'y', 'b.txt': 'z', 'a/.DS_Store': 'junk' });
  assert.deepEqual(Object.keys(await decodeAll(tar, bytes, { config: { members: '*.csv' } })).sort(), [
    'a/returns.csv',
    'a/sales.csv',
  ]);
  assert.equal(Object.keys(await decodeAll(tar, bytes)).length, 3);
});

test('ten thousand members come out one by one', { skip }, async (t) => {
  const files = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`part-${i}.csv`, `id\n${i}\n`]));
  const members = await decodeAll(tar, tarOf(t, files));
  assert.equal(Object.keys(members).length, 10_000);
  assert.equal(members['part-9999.csv']!.toString(), 'id\n9999\n');
});

test('paths that could escape their folder are refused', { skip }, async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'a'), 'x');
  for (const path of ['../evil', '/etc/evil', 'a/../../evil', 'C:evil', 'back\\\\slash']) {
    const bytes = tool('tar', ['-P', '--transform', `s|.*|${path}|`, '-cf', '-', 'a'], undefined, folder);
    await assert.rejects(decodeAll(tar, bytes), { code: 'codec.unsafe_path', transient: false }, path);
  }
});

test('links and pipes are refused', { skip }, async (t) => {
  const make: Record<string, (folder: string) => void> = {
    symbolic: (folder) => symlinkSync('/etc/passwd', join(folder, 'link')),
    hard: (folder) => {
      writeFileSync(join(folder, 'a'), 'x');
      linkSync(join(folder, 'a'), join(folder, 'b'));
    },
    pipe: (folder) => void tool('mkfifo', [join(folder, 'pipe')]),
  };
  for (const [kind, makeIn] of Object.entries(make)) {
    const folder = scratchFolder(t);
    makeIn(folder);
    const bytes = tool('tar', ['-cf', '-', '.'], undefined, folder);
    await assert.rejects(decodeAll(tar, bytes), { code: 'codec.unsafe_path', message: new RegExp(kind) });
  }
});

test('sparse files are refused by name', { skip }, async (t) => {
  for (const format of ['gnu', 'pax']) {
    const folder = scratchFolder(t);
    writeFileSync(join(folder, 'hole'), '');
    truncateSync(join(folder, 'hole'), 10_000_000);
    const bytes = tool('tar', ['--sparse', `--format=${format}`, '-cf', '-', 'hole'], undefined, folder);
    await assert.rejects(decodeAll(tar, bytes), { code: 'codec.unsupported', message: /sparse/ });
  }
});

test('a member that is there twice is refused', { skip }, async (t) => {
  const folder = scratchFolder(t);
  writeFileSync(join(folder, 'a.csv'), 'x');
  const bytes = tool('tar', ['-cf', '-', 'a.csv', './a.csv'], undefined, folder);
  // GNU tar stores the second as a hard link to the first.
  await assert.rejects(decodeAll(tar, bytes), { code: 'codec.unsafe_path' });
  const twice = tool('tar', ['--hard-dereference', '-cf', '-', 'a.csv', './a.csv'], undefined, folder);
  await assert.rejects(decodeAll(tar, twice), { code: 'codec.corrupt', message: /"a.csv" twice/ });
});

test('an archive cut anywhere before its end is truncated, never silently shorter', { skip }, async (t) => {
  const whole = tarOf(t, { 'a.csv': csv.subarray(0, 1_000), 'b.csv': 'b' });
  const end = whole.length - trailingZeros(whole);
  await assert.rejects(decodeAll(tar, Buffer.alloc(0)), { code: 'codec.truncated' });
  for (let cut = 512; cut < end; cut += 101)
    await assert.rejects(decodeAll(tar, whole.subarray(0, cut)), { code: 'codec.truncated' }, `cut at ${cut}`);
});

function trailingZeros(bytes: Buffer): number {
  let count = 0;
  while (bytes[bytes.length - 1 - count] === 0) count++;
  return count;
}

test('a damaged header is found, and so is what follows the end', { skip }, async (t) => {
  const whole = tarOf(t, { 'a.csv': 'a', 'b.csv': 'b' });
  const second = whole.indexOf('b.csv');
  const damaged = Buffer.from(whole);
  damaged[second]! ^= 1;
  await assert.rejects(decodeAll(tar, damaged), { code: 'codec.corrupt', message: /checksum of a header/ });
  await assert.rejects(decodeAll(tar, Buffer.concat([whole, whole])), { code: 'codec.corrupt', hint: /tar -A/ });
});

test('data of another kind is named for what it looks like', async () => {
  await assert.rejects(decodeAll(tar, csv, { name: 'a.tar' }), {
    code: 'codec.corrupt',
    message: '"a.tar" is not in tar format: it looks like plain text',
  });
});

test('no flipped bit of a header moves a content to another name or size', { skip }, async (t) => {
  const whole = tarOf(t, { 'a.csv': 'content of a', 'b.csv': 'content of b' }, '--format=pax');
  const contents = ['content of a', 'content of b'];
  for (let at = 0; at < whole.length - trailingZeros(whole); at += 3) {
    const damaged = Buffer.from(whole);
    damaged[at]! ^= 1 << (at % 7);
    const outcome = await decodeAll(tar, damaged).catch((error: { name: string }) => error);
    if (outcome.name === 'GranaryError') continue;
    const found = Object.entries(outcome as Record<string, Buffer>);
    assert.deepEqual(found.map(([path]) => path).sort(), ['a.csv', 'b.csv'], `byte ${at}`);
    // tar has no checksum over contents: one bit of one of them may have been hit.
    assert.ok(
      found.some(([, body]) => contents.includes(body.toString())),
      `byte ${at}`,
    );
  }
});
