import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addDays, type Calendar, daysBetween, isBusinessDay, nextBusinessDay } from './calendar.ts';
import { instantOf, isTimeZone, startOfDay, wallTime } from './time-zone.ts';

const retail: Calendar = {
  name: 'retail',
  timeZone: 'Europe/Berlin',
  weekend: [0, 6],
  holidays: ['2026-04-03', '12-25'],
};
const iso = (instant: number) => new Date(instant).toISOString();

test('weekends and holidays are no business days, and a yearly holiday is one in every year', () => {
  assert.equal(isBusinessDay(retail, '2026-11-25'), true);
  assert.equal(isBusinessDay(retail, '2026-11-28'), false);
  assert.equal(isBusinessDay(retail, '2026-04-03'), false);
  assert.equal(isBusinessDay(retail, '2026-12-25'), false);
  assert.equal(isBusinessDay(retail, '2028-12-25'), false);
  assert.equal(isBusinessDay(retail, '2028-04-03'), true);
});

test('business days are found in both directions across a long weekend', () => {
  assert.equal(nextBusinessDay(retail, '2026-04-02'), '2026-04-06');
  assert.equal(nextBusinessDay(retail, '2026-04-06', -1), '2026-04-02');
  assert.deepEqual(daysBetween('2026-04-01', '2026-04-07', retail), [
    '2026-04-01',
    '2026-04-02',
    '2026-04-06',
    '2026-04-07',
  ]);
});

test('a calendar without business days has no next one', () => {
  assert.equal(nextBusinessDay({ ...retail, weekend: [0, 1, 2, 3, 4, 5, 6] }, '2026-01-01'), undefined);
});

test('days go over a leap day', () => {
  assert.equal(addDays('2028-02-28', 1), '2028-02-29');
  assert.equal(addDays('2026-03-01', -1), '2026-02-28');
  assert.equal(daysBetween('2028-02-27', '2028-03-01').length, 4);
});

test('wall times are those of the zone', () => {
  assert.deepEqual(wallTime(Date.parse('2026-07-01T22:30:00Z'), 'Europe/Berlin'), {
    date: '2026-07-02',
    time: '00:30:00',
  });
  assert.deepEqual(wallTime(Date.parse('2026-01-01T00:30:00Z'), 'America/New_York'), {
    date: '2025-12-31',
    time: '19:30:00',
  });
  assert.equal(iso(instantOf('2026-07-01', '05:00', 'Europe/Berlin')), '2026-07-01T03:00:00.000Z');
  assert.equal(iso(instantOf('2026-01-01', '05:00', 'Asia/Kathmandu')), '2025-12-31T23:15:00.000Z');
});

test('a wall time that clocks skip is the end of the gap', () => {
  assert.equal(iso(instantOf('2026-03-29', '02:30', 'Europe/Berlin')), '2026-03-29T01:00:00.000Z');
  assert.equal(iso(instantOf('2026-03-08', '02:01', 'America/New_York')), '2026-03-08T07:00:00.000Z');
  // Midnight itself does not exist there on that day.
  assert.equal(iso(startOfDay('2026-04-24', 'Africa/Cairo')), '2026-04-23T22:00:00.000Z');
});

test('a wall time that clocks show twice is the first of the two', () => {
  assert.equal(iso(instantOf('2026-10-25', '02:30', 'Europe/Berlin')), '2026-10-25T00:30:00.000Z');
  assert.equal(iso(instantOf('2026-11-01', '01:30', 'America/New_York')), '2026-11-01T05:30:00.000Z');
});

test('wall time and instant are inverse on every hour of a year, but for the hours that clocks repeat', () => {
  for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe']) {
    let repeated = 0;
    for (let t = Date.parse('2026-01-01T00:00:00Z'); t < Date.parse('2027-01-01T00:00:00Z'); t += 3_600_000) {
      const { date, time } = wallTime(t, zone);
      if (instantOf(date, time, zone) !== t) repeated++;
    }
    assert.ok(repeated <= 1, `${zone}: ${repeated}`);
  }
});

test('zones are known or not', () => {
  assert.equal(isTimeZone('Europe/Berlin'), true);
  assert.equal(isTimeZone('Europe/Berln'), false);
});
