import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Calendar } from './calendar.ts';
import { cronProblem, firesBetween, nextFire, previousFire, type Schedule, type Trigger } from './schedule.ts';

const at = (text: string) => Date.parse(text);
const iso = (instants: number[]) => instants.map((i) => new Date(i).toISOString().replace(':00.000', ''));
const berlin = 'Europe/Berlin';
const business: Calendar = { name: 'c', timeZone: berlin, weekend: [0, 6], holidays: ['12-25', '2026-12-24'] };

function schedule(trigger: Trigger, more: Partial<Schedule> = {}): Schedule {
  return { trigger, timeZone: berlin, calendar: undefined, days: 'all', missed: 'latest', enabled: true, ...more };
}
const cron = (text: string, more?: Partial<Schedule>) => schedule({ kind: 'cron', cron: text }, more);
const every = (seconds: number, more?: Partial<Schedule>) => schedule({ kind: 'every', seconds }, more);

test('a daily time that the change to summer time skips comes at the end of the gap, once', () => {
  assert.deepEqual(iso(firesBetween(cron('30 2 * * *'), at('2026-03-28T12:00Z'), at('2026-03-30T12:00Z'))), [
    '2026-03-29T01:00Z',
    '2026-03-30T00:30Z',
  ]);
});

test('a daily time that the change to winter time repeats comes once, at the first', () => {
  assert.deepEqual(iso(firesBetween(cron('30 2 * * *'), at('2026-10-24T12:00Z'), at('2026-10-26T12:00Z'))), [
    '2026-10-25T00:30Z',
    '2026-10-26T01:30Z',
  ]);
  const york = cron('30 1 * * *', { timeZone: 'America/New_York' });
  assert.deepEqual(iso(firesBetween(york, at('2026-10-31T12:00Z'), at('2026-11-02T12:00Z'))), [
    '2026-11-01T05:30Z',
    '2026-11-02T06:30Z',
  ]);
});

test('short periods go on in real time when clocks change: 92 and 100 quarters of an hour', () => {
  for (const quarters of [every(900), cron('*/15 * * * *')]) {
    const spring = firesBetween(quarters, at('2026-03-28T22:59Z'), at('2026-03-29T21:59Z'));
    const autumn = firesBetween(quarters, at('2026-10-24T21:59Z'), at('2026-10-25T22:59Z'));
    assert.equal(spring.length, 92);
    assert.equal(autumn.length, 100);
    for (const fires of [spring, autumn]) assert.ok(fires.every((f, i) => i === 0 || f - fires[i - 1]! === 900_000));
  }
});

test('periods of hours are times on the clock', () => {
  assert.deepEqual(iso(firesBetween(every(6 * 3600), at('2026-03-28T20:00Z'), at('2026-03-29T23:00Z'))), [
    '2026-03-28T23:00Z',
    '2026-03-29T04:00Z',
    '2026-03-29T10:00Z',
    '2026-03-29T16:00Z',
    '2026-03-29T22:00Z',
  ]);
});

test('whole days come at midnight of the zone, and other periods count from 1970', () => {
  const weekly = firesBetween(every(7 * 86_400), at('2026-03-01T00:00Z'), at('2026-04-12T00:00Z'));
  assert.deepEqual(iso(weekly).slice(0, 2), ['2026-03-04T23:00Z', '2026-03-11T23:00Z']);
  assert.equal(iso(weekly)[4], '2026-04-01T22:00Z');
  const seven = firesBetween(every(7 * 60), at('2026-03-01T00:00Z'), at('2026-03-01T01:00Z'));
  assert.ok(seven.length === 8 && seven.every((f) => f % 420_000 === 0));
});

test('a leap day comes every four years', () => {
  assert.deepEqual(
    iso(firesBetween(cron('0 6 29 2 *', { timeZone: 'UTC' }), at('2026-01-01T00:00Z'), at('2034-01-01T00:00Z'))),
    ['2028-02-29T06:00Z', '2032-02-29T06:00Z'],
  );
});

test('with business days it skips weekends and holidays', () => {
  const days = firesBetween(
    cron('0 5 * * *', { calendar: business, days: 'business' }),
    at('2026-12-22T12:00Z'),
    at('2026-12-29T12:00Z'),
  );
  assert.deepEqual(iso(days), ['2026-12-23T04:00Z', '2026-12-28T04:00Z', '2026-12-29T04:00Z']);
});

test('a schedule that no business day can meet never comes', () => {
  const sundays = cron('0 5 * * sun', { calendar: business, days: 'business' });
  assert.equal(nextFire(sundays, at('2026-01-01T00:00Z')), undefined);
  const closed = { ...business, weekend: [0, 1, 2, 3, 4, 5, 6] };
  assert.equal(nextFire(every(900, { calendar: closed, days: 'business' }), at('2026-01-01T00:00Z')), undefined);
});

test('the last time before another is found for dense and for rare schedules', () => {
  const now = at('2026-11-25T10:07:30Z');
  assert.deepEqual(iso([previousFire(every(900), now)!]), ['2026-11-25T10:00Z']);
  assert.deepEqual(iso([previousFire(cron('* * * * *'), now)!]), ['2026-11-25T10:07Z']);
  assert.deepEqual(iso([previousFire(cron('0 5 1 1 *'), now)!]), ['2026-01-01T04:00Z']);
  assert.deepEqual(iso([previousFire(cron('0 6 29 2 *', { timeZone: 'UTC' }), now)!]), ['2024-02-29T06:00Z']);
  assert.equal(previousFire(cron('0 5 * * *'), at('2026-11-25T04:00Z')), at('2026-11-25T04:00Z'));
  assert.equal(previousFire(schedule({ kind: 'manual' }), now), undefined);
});

test('each time that is found is the next one of an instant just before it, through a year of every zone', () => {
  for (const zone of [berlin, 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'])
    for (const s of [every(900), every(3600), every(7200), every(5400), cron('15 1-3 * * *'), cron('0 0 * * *')]) {
      const own = { ...s, timeZone: zone };
      let last = at('2026-01-01T00:00Z');
      for (let i = 0; i < 130; i++) {
        const fire = nextFire(own, last + 67 * 3_600_000)!;
        assert.ok(fire > last);
        assert.equal(nextFire(own, fire - 1), fire);
        assert.equal(previousFire(own, fire), fire);
        last = fire;
      }
    }
});

test('what is not timed or not enabled never comes', () => {
  assert.equal(nextFire(schedule({ kind: 'arrival' }), 0), undefined);
  assert.equal(nextFire(cron('* * * * *', { enabled: false }), 0), undefined);
});

test('a wrong cron expression is told with what is expected', () => {
  for (const right of ['0 5 * * mon-fri', '*/15 6-20 * * *', '0 0 5 * * *', '@daily', '0 5 L * *'])
    assert.equal(cronProblem(right), undefined, right);
  assert.match(cronProblem('0 5 * *')!, /minute hour day month weekday.*found 4 fields/);
  assert.match(cronProblem('61 5 * * *')!, /found "61 5 \* \* \*": invalid value for minute: 61/);
  assert.match(cronProblem('0 5 31 2 *')!, /never comes/);
  assert.match(cronProblem('2026-01-01T00:00:00')!, /found 1 field /);
  assert.match(cronProblem('now')!, /found 1 field /);
});
