import assert from 'node:assert/strict';
import { test } from 'node:test';
import { together } from './stage-members.ts';

test('small payloads are staged together in order, 64 at most, and large ones alone', () => {
  const small = { bytes: 1000 };
  const large = { bytes: 2e6 };
  const sizes = (payloads: { bytes: number }[]) => together(payloads).map((group) => group.length);
  assert.deepEqual(sizes(Array.from({ length: 130 }, () => small)), [64, 64, 2]);
  assert.deepEqual(sizes([small, small, large, large, small]), [2, 1, 1, 1]);
  assert.deepEqual(sizes([]), []);
});
