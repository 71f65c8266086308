import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isInDatasets } from './names.ts';

test('a name chooses its dataset, a source all of its datasets, and none chooses everything', () => {
  assert.ok(isInDatasets('main/pos/sales', ['pos.sales']));
  assert.ok(isInDatasets('main/pos/sales', ['crm', 'pos']));
  assert.ok(isInDatasets('main/pos/sales', []));
  assert.ok(!isInDatasets('main/pos/sales', ['pos.sale', 'po']));
});
