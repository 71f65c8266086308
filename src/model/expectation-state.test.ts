import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slotsOf } from './expectation-slots.ts';
import { deliveryOf, judge, type Landed, lateBy, stateOf, usualFiles, usualOf } from './expectation-state.ts';
import type { ExpectationRule } from './expectations.ts';

const rule: ExpectationRule = {
  dataset: 'main/shop/sales',
  tenant: 'main',
  when: { times: ['06:00'] },
  days: 'all',
  calendar: undefined,
  timeZone: 'UTC',
  toleranceMs: 1_800_000,
  carries: 'same_day',
  files: 1,
  dated: true,
  minBytes: undefined,
  maxBytes: undefined,
  minRows: undefined,
  maxRows: undefined,
  volume: { metric: 'rows', threshold: 3.5, windowDays: 56, seasonal: 'weekday' },
  forgive: [],
};
// A Wednesday.
const [slot] = slotsOf(rule, '2026-11-25', '2026-11-25');
const landed = (more: Partial<Landed> = {}): Landed => ({
  id: 'o',
  path: 'a.csv',
  file: 'a.csv',
  version: 1,
  bytes: 1000,
  status: 'loaded',
  landedAt: '2026-11-25T05:50:00.000Z',
  businessDate: '2026-11-25',
  rows: 100,
  ...more,
});
const at = (time: string) => Date.parse(`2026-11-25T${time}Z`);

test('a delivery is due, then late after its tolerance, and missed when the next one is due', () => {
  const nothing = deliveryOf(rule, []);
  const states = ['06:29:59', '06:30:00', '23:59:00'].map((time) => stateOf(rule, slot!, nothing, at(time)));
  assert.deepEqual(states, ['due', 'late', 'late']);
  assert.equal(stateOf(rule, slot!, nothing, at('06:00:00') + 86_400_000), 'missed');
  assert.equal(stateOf({ ...rule, forgive: ['2026-11-25'] }, slot!, nothing, at('12:00:00')), 'forgiven');
  assert.equal(stateOf(rule, slot!, nothing, at('12:00:00'), true), 'forgiven');
});

test('a later version of a file does not make the delivery late, and counts for its size', () => {
  const versions = [landed(), landed({ version: 2, landedAt: '2026-11-25T15:00:00.000Z', rows: 120, bytes: 1200 })];
  const delivery = deliveryOf(rule, versions);
  assert.deepEqual([delivery.files, delivery.rows, delivery.bytes, lateBy(slot!, delivery)], [1, 120, 1200, 0]);
});

test('a delivery of several files has come with the last of them', () => {
  const three = { ...rule, files: 3 };
  const file = (path: string, time: string) => landed({ path, landedAt: `2026-11-25T${time}.000Z` });
  const two = [file('a', '05:00:00'), file('b', '05:10:00')];
  assert.equal(stateOf(three, slot!, deliveryOf(three, two), at('07:00:00')), 'late');
  const all = deliveryOf(three, [...two, file('c', '08:30:00')]);
  assert.deepEqual([stateOf(three, slot!, all, at('09:00:00')), lateBy(slot!, all)], ['arrived', 7_200_000]);
});

test('an unusual amount is explained with what is usual on that day', () => {
  const history = [1180, 1250, 1300, 1330, 1420].map((value) => ({ season: '3', value, files: 1 }));
  const usual = usualOf(rule, slot!, history);
  const { findings } = judge(rule, slot!, deliveryOf(rule, [landed({ rows: 312 })]), usual, true);
  assert.equal(findings[0]!.code, 'rows_unusual');
  assert.match(findings[0]!.message, /^312 rows; usual on a Wednesday: [\d,]+–[\d,]+$/);
  assert.deepEqual(judge(rule, slot!, deliveryOf(rule, [landed({ rows: 1200 })]), usual, true).findings, []);
});

test('as long as more files usually come, too little is not yet too little', () => {
  const history = [1, 2, 3, 4, 5].map(() => ({ season: '3', value: 4500, files: 45 }));
  assert.equal(usualFiles(rule, history), 45);
  const usual = usualOf(rule, slot!, history);
  const first = deliveryOf(rule, [landed()]);
  assert.deepEqual(judge(rule, slot!, first, usual, false), { findings: [], final: false });
  assert.equal(judge(rule, slot!, first, usual, true).findings[0]!.code, 'rows_unusual');
});

test('limits are said before history, and rows are judged when they are counted', () => {
  const strict = { ...rule, minRows: 200, maxBytes: 500 };
  const { findings } = judge(strict, slot!, deliveryOf(strict, [landed()]), undefined, true);
  assert.deepEqual(
    findings.map((f) => f.message),
    ['1.0 kB; at most 500 B expected', '100 rows; at least 200 rows expected'],
  );
  const uncounted = judge(
    { ...strict, maxBytes: undefined },
    slot!,
    deliveryOf(strict, [landed({ rows: null })]),
    undefined,
    true,
  );
  assert.deepEqual(uncounted, { findings: [], final: false });
});

test('files in quarantine and files with the bytes of earlier ones are no small deliveries', () => {
  const strict = { ...rule, minRows: 200 };
  const codes = (status: Landed['status']) =>
    judge(strict, slot!, deliveryOf(strict, [landed({ status, rows: null })]), undefined, true).findings.map(
      (f) => f.code,
    );
  assert.deepEqual([codes('quarantined'), codes('duplicate')], [['quarantined'], ['duplicate']]);
});
