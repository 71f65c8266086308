/** The demo as a user starts it: what it tells, its books against what its generator has made, and the mails that it has caught. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { makeDeliveries } from '../examples/demo/generate/deliveries.ts';
import { type Mail, readMail } from '../examples/demo/mail/message.ts';
import { SECRETS } from '../examples/demo/setup.ts';
import { differences } from '../examples/demo/show/expected.ts';
import { findBooks, sumByDataset } from '../src/runtime/books.ts';
import { openContext, openProject } from '../src/runtime/context.ts';
import { findDeadLetters } from '../src/runtime/dead-letters.ts';
import { findObjects } from '../src/runtime/inventory.ts';

const run = promisify(execFile);
let parent: string;
let dir: string;
let told: string;

before(async () => {
  parent = await mkdtemp(join(tmpdir(), 'granary-demo-'));
  dir = join(parent, 'marlow');
  const demo = ['examples/demo/demo.ts', '--dir', dir];
  told = (await run(process.execPath, demo, { maxBuffer: 1 << 24 })).stdout;
});
after(() => rm(parent, { recursive: true }));

test('the demo runs to its end and answers its three questions', () => {
  assert.match(told, /Done in/);
  assert.match(told, /What do the six largest shops take in/);
  assert.match(told, /Which articles come back/);
  assert.match(told, /Which courses do people complete/);
});

test('a transfer that breaks is tried again until the file is there', () => {
  const attempts = told.slice(told.indexOf('── The line broke'), told.indexOf('── A file that nobody may read'));
  assert.match(attempts, /^ +1 .*the connection broke.*\n +2 .*421 Too many connections.*\n +3 .*landed ✓/m);
});

test('what gave up is a dead letter, and replayed when its cause is mended', async () => {
  assert.match(told, /open .* crm\.customers .* customers_20261108\.csv\.pgp/);
  await withState(async (context) => {
    const statuses = ['open', 'replaying', 'resolved', 'discarded'] as const;
    const [letter, ...others] = await findDeadLetters({ statuses }, context);
    assert.deepEqual(others, []);
    assert.equal(letter!.status, 'resolved');
    assert.deepEqual(
      letter!.history.map((h) => h.what),
      ['gave up', 'replayed', 'succeeded'],
    );
  });
});

test('the dead letter and the file that is late are told by mail, and that they are over', async () => {
  const mails = await caught();
  assert.deepEqual(
    mails.map((m) => [m.subject, m.to]),
    [
      '[marlow] A dead letter in crm.customers',
      '[marlow] Resolved: A dead letter in crm.customers',
      '[marlow] tills.sales is late',
      '[marlow] Resolved: tills.sales is late',
    ].map((subject) => [subject, 'ops@marlow.example']),
  );
  const [, , late, over] = mails;
  assert.match(
    late!.text.replaceAll(/\s+/g, ' '),
    /was due at 06:00 \(Europe\/Berlin\) on 2026-11-16.* 2 of 3 files came/,
  );
  assert.match(late!.text, /Since: +16 Nov 2026, 06:30/);
  assert.match(late!.html, /<html/);
  assert.match(over!.text, /Until: +16 Nov 2026, 07:\d\d/);
  for (const { subject } of mails) assert.ok(told.includes(`✉ ${subject}`), subject);
});

test('every row that the generator made is in the books, as loaded, filtered, deduplicated or rejected', async () => {
  const { expected } = await makeDeliveries(SECRETS.CRM_PASSPHRASE);
  await withState(async (context) => {
    assert.deepEqual(differences(expected.morning, sumByDataset(await findBooks({}, context))), []);
  });
});

test('the files with mishaps are where they belong', async () => {
  await withState(async (context) => {
    const held = await findObjects({ statuses: ['quarantined'] }, context);
    assert.deepEqual(
      held.map((o) => o.file),
      ['orders_20261110.ndjson'],
    );
    const superseded = await findObjects({ statuses: ['superseded'] }, context);
    assert.deepEqual(superseded.map((o) => o.file).sort(), ['pos_south_20261109.csv.gz', 'pos_west_20261112.csv.gz']);
    const duplicates = await findObjects({ statuses: ['duplicate'] }, context);
    assert.deepEqual(
      duplicates.map((o) => o.file),
      ['completions_20261108_copy.ndjson'],
    );
  });
});

test('no secret of the demo and no e-mail address is told or left in its configuration', async () => {
  const yaml = await readFile(join(dir, 'sources', 'crm.yaml'), 'utf8');
  for (const secret of Object.values(SECRETS)) {
    assert.ok(!told.includes(secret));
    assert.ok(!yaml.includes(secret));
  }
  assert.ok(!told.includes('@example.org'));
});

async function caught(): Promise<Mail[]> {
  const folder = join(dir, 'mail');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort();
  return Promise.all(names.map(async (name) => readMail(await readFile(join(folder, name), 'latin1'))));
}

async function withState(
  use: (context: Awaited<ReturnType<typeof openContext>>['context']) => Promise<void>,
): Promise<void> {
  const { project } = await openProject({ dir });
  const opened = await openContext(project);
  try {
    await use(opened.context);
  } finally {
    await opened.close();
  }
}
