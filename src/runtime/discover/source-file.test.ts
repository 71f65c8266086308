import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DraftDataset } from '../../project/source-yaml.ts';
import { sourceYaml } from './source-file.ts';

const dataset: DraftDataset = {
  name: 'stock',
  files: 'stock_*.csv',
  format: { type: 'csv', inferred: true, settings: {} },
  columns: [{ source: 'sku', type: 'text', nullable: false, unique: true, examples: [] }],
  rowsSeen: 3,
  suggestedKeys: [['sku']],
  notes: [],
};
const draft = { name: 'shop', connector: { type: 'folder', path: 'inbox' }, datasets: [dataset] };

test('datasets are added to a file that is there, and every comment and setting in it stays', () => {
  const before = `# Ours.
connector: { type: folder, path: inbox } # the share
datasets:
  # Nightly.
  sales:
    files: sales_*.csv
    columns: { id: bigint }
`;
  const after = sourceYaml(draft, before);
  assert.ok(after.startsWith(before.trimEnd()), after);
  assert.match(after, /\n\n {2}stock:\n {4}files: stock_\*\.csv\n/);
  assert.match(after, /# load: \{ strategy: merge, key: \[sku\] \}/);
});

test('a file without datasets gets them', () => {
  for (const before of [
    'connector: { type: folder, path: inbox }\n',
    'connector: { type: folder, path: inbox }\ndatasets: {}\n',
    'connector: { type: folder, path: inbox }\ndatasets:\n',
  ])
    assert.match(
      sourceYaml(draft, before),
      /^connector: \{ type: folder, path: inbox \}\ndatasets:\n {2}stock:\n {4}files: stock_\*\.csv\n/,
    );
});
