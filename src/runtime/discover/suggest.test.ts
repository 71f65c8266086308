import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiscoveredColumn } from '../../ports/format.ts';
import { datasetName, suggestKeys } from './suggest.ts';

test('a dataset is named after the words of its files, and never like another', () => {
  assert.equal(datasetName('sales_{date:yyyyMMdd}.csv.gz', 'sales_{date:yyyyMMdd}.csv', 'erp', new Set()), 'sales');
  assert.equal(
    datasetName('crm/{date:yyyy-MM-dd}/Customers.json', 'crm/{date:yyyy-MM-dd}/Customers.json', 'erp', new Set()),
    'customers',
  );
  assert.equal(datasetName('{part_1}.csv', '{part_1}.csv', 'erp', new Set()), 'data');
  assert.equal(datasetName('pos/{part_1}.csv', 'pos/{part_1}.csv', 'erp', new Set()), 'pos');
  assert.equal(datasetName('crm/list.csv', 'crm/list.csv', 'erp', new Set(['list'])), 'crm_list');
  assert.equal(datasetName('list.csv', 'list.csv', 'erp', new Set(['list', 'erp_list'])), 'list_2');
  assert.equal(datasetName('list.csv', 'list.csv', 'erp', new Set(['list'])), 'erp_list');
});

const column = (source: string, over: Partial<DiscoveredColumn> = {}): DiscoveredColumn => ({
  source,
  type: 'text',
  nullable: false,
  unique: true,
  examples: [],
  ...over,
});

test('keys are columns that told every row apart, those named like keys first', () => {
  const columns = [
    column('name'),
    column('price', { type: 'decimal(12,2)' }),
    column('sold_at', { type: 'timestamp' }),
    column('sale_id', { type: 'bigint' }),
    column('email', { nullable: true }),
    column('city', { unique: false }),
  ];
  assert.deepEqual(suggestKeys(columns), [['sale_id'], ['name']]);
});
