import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DraftDataset } from '../../project/source-yaml.ts';
import { mergeAlike } from './merge.ts';

function candidate(files: string, columns = ['sku', 'qty']): DraftDataset {
  return {
    name: files.split(/[_.]/)[0]!,
    files,
    format: { type: 'csv', inferred: true, settings: {} },
    columns: columns.map((source) => ({ source, type: 'text', nullable: false, unique: false, examples: [] })),
    rowsSeen: 1,
    suggestedKeys: [],
    notes: [],
  };
}
const merge = (...c: DraftDataset[]) => mergeAlike(c, () => 'merged').map((d) => d.files);

test('files of three stores are one dataset with the store as a part of the name', () => {
  const found = mergeAlike(
    [
      candidate('stock_north_{date:yyyyMMdd}.csv'),
      candidate('stock_south_{date:yyyyMMdd}.csv'),
      candidate('stock_west_{date:yyyyMMdd}.csv'),
    ],
    () => 'stock',
  );
  assert.deepEqual(
    found.map((d) => d.files),
    ['stock_{part}_{date:yyyyMMdd}.csv'],
  );
  assert.equal(found[0]!.name, 'stock');
  assert.match(found[0]!.notes[0]!, /north, south, west .* part: \{ from_name: part \}/);
});

test('folders can be the part as well', () => {
  assert.deepEqual(merge(candidate('north/stock.csv'), candidate('south/stock.csv'), candidate('west/stock.csv')), [
    '{part}/stock.csv',
  ]);
});

test('two alike, other columns, and other endings stay what they are', () => {
  assert.deepEqual(merge(candidate('orders.csv'), candidate('returns.csv')), ['orders.csv', 'returns.csv']);
  assert.deepEqual(merge(candidate('a_x.csv'), candidate('b_x.csv', ['sku']), candidate('c_x.csv')), [
    'a_x.csv',
    'b_x.csv',
    'c_x.csv',
  ]);
  assert.deepEqual(merge(candidate('x.csv'), candidate('x.txt'), candidate('x.dat')), ['x.csv', 'x.txt', 'x.dat']);
});
