import assert from 'node:assert/strict';
import { test } from 'node:test';
import { visibleIn } from './visible.ts';

test('a snapshot has seen what ended before it was taken', () => {
  const isVisible = visibleIn('100:110:100,105');
  assert.deepEqual([99, 100, 101, 105, 109, 110, 111].map(isVisible), [true, false, true, false, true, false, false]);
  assert.ok(!visibleIn('110:110:')(110));
  assert.ok(visibleIn('110:110:')(109));
});

test('numbers of transactions begin anew after 32 bits', () => {
  // 2^32 + 10 is the next one; the log has the lower 32 bits.
  const isVisible = visibleIn('4294967290:4294967306:4294967290,4294967300');
  assert.deepEqual([4294967289, 4294967290, 4294967295, 3, 4, 9, 10, 11].map(isVisible), [
    true,
    false,
    true,
    true,
    false,
    true,
    false,
    false,
  ]);
});
