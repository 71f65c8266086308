import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUnusual, THRESHOLDS, usualAmount } from './volume.ts';

const samples = (season: string, values: number[]) => values.map((value) => ({ season, value }));
const wednesdays = samples('3', [1200, 1250, 1300, 1350, 1400]);

test('an amount is compared with those of its own weekday once there are five of them', () => {
  const all = [...wednesdays, ...samples('0', [100, 110, 120, 130, 140])];
  const usual = usualAmount(all, '3', THRESHOLDS.normal)!;
  assert.equal(usual.basis, 'season');
  assert.equal(isUnusual(312, usual), 'low');
  assert.equal(isUnusual(1280, usual), undefined);
  assert.equal(isUnusual(9000, usual), 'high');
  assert.equal(usualAmount(all, '1', THRESHOLDS.normal)!.basis, 'all');
});

test('fewer than five amounts say nothing', () => {
  assert.equal(usualAmount(wednesdays.slice(1), '3', THRESHOLDS.normal), undefined);
});

test('an outlier of the past does not hide the next one', () => {
  const usual = usualAmount([...wednesdays, ...samples('3', [1e6, 1275, 1325])], '3', THRESHOLDS.normal)!;
  assert.equal(isUnusual(1e6, usual), 'high');
});

test('after a history that was always the same a few rows more are not unusual, and twice as many are', () => {
  const usual = usualAmount(samples('3', [1000, 1000, 1000, 1000, 1000]), '3', THRESHOLDS.normal)!;
  assert.equal(isUnusual(1050, usual), undefined);
  assert.equal(isUnusual(2000, usual), 'high');
});
