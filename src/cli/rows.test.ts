import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvField, type RowFormat, writeRows } from './rows.ts';

const columns = [
  { name: 'id', type: 'integer' },
  { name: 'note', type: 'text' },
];

async function written(format: RowFormat, ...batches: unknown[][][]): Promise<string> {
  let out = '';
  const result = {
    columns,
    batches: (async function* () {
      yield* batches;
    })(),
    truncated: () => false,
  };
  const rows = await writeRows(format, result, async (text) => {
    out += text;
  });
  assert.equal(rows, batches.flat().length);
  return out;
}

test('CSV tells null from empty text, and quotes what a reader would misread', () => {
  assert.equal(
    [null, '', 'a,b', 'say "x"', 'two\nlines', ' padded', 7, true].map(csvField).join('|'),
    '|""|"a,b"|"say ""x"""|"two\nlines"|" padded"|7|true',
  );
});

test('CSV has its header once, also without rows', async () => {
  assert.equal(await written('csv', [[1, 'a']], [[2, null]]), 'id,note\n1,a\n2,\n');
  assert.equal(await written('csv'), 'id,note\n');
});

test('JSON is one document whatever the number of batches', async () => {
  assert.deepEqual(JSON.parse(await written('json', [[1, 'a']], [[2, null]])), [
    { id: 1, note: 'a' },
    { id: 2, note: null },
  ]);
  assert.deepEqual(JSON.parse(await written('json')), []);
});

test('NDJSON is a document a line', async () => {
  assert.deepEqual(
    (
      await written('ndjson', [
        [1, 'a'],
        [2, 'b'],
      ])
    )
      .trimEnd()
      .split('\n')
      .map((l) => JSON.parse(l)),
    [
      { id: 1, note: 'a' },
      { id: 2, note: 'b' },
    ],
  );
});
