import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readChoice } from './choice.ts';

const NAMES = ['shop.orders', 'shop.items', 'crm.contacts', '2026', 'sales_{date:yyyyMMdd}.csv'];

test('numbers, ranges, names, patterns and all choose from the list, in its order and once', () => {
  assert.deepEqual(readChoice('3 1', NAMES), [0, 2]);
  assert.deepEqual(readChoice('2-3, 1..2', NAMES), [0, 1, 2]);
  assert.deepEqual(readChoice('shop.* 1', NAMES), [0, 1]);
  assert.deepEqual(readChoice('SHOP.ORDERS', NAMES), [0]);
  assert.deepEqual(readChoice('2026', NAMES), [3]);
  assert.deepEqual(readChoice('sales_{date:yyyyMMdd}.csv', NAMES), [4]);
  assert.deepEqual(readChoice('all', NAMES), [0, 1, 2, 3, 4]);
});

test('what is not in the list is said, and nothing is chosen', () => {
  assert.equal(readChoice('0', NAMES), '"0" is not within 1 to 5.');
  assert.equal(readChoice('4-9', NAMES), '"4-9" is not within 1 to 5.');
  assert.equal(readChoice('3-1', NAMES), '"3-1" is not within 1 to 5.');
  assert.equal(readChoice('1 ordres', NAMES), 'Nothing in the list is called "ordres".');
  assert.equal(readChoice(' , ', NAMES), 'Nothing is chosen.');
});
