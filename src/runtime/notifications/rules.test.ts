/** The pure rules: quiet hours, routes, grouping, retries, words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventDoc } from '../../model/events.ts';
import { severityOf } from '../../model/notifications.ts';
import type { NotificationsConfig } from '../../project/specs/notifications.ts';
import { planChannel, retryDelayMs } from './grouping.ts';
import { happeningOf, withEvent } from './incidents.ts';
import { formatSpan, quietUntil } from './local-time.ts';
import { newEntry } from './outbox.ts';
import { channelsFor } from './routing.ts';
import { sentence, shortName, wordsFor } from './words.ts';

const BERLIN = { from: '22:00', to: '06:30', time_zone: 'Europe/Berlin' };
const quiet = (at: string, hours = BERLIN) => {
  const until = quietUntil(Date.parse(at), hours);
  return until === undefined ? undefined : new Date(until).toISOString().slice(0, 16);
};

test('quiet hours over midnight end in the morning, and begin and end to the minute', () => {
  assert.equal(quiet('2026-11-25T20:59:59Z'), undefined);
  assert.equal(quiet('2026-11-25T21:00:00Z'), '2026-11-26T05:30');
  assert.equal(quiet('2026-11-26T05:29:59Z'), '2026-11-26T05:30');
  assert.equal(quiet('2026-11-26T05:30:00Z'), undefined);
});

test('quiet hours within a day, and nights in which the clocks change, end at their time on the wall', () => {
  assert.equal(quiet('2026-11-25T12:10:00Z', { from: '12:00', to: '13:00', time_zone: 'UTC' }), '2026-11-25T13:00');
  assert.equal(quiet('2026-10-24T21:00:00Z'), '2026-10-25T05:30');
  assert.equal(quiet('2026-03-28T22:00:00Z'), '2026-03-29T04:30');
  // 02:30 does not exist that night.
  assert.equal(quiet('2026-03-28T22:00:00Z', { ...BERLIN, to: '02:30' }), '2026-03-29T00:30');
});

const event = (type: EventDoc['type'], subject: string, data: EventDoc['data'] = {}, tenant = 'main'): EventDoc => ({
  id: `${type}|${subject}`,
  type,
  subject,
  tenant,
  at: '2026-11-25T12:00:00.000Z',
  data,
});
const config = (routes?: object[]) =>
  ({
    channels: { a: {}, b: {} },
    ...(routes && { routes: routes.map((r) => ({ stop: false, ...r })) }),
  }) as never as NotificationsConfig;
const routed = (e: EventDoc, routes?: object[]) => channelsFor(e, severityOf(e), config(routes)).join(' ');

test('without routes warnings and worse go to all channels', () => {
  assert.equal(routed(event('expectation.late', 'main/shop/sales')), 'a b');
  assert.equal(routed(event('run.succeeded', 'daily')), '');
});

test('an event goes to the channels of every route that matches, up to one that says stop', () => {
  const routes = [{ channels: ['a'], severity: 'critical', stop: true }, { channels: ['b'] }];
  assert.equal(routed(event('run.failed', 'daily'), routes), 'a');
  assert.equal(routed(event('expectation.late', 'main/shop/sales'), routes), 'b');
  assert.equal(routed(event('run.failed', 'daily'), [{ channels: ['b'] }, { channels: ['a', 'b'] }]), 'b a');
});

test('routes choose by event, tenant, dataset and pipeline', () => {
  const late = event('expectation.late', 'acme/shop/sales', {}, 'acme');
  assert.equal(routed(late, [{ channels: ['a'], tenants: ['main'] }]), '');
  assert.equal(routed(late, [{ channels: ['a'], tenants: ['acme'], events: ['expectation.*'] }]), 'a');
  assert.equal(routed(late, [{ channels: ['a'], datasets: ['acme/shop/*'] }]), 'a');
  assert.equal(routed(late, [{ channels: ['a'], datasets: ['acme/shop'] }]), '');
  assert.equal(routed(late, [{ channels: ['a'], pipelines: ['daily'] }]), '');
  assert.equal(routed(event('run.failed', 'daily'), [{ channels: ['a'], pipelines: ['dai*'], datasets: ['x'] }]), 'a');
  assert.equal(routed(event('run.started', 'daily'), [{ channels: ['a'], events: ['run.started'] }]), 'a');
});

const NOW = Date.parse('2026-11-25T12:00:00Z');
const settings = { storm: { messages: 3, within: 600 }, quiet_hours: undefined };
const entry = (name: string, more: object = {}) => ({
  ...newEntry({
    because: name,
    channel: 'a',
    kind: 'problem',
    severity: 'warning',
    tenant: 'main',
    group: name,
    now: NOW,
    dueAt: NOW,
    happenings: [happeningOf(event('expectation.late', name))],
  }),
  ...more,
});
const entries = (n: number, more: object = {}) => Array.from({ length: n }, (_, i) => entry(`e${i}`, more));

test('up to the limit messages go out one by one, above it as one', () => {
  const few = planChannel(entries(3), { now: NOW, recent: [], settings });
  assert.deepEqual([few.send.length, few.merge.length, few.hold.length], [3, 0, 0]);
  const many = planChannel(entries(4), { now: NOW, recent: [], settings });
  assert.deepEqual([many.send.length, many.merge.length, many.hold.length], [0, 4, 0]);
});

test('after a summary, or with the limit used up, the rest waits for the window to pass', () => {
  const summary = planChannel(entries(4), { now: NOW, recent: [{ at: NOW - 100_000, kind: 'summary' }], settings });
  assert.deepEqual(
    summary.hold.map((h) => h.until - NOW),
    [500_000, 500_000, 500_000, 500_000],
  );
  const recent = [10, 20, 30].map((s) => ({ at: NOW - s * 1000, kind: 'problem' as const }));
  const full = planChannel(entries(1), { now: NOW, recent, settings });
  assert.deepEqual(
    full.hold.map((h) => h.until - NOW),
    [570_000],
  );
});

test('a message that was tried before is never merged: it may have arrived', () => {
  const plan = planChannel([...entries(4), entry('tried', { attempts: 1 })], { now: NOW, recent: [], settings });
  assert.deepEqual([plan.send.map((e) => e.group), plan.merge.length], [['tried'], 4]);
});

test('tries are further and further apart, at most half an hour, and no sooner than the server says', () => {
  const delays = [1, 2, 3, 7, 50].map((n) => retryDelayMs(n, undefined) / 1000);
  assert.deepEqual(delays, [30, 60, 120, 1800, 1800]);
  assert.equal(retryDelayMs(1, 3600), 3_600_000);
});

test('an incident keeps the worst severity, the newest events and the count of all', () => {
  let incident = withEvent('expectation', event('expectation.missed', 'main/shop/sales'), undefined);
  for (let n = 0; n < 30; n++)
    incident = withEvent('expectation', event('expectation.late', 'main/shop/sales'), incident);
  assert.deepEqual([incident.severity, incident.count, incident.happenings.length], ['critical', 31, 20]);
});

test('long texts and lists of an event are cut, what is deep is left out', () => {
  const data = {
    text: 'x'.repeat(10_000),
    list: Array.from({ length: 100 }, () => ({ code: 'c' })),
    a: { b: { c: { d: 1 } } },
  };
  const { data: kept } = happeningOf(event('run.failed', 'daily', data));
  assert.ok(JSON.stringify(kept).length < 1000);
  assert.deepEqual(kept.a, { b: { c: undefined } });
});

test('commands in messages name the dataset as commands do, with names quoted for the shell', () => {
  assert.equal(shortName('main/shop/sales'), 'shop.sales');
  const words = wordsFor([happeningOf(event('object.quarantined', 'main/shop/sales', { file: "it's $(rm).csv" }))], 1);
  assert.equal(words.command, "granary quarantine show 'it'\\''s $(rm).csv'");
});

test('a sentence has a capital, but an address stays as it is', () => {
  assert.equal(sentence('the server is down'), 'The server is down.');
  assert.equal(sentence('ftp://shop.example cannot be reached'), 'ftp://shop.example cannot be reached.');
});

test('an event that says how bad it is is believed', () => {
  assert.equal(severityOf(event('expectation.late', 'x', { severity: 'critical' })), 'critical');
  assert.equal(severityOf(event('expectation.late', 'x', { severity: 'horrible' })), 'warning');
  assert.equal(severityOf(event('dead_letter.opened', 'x', { kind: 'pipeline' })), 'critical');
});

test('spans are told in their two largest units', () => {
  assert.deepEqual([5000, 90_000, 3_600_000, 7_500_000, 200_000_000].map(formatSpan), [
    '5 s',
    '2 min',
    '1 h',
    '2 h 5 min',
    '2 d 7 h',
  ]);
});
