/** What the machine itself has stopped is not overtaken: tables and books do not depend on when the need was over. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DEAD_LETTERS, type DeadLetterDoc, deadLetterId } from '../src/model/dead-letters.ts';
import { OBJECTS, type ObjectDoc } from '../src/model/objects.ts';
import { putWrite } from '../src/ports/state-store.ts';
import { compilePipeline } from '../src/project/machines/compile.ts';
import { findPipeline } from '../src/project/pipelines.ts';
import { openRuntime, type Runtime } from '../src/runtime/runtime.ts';
import { land } from '../src/stages/collect/land.ts';
import { poll } from '../src/stages/collect/poll.ts';
import { makeProject, rowsOf } from './support/projects.ts';

const SOURCES = {
  'sources/shop.yaml': `connector: { type: folder, path: inbox }
datasets:
  stock:
    files: 'stock_{date:yyyyMMdd}.csv'
    columns: { sku: text, pieces: integer }
    load: { strategy: merge, key: sku }
  sales:
    files: 'sales_{date:yyyyMMdd}.csv'
    columns: { id: bigint, sku: text }
    lookups: [{ table: stock, on: { sku: sku }, take: { known: pieces }, missing: reject }]
`,
  'inbox/stock_20261101.csv': 'sku,pieces\nA,1\nB,1\n',
  'inbox/stock_20261102.csv': 'sku,pieces\nA,2\n',
  'inbox/sales_20261101.csv': 'id,sku\n1,B\n',
};

async function landed(t: TestContext): Promise<{ runtime: Runtime; first: ObjectDoc }> {
  const dir = await makeProject(t, SOURCES);
  const runtime = await openRuntime({ dir, command: 'test' });
  t.after(() => runtime.close());
  const { context } = runtime;
  const { list } = await poll({ run: 'r0', source: 'shop', list: 'runs/r0/list.jsonl' }, context);
  let text = '';
  for await (const chunk of await context.objects.get(list!)) text += Buffer.from(chunk).toString();
  for (const line of text.trim().split('\n')) await land({ run: 'r0', ...JSON.parse(line) }, context);
  let first: ObjectDoc | undefined;
  for await (const o of context.state.query(OBJECTS, { index: 'dataset', equals: ['main/shop/stock'] })) first ??= o;
  return { runtime, first: first! };
}

function letterOf(object: ObjectDoc, error: string): DeadLetterDoc {
  const at = new Date().toISOString();
  return {
    id: deadLetterId('object', object.id),
    status: 'open',
    kind: 'object',
    dataset: object.dataset,
    tenant: 'main',
    source: 'shop',
    pipeline: 'shop',
    run: 'r0',
    state: 'Curate',
    ref: object.id,
    payload: { object: object.id, dataset: object.dataset, bytes: object.bytes },
    name: object.file,
    bytes: object.bytes,
    error,
    reason: 'for the test',
    hint: null,
    transient: false,
    openedAt: at,
    updatedAt: at,
    history: [{ at, what: 'gave up', run: 'r0', error: 'for the test', by: null }],
  };
}

/** A run that nobody asked to try everything. */
async function scheduled(runtime: Runtime, retry = false) {
  const pipelines = await runtime.pipelines();
  const pipeline = findPipeline(runtime.project, 'shop')!;
  const machine = compilePipeline(runtime.project, pipeline);
  const { id } = await pipelines.start({
    pipeline: 'shop',
    machine,
    input: { trigger: 'schedule', retry_dead_letters: retry },
  });
  return pipelines.finish(id);
}

const stock = (runtime: Runtime) => rowsOf(runtime, 'SELECT sku, pieces FROM stock ORDER BY sku');
const tables = async (runtime: Runtime) => (await runtime.context.warehouse.describe()).map((t) => t.name);

test('behind an object that a full disk has stopped its dataset waits, and so does what looks things up in its table', async (t) => {
  const { runtime, first } = await landed(t);
  await runtime.context.state.transact([putWrite(DEAD_LETTERS, letterOf(first, 'store.disk_full'))]);
  const doc = await scheduled(runtime);
  assert.equal(doc.status, 'succeeded');
  assert.ok(!(await tables(runtime)).includes('stock'));
  assert.ok(!(await tables(runtime)).includes('sales'));

  assert.equal((await scheduled(runtime, true)).status, 'succeeded');
  assert.deepEqual(await stock(runtime), [
    ['A', 2],
    ['B', 1],
  ]);
  assert.deepEqual(await rowsOf(runtime, 'SELECT id, known FROM sales'), [[1, 1]]);
  assert.deepEqual(
    await rowsOf(
      runtime,
      `SELECT o.name, b.loaded::INT, b.deduplicated::INT FROM granary.books b JOIN granary.objects o ON o.id = b.object_id
       WHERE b."table" = 'main.stock' ORDER BY o.name`,
    ),
    [
      ['stock_20261101.csv', 2, 0],
      ['stock_20261102.csv', 1, 0],
    ],
  );
});

test('behind an object that is bad itself nothing waits', async (t) => {
  const { runtime, first } = await landed(t);
  await runtime.context.state.transact([putWrite(DEAD_LETTERS, letterOf(first, 'curate.failed'))]);
  await scheduled(runtime);
  assert.deepEqual(await stock(runtime), [['A', 2]]);
});
