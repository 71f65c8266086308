/** Verification: what fails goes to quarantine whole, with every reason, and comes back after a fix or a release. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { GpgHome, whyNoGpg } from '../src/codecs/openpgp/test-gpg.ts';
import { encryptWithPassphrase } from '../src/codecs/openpgp/write.ts';
import type { Reason } from '../src/model/objects.ts';
import { OBJECTS } from '../src/model/objects.ts';
import { release, replay } from '../src/runtime/replay.ts';
import { makeProject, queryProject, rowsOf, runProject, writeFiles } from './support/projects.ts';

const source = (rest: string, files = 'sales.csv') =>
  `connector: {type: folder, path: inbox}\ndatasets:\n  sales:\n    files: "${files}"\n    columns: {id: bigint, amount: "decimal(10,2)"}\n${rest}`;
const GOOD = 'id,amount\n1,1.50\n2,2.25\n';

/** Runs a project with one file and returns why it is in quarantine. */
async function reasonsFor(
  t: Parameters<typeof makeProject>[0],
  rest: string,
  file: string,
  content: string | Uint8Array,
  more: Record<string, string | Uint8Array> = {},
): Promise<Reason[]> {
  const dir = await makeProject(t, { 'sources/shop.yaml': source(rest, file), [`inbox/${file}`]: content, ...more });
  let reasons: Reason[] = [];
  const { doc, events } = await runProject(dir, async (r) => {
    for await (const o of r.context.state.query(OBJECTS, { index: 'status', equals: ['quarantined'] })) {
      reasons = o.reasons;
      const info = await r.context.objects.head(o.key);
      assert.equal(info?.bytes, Buffer.byteLength(content as string), 'the original is kept whole');
    }
  });
  assert.deepEqual(doc.errors, []);
  assert.equal(events.filter((e) => e.type === 'quarantined').length, reasons.length > 0 ? 1 : 0);
  return reasons;
}
const codes = (reasons: Reason[]) => reasons.map((r) => r.code);

test('a good file with a matching control file, checksum and trailer is loaded', async (t) => {
  const content = `${GOOD}TRL;2;3.75\n`;
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(`    verify:
      checksum: {file: "{name}.sha256"}
      control_file: {file: "{name}.ctl", pattern: "rows=(?<rows>\\\\d+) bytes=(?<bytes>\\\\d+)"}
      trailer: {pattern: "^TRL;(?<rows>\\\\d+);(?<sum_amount>[\\\\d.]+)$"}
`),
    'inbox/sales.csv': content,
    'inbox/sales.csv.sha256': `${createHash('sha256').update(content).digest('hex')}  sales.csv\n`,
    'inbox/sales.csv.ctl': `rows=2 bytes=${content.length}\n`,
  });
  const { doc } = await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT sum(amount), count(*) FROM sales'), [['3.75', 2]]);
    assert.deepEqual(await rowsOf(r, 'SELECT declared_rows FROM granary.books'), [[2]]);
  });
  assert.deepEqual(doc.errors, []);
});

test('every declared total that is wrong is a reason of its own', async (t) => {
  const reasons = await reasonsFor(
    t,
    `    verify:
      min_bytes: 1 KB
      min_rows: 10
      checksum: {file: "{name}.md5", algorithm: md5}
      control_file: {file: "{name}.ctl", pattern: "rows=(?<rows>\\\\d+)"}
`,
    'sales.csv',
    GOOD,
    { 'inbox/sales.csv.md5': `${'0'.repeat(32)}\n`, 'inbox/sales.csv.ctl': 'rows=3' },
  );
  assert.deepEqual(codes(reasons).sort(), ['checksum', 'declared_rows', 'too_few_rows', 'too_small']);
});

test('a reason counts one record as one record', async (t) => {
  const reasons = await reasonsFor(t, '    verify: {min_rows: 2}\n', 'sales.csv', 'id,amount\n1,1.50\n');
  assert.deepEqual(reasons, [{ code: 'too_few_rows', message: 'It has 1 record, expected are at least 2.' }]);
});

