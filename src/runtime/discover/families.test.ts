import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileNamePattern } from '../../project/name-pattern.ts';
import { groupFamilies } from './families.ts';

const files = (...paths: string[]) => paths.map((path) => ({ path, bytes: 1, modifiedAt: undefined }));
const patterns = (...paths: string[]) => groupFamilies(files(...paths)).map((f) => f.pattern);

test('a date in a name becomes a date part, whatever its form', () => {
  assert.deepEqual(patterns('sales_20261119.csv.gz.pgp', 'sales_20261120.csv.gz.pgp'), [
    'sales_{date:yyyyMMdd}.csv.gz.pgp',
  ]);
  assert.deepEqual(patterns('crm/2026-11-19/customers.json'), ['crm/{date:yyyy-MM-dd}/customers.json']);
  assert.deepEqual(patterns('log_20261119_043000.ndjson'), ['log_{date:yyyyMMdd_HHmmss}.ndjson']);
  assert.deepEqual(patterns('19.11.2026 umsatz.csv'), ['{date:dd.MM.yyyy} umsatz.csv']);
  assert.deepEqual(patterns('budget_202611.xlsx'), ['budget_{date:yyyyMM}.xlsx']);
});

test('other numbers become parts that are named after the word before them, when they differ', () => {
  assert.deepEqual(patterns('store_042_20261119.csv', 'store_007_20261119.csv'), ['store_{store}_{date:yyyyMMdd}.csv']);
  assert.deepEqual(patterns('store_042_20261119.csv', 'store_042_20261120.csv'), ['store_042_{date:yyyyMMdd}.csv']);
  assert.deepEqual(patterns('12/7.csv', '13/8.csv'), ['{part_1}/{part_2}.csv']);
});

test('eight digits that can be no date are a number', () => {
  assert.deepEqual(patterns('order_99999999.csv', 'order_88888888.csv'), ['order_{order}.csv']);
});

test('digits of endings and of words are letters', () => {
  assert.deepEqual(patterns('dump.csv.bz2', 'v2_list.csv'), ['dump.csv.bz2', 'v2_list.csv']);
});

test('families are told apart by what is not a number, the largest first, each with its newest file first', () => {
  const found = groupFamilies(files('a_20261118.csv', 'b.csv', 'a_20261120.csv', 'a_20261119.csv'));
  assert.deepEqual(
    found.map((f) => [f.pattern, f.files.map((x) => x.path)]),
    [
      ['a_{date:yyyyMMdd}.csv', ['a_20261120.csv', 'a_20261119.csv', 'a_20261118.csv']],
      ['b.csv', ['b.csv']],
    ],
  );
});

test('every pattern takes every file of its family', () => {
  const odd = files(
    'a{1}*_20261119.csv',
    'x?y_3.csv',
    'x?y_4.csv',
    '20261119/20261119_1.csv',
    '20261118/20261118_2.csv',
    '2026.11.19.csv',
    'Ümlaut 12 (3).xlsx',
  );
  for (const { pattern, files: members } of groupFamilies(odd))
    for (const f of members) assert.ok(compileNamePattern(pattern).match(f.path), `${pattern} takes ${f.path}`);
});
