import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Looks, pollInterval, withArrival } from './poll-interval.ts';

const bounds = { min: 10_000, max: 300_000 };
const at = (text: string) => Date.parse(`2026-11-25T${text}Z`);
const looks = (more: Partial<Looks> = {}): Looks => ({
  idle: 0,
  errors: 0,
  lastArrival: undefined,
  usual: [],
  ...more,
});

test('a source where nothing comes is looked at less and less, up to the longest time', () => {
  const waits = [0, 1, 2, 20, 10_000].map((idle) => pollInterval(looks({ idle }), bounds, at('12:00:00')));
  assert.deepEqual(waits, [10_000, 15_000, 22_500, 300_000, 300_000]);
});

test('after an arrival it is looked at most often, for ten minutes', () => {
  const after = looks({ idle: 50, lastArrival: at('12:00:00') });
  assert.equal(pollInterval(after, bounds, at('12:09:59')), 10_000);
  assert.equal(pollInterval(after, bounds, at('12:10:00')), 300_000);
});

test('errors double the time up to the longest', () => {
  const waits = [1, 2, 3, 9, 5000].map((errors) => pollInterval(looks({ errors }), bounds, at('12:00:00')));
  assert.deepEqual(waits, [10_000, 20_000, 40_000, 300_000, 300_000]);
});

test('around the time at which files usually come it is looked at most often, and it wakes for that time', () => {
  let usual: number[] = [];
  let last: number | undefined;
  for (let day = 1; day <= 5; day++) {
    const arrival = Date.parse(`2026-11-0${day}T05:20:00Z`);
    usual = withArrival(usual, arrival, last);
    last = arrival;
  }
  const idle = looks({ idle: 50, usual });
  assert.equal(pollInterval(idle, bounds, at('05:16:00')), 10_000);
  assert.equal(pollInterval(idle, bounds, at('05:05:00')), 10_000);
  assert.equal(pollInterval(idle, bounds, at('04:58:00')), 120_000);
  assert.equal(pollInterval(idle, bounds, at('06:00:00')), 300_000);
  // A month without files at that time, and others come: the habit is forgotten.
  for (let day = 1; day <= 28; day++) {
    const arrival = Date.parse(`2026-12-${String(day).padStart(2, '0')}T20:00:00Z`);
    usual = withArrival(usual, arrival, last);
    last = arrival;
  }
  assert.equal(pollInterval(looks({ idle: 50, usual }), bounds, at('05:16:00')), 300_000);
});