test('a declared sum that does not add up sets the object aside', async (t) => {
  const reasons = await reasonsFor(
    t,
    '    verify: {trailer: {pattern: "^TRL;(?<sum_amount>[\\\\d.]+)$"}}\n',
    'sales.csv',
    `${GOOD}TRL;9.99\n`,
  );
  assert.deepEqual(reasons, [{ code: 'declared_sum', message: 'The sum of amount is 3.75, declared is 9.99.' }]);
});

test('a file without its trailer is cut off', async (t) => {
  const reasons = await reasonsFor(t, '    verify: {trailer: {pattern: "^TRL;(?<rows>\\\\d+)$"}}\n', 'sales.csv', GOOD);
  assert.ok(codes(reasons).includes('trailer_missing'), JSON.stringify(reasons));
});

test('a truncated gzip is refused however little is missing', async (t) => {
  const whole = gzipSync(GOOD.repeat(2000));
  for (const cut of [1, 8, 9, Math.floor(whole.length / 2)]) {
    const reasons = await reasonsFor(t, '', 'sales.csv.gz', whole.subarray(0, whole.length - cut));
    assert.deepEqual(codes(reasons), ['codec.truncated'], `cut ${cut}: ${JSON.stringify(reasons)}`);
  }
});

test('a flipped bit in a gzip is found', async (t) => {
  const bad = Buffer.from(gzipSync(GOOD.repeat(2000)));
  bad[bad.length - 6]! ^= 1;
  assert.deepEqual(codes(await reasonsFor(t, '', 'sales.csv.gz', bad)), ['codec.corrupt']);
});

test('an encrypted file is read with its passphrase; with a wrong one it is set aside and comes in after the secret is corrected', async (t) => {
  const encrypted = Buffer.concat(await Array.fromAsync(encryptWithPassphrase(gzipSync(GOOD), 'right passphrase')));
  const project = (passphrase: string) =>
    source(`    unpack: [{type: openpgp, passphrase: "${passphrase}"}, gzip]\n`, 'sales.csv.gz.pgp');
  const dir = await makeProject(t, {
    'sources/shop.yaml': project('wrong passphrase'),
    'inbox/sales.csv.gz.pgp': encrypted,
  });
  const { events } = await runProject(dir);
  const held = events.find((e) => e.type === 'quarantined');
  assert.deepEqual(
    held?.reasons.map((r) => r.code),
    ['codec.bad_passphrase'],
  );
  await writeFiles(dir, { 'sources/shop.yaml': project('right passphrase') });
  await runProject(dir, async (r) => void (await replay({ quarantined: true }, r.context)));
  const { doc } = await runProject(dir);
  assert.equal(doc.totals.loaded, 2);
});

test('key files of a sender are found in the project folder, wherever granary was started', {
  skip: whyNoGpg(),
}, async (t) => {
  const gpg = new GpgHome();
  t.after(() => gpg.close());
  gpg.makeKey('vendor', ['Key-Type: eddsa', 'Key-Curve: ed25519', 'Key-Usage: sign']);
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    unpack: [{type: openpgp, signed_by_file: [keys/vendor.asc]}]\n', 'sales.csv.pgp'),
    'keys/vendor.asc': gpg.publicKey('vendor'),
    'inbox/sales.csv.pgp': gpg.run(['--sign', '--local-user', 'vendor@test.invalid'], GOOD),
  });
  const { doc } = await runProject(dir);
  assert.deepEqual(doc.errors, []);
  assert.equal(doc.totals.loaded, 2);
});

test('an object in quarantine can be released by a person, whatever was declared', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    verify: {min_rows: 10}\n'),
    'inbox/sales.csv': GOOD,
  });
  await runProject(dir, async (r) => void (await release('sales.csv', r.context)));
  const { doc } = await runProject(dir);
  assert.equal(doc.totals.loaded, 2);
});

test('archives with paths that escape, and bombs, are refused', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'granary-zip-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const python = (script: string) => execFileSync('python3', ['-c', script], { cwd: folder });
  python(
    "import zipfile; z=zipfile.ZipFile('escape.zip','w'); z.writestr('../../etc/sales.csv','id,amount\\n1,1\\n'); z.close()",
  );
  python(
    "import zipfile; z=zipfile.ZipFile('bomb.zip','w',zipfile.ZIP_DEFLATED); z.writestr('sales.csv', b'0'*300_000_000); z.close()",
  );
  assert.deepEqual(
    codes(await reasonsFor(t, '    format: csv\n', 'escape.zip', readFileSync(join(folder, 'escape.zip')))),
    ['codec.unsafe_path'],
  );
  const reasons = await reasonsFor(
    t,
    '    format: csv\n    verify: {unpacked_max_ratio: 100}\n',
    'bomb.zip',
    readFileSync(join(folder, 'bomb.zip')),
  );
  assert.deepEqual(codes(reasons), ['codec.bomb']);
});

