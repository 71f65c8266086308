/** The demo as a user starts it, and its books against what its generator has made. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { makeDeliveries } from '../examples/demo/generate/deliveries.ts';
import { SECRETS } from '../examples/demo/setup.ts';
import { differences } from '../examples/demo/show/expected.ts';
import { findBooks, sumByDataset } from '../src/runtime/books.ts';
import { openContext, openProject } from '../src/runtime/context.ts';
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
  assert.match(told, /What does each shop take in/);
  assert.match(told, /Which articles come back/);
  assert.match(told, /Which courses do people complete/);
});

test('every row that the generator made is in the books, as loaded, filtered, deduplicated or rejected', async () => {
  const { expected } = await makeDeliveries(SECRETS.CRM_PASSPHRASE);
  await withState(async (context) => {
    assert.deepEqual(differences(expected.afterReplay, sumByDataset(await findBooks({}, context))), []);
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
      ['completions_20261107_copy.ndjson'],
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
