import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { lineOf, load as loadProject, problemLines, salesSource } from '../testing.ts';

const HEAD_LINES = salesSource('').split('\n').length - 1;

/** Problems of the sales dataset with the given lines; positions count from the first of them. */
async function errors(t: TestContext, lines: string): Promise<string[]> {
  const found = await problemLines(t, { 'sources/s.yaml': salesSource(lines) });
  return found.map((text) => text.replace(/^sources\/s.yaml:(\d+):/, (_, line) => `${Number(line) - HEAD_LINES}:`));
}

async function warnings(t: TestContext, lines: string): Promise<string[]> {
  return (await loadProject(t, { 'sources/s.yaml': salesSource(lines) })).warnings.map(lineOf);
}

test('a column of deleted keys is one that is stored, true or false, and of use to the strategy', async (t) => {
  const load = (strategy: string, deleted: string) =>
    `load: { strategy: ${strategy}, key: sale_id, deleted: ${deleted} }\n`;
  const gone = 'computed: { is_gone: "amount < 0" }\n';
  assert.deepEqual(await warnings(t, gone + load('merge', 'is_gone')), []);
  assert.deepEqual(await errors(t, load('snapshot', 'is_gone')), ['1:56 there is no column "is_gone" in this dataset']);
  assert.deepEqual(await errors(t, load('merge', 'store')), [
    '1:53 column "store" is text, and only a boolean can say that a key was deleted',
  ]);
  assert.deepEqual(await errors(t, `${gone}load: { strategy: merge, key: [sale_id, is_gone], deleted: is_gone }\n`), [
    '2:64 column "is_gone" is not in the table, so it can be neither key nor version',
  ]);
  assert.deepEqual(await errors(t, `${gone}load: { strategy: replace, deleted: is_gone }\n`), [
    '2:32 "replace" takes whole objects or partitions, so no row can say that its key was deleted',
  ]);
});

test('datasets that fill one table say in the same column that keys were deleted', async (t) => {
  const dataset = (name: string, load: string) =>
    `  ${name}: { files: "${name}_*.csv", columns: { id: bigint, gone: boolean }, table: t, load: { strategy: merge, key: id${load} } }\n`;
  const head = 'connector: { type: folder, path: inbox }\ndatasets:\n';
  const found = await problemLines(t, { 'sources/s.yaml': head + dataset('a', ', deleted: gone') + dataset('b', '') });
  assert.equal(found.length, 1);
  assert.match(found[0]!, /fills table "t" as s\/a does, but that one has "deleted: gone" in "load" and this one none/);
});