test('members of an archive are one object; every row knows its member and line', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'granary-tar-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'a.csv'), GOOD);
  writeFileSync(join(folder, 'b.csv'), 'id,amount\n3,x\n4,4.00\n');
  execFileSync('tar', ['-czf', 'sales.tgz', 'a.csv', 'b.csv'], { cwd: folder });
  const dir = await makeProject(t, {
    'sources/shop.yaml': source('    format: csv\n', 'sales.tgz'),
    'inbox/sales.tgz': readFileSync(join(folder, 'sales.tgz')),
  });
  await runProject(dir, async (r) => {
    assert.deepEqual(await rowsOf(r, 'SELECT id, _member, _line FROM sales ORDER BY id'), [
      [1, 'a.csv', 2],
      [2, 'a.csv', 3],
      [4, 'b.csv', 3],
    ]);
    assert.deepEqual(await rowsOf(r, 'SELECT member, line, raw FROM granary.rejects'), [['b.csv', 2, '3,x']]);
  });
});

test('an empty file is set aside; a file with only a header is loaded with no rows', async (t) => {
  assert.ok(codes(await reasonsFor(t, '', 'sales.csv', '')).includes('too_small'));
  assert.deepEqual(await reasonsFor(t, '', 'sales.csv', 'id,amount\n'), []);
});

test('another kind of file, 10,000 columns and NUL bytes each end with a reason or rejects, never with a crash', async (t) => {
  assert.deepEqual(codes(await reasonsFor(t, '', 'sales.csv', 'name;city\nAnn;Rome\n')), ['header']);
  const wide = `${Array.from({ length: 10_000 }, (_, i) => `c${i}`).join(',')}\n${Array.from({ length: 10_000 }, () => '1').join(',')}\n`;
  assert.deepEqual(codes(await reasonsFor(t, '', 'sales.csv', wide)), ['header']);
  const dir = await makeProject(t, {
    'sources/shop.yaml': source(''),
    'inbox/sales.csv': 'id,amount\n1,1.00\n\0\0\0,2\n3,3.00\n',
  });
  const { doc } = await runProject(dir);
  assert.deepEqual(doc.errors, []);
  assert.deepEqual([doc.totals.received, doc.totals.loaded, doc.totals.rejected], [3, 2, 1]);
});

test('files in UTF-16, Latin-1 and Windows-1252 give the same rows', async (t) => {
  const text = 'id,name\n1,Zoë\n2,Ünal\n';
  const dir = await makeProject(t, {
    'sources/shop.yaml': `connector: {type: folder, path: inbox}\ndatasets:\n${['utf-16', 'latin-1', 'windows-1252']
      .map(
        (e, i) =>
          `  d${i}: {files: "d${i}.csv", format: {type: csv, encoding: ${e}}, columns: {id: bigint, name: text}}\n`,
      )
      .join('')}`,
    'inbox/d0.csv': Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]),
    'inbox/d1.csv': Buffer.from(text, 'latin1'),
    'inbox/d2.csv': Buffer.from(`${text}3,5 \x80\n`, 'latin1'),
  });
  const { doc } = await runProject(dir);
  assert.deepEqual(doc.errors, []);
  assert.deepEqual(await queryProject(dir, 'SELECT id, name FROM d0 ORDER BY id'), [
    [1, 'Zoë'],
    [2, 'Ünal'],
  ]);
  assert.deepEqual(await queryProject(dir, 'SELECT id, name FROM d1 ORDER BY id'), [
    [1, 'Zoë'],
    [2, 'Ünal'],
  ]);
  assert.deepEqual(await queryProject(dir, 'SELECT id, name FROM d2 ORDER BY id'), [
    [1, 'Zoë'],
    [2, 'Ünal'],
    [3, '5 €'],
  ]);
});
