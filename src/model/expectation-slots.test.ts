import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, slotsOf } from './expectation-slots.ts';
import type { ExpectationRule } from './expectations.ts';

const rule: ExpectationRule = {
  dataset: 'main/shop/sales',
  tenant: 'main',
  when: { times: ['02:30'] },
  days: 'all',
  calendar: undefined,
  timeZone: 'Europe/Berlin',
  toleranceMs: 1_800_000,
  carries: 'previous_day',
  files: 1,
  dated: true,
  minBytes: undefined,
  maxBytes: undefined,
  minRows: undefined,
  maxRows: undefined,
  volume: undefined,
  forgive: [],
};
const dues = (r: ExpectationRule, from: string, to: string) =>
  slotsOf(r, from, to).map((s) => `${new Date(s.due).toISOString().slice(0, 16)} for ${s.businessDate}`);

test('a time that clocks skip is due at the end of the gap, and one they show twice at the first', () => {
  assert.deepEqual(dues(rule, '2026-03-28', '2026-03-30'), [
    '2026-03-28T01:30 for 2026-03-27',
    '2026-03-29T01:00 for 2026-03-28',
    '2026-03-30T00:30 for 2026-03-29',
  ]);
  assert.deepEqual(dues(rule, '2026-10-25', '2026-10-25'), ['2026-10-25T00:30 for 2026-10-24']);
});

test('nothing is due on weekends and holidays, and the day after carries the last business day', () => {
  const calendar = { name: 'bank', timeZone: 'Europe/Berlin', weekend: [0, 6], holidays: ['12-25'] };
  const business: ExpectationRule = { ...rule, days: 'business', calendar, carries: 'previous_business_day' };
  assert.deepEqual(dues(business, '2026-12-24', '2026-12-28'), [
    '2026-12-24T01:30 for 2026-12-23',
    '2026-12-28T01:30 for 2026-12-24',
  ]);
});

test('a file belongs to the delivery of its business date, however late it comes', () => {
  const slots = slotsOf(rule, '2026-11-24', '2026-11-26');
  const file = { path: 'a', landedAt: '2026-11-26T12:00:00.000Z', businessDate: '2026-11-23' };
  assert.deepEqual([...assign(rule, slots, [file]).keys()], [slots[0]!.id]);
  assert.equal(assign(rule, slots, [{ ...file, businessDate: '2026-11-01' }]).size, 0);
});
