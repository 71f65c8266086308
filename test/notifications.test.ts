/** Notifications through a real mail server; time is simulated. */
import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { GranaryError } from '../src/lib/errors.ts';
import { DEAD_LETTERS, type DeadLetterDoc } from '../src/model/dead-letters.ts';
import { INCIDENTS } from '../src/model/notifications.ts';
import { RUNS, type RunDoc } from '../src/model/runs.ts';
import { resendFailed } from '../src/runtime/notifications/review.ts';
import { smtpMissing } from './servers/smtp.ts';
import { type TellingOptions, telling } from './support/telling.ts';

const skip = smtpMissing();
const test = (name: string, run: (t: TestContext) => Promise<void>) => it(name, { skip }, run);
const quiet = (more: TellingOptions = {}): TellingOptions => ({
  ...more,
  notifications: {
    quiet_hours: { from: '22:00', to: '06:30', time_zone: 'Europe/Berlin' },
    ...more.notifications,
  },
});

test('a failed run is told by mail with what, where, since when, the error, and what to do', async (t) => {
  const it = await telling(t, { notifications: { link: 'https://granary.example.com/' }, timeZone: 'Europe/Berlin' });
  await it.event('run.failed', 'daily', {
    run: 'daily-7',
    code: 'connector.unreachable',
    error: 'The server <sftp> is down',
    hint: 'Ask the vendor',
  });
  await it.pass(3);
  const [mail] = await it.mails();
  assert.equal(mail!.subject, '[shop] Critical: Pipeline daily failed');
  assert.deepEqual(mail!.to, ['ops@example.com']);
  for (const part of [
    'The server <sftp> is down.',
    'Since: 25 Nov 2026, 13:00 (Europe/Berlin)',
    'Error: connector.unreachable',
    'Ask the vendor.',
    'granary runs',
    'https://granary.example.com/runs/daily-7',
  ])
    assert.ok(mail!.text.includes(part), `"${part}" in:\n${mail!.text}`);
  assert.match(mail!.html, /The server &lt;sftp&gt; is down/);
  assert.match(mail!.html, /href="https:\/\/granary\.example\.com\/runs\/daily-7"/);
  assert.match(mail!.headers['auto-submitted']!, /auto-generated/);
});

test('events of one problem within the time of grouping are one mail', async (t) => {
  const it = await telling(t);
  for (let n = 1; n <= 30; n++)
    await it.event('object.quarantined', 'main/shop/sales', { file: `f${n}.csv`, reasons: [{ message: `bad ${n}` }] });
  await it.pass(5);
  assert.deepEqual(await it.news(), ['30 files of shop.sales in quarantine']);
  const [mail] = await it.mails();
  assert.match(mail!.text, /f30\.csv\s+bad 30/);
  assert.match(mail!.text, /and 20 more/);
});

test('an event that is given twice is told once', async (t) => {
  const it = await telling(t);
  const event = await it.event('dead_letter.opened', 'main/shop/sales', { dead_letter: 'abc' });
  await it.notifier.onEvent(event);
  await it.pass(3);
  await it.notifier.onEvent(event);
  await it.pass(3);
  assert.deepEqual(await it.news(), ['A dead letter in shop.sales']);
});

test('what is not a problem is told to nobody, unless a route asks for it', async (t) => {
  const it = await telling(t, {
    notifications: {
      channels: { log: { to: 'log@example.com' } },
      routes: [{ channels: 'ops' }, { channels: 'log', events: 'run.succeeded', pipelines: 'daily' }],
    },
  });
  for (const pipeline of ['daily', 'hourly']) await it.event('run.succeeded', pipeline);
  await it.event('object.landed', 'main/shop/sales');
  await it.pass(3);
  assert.deepEqual(
    (await it.mails()).map((m) => [m.to[0], m.subject]),
    [['log@example.com', '[shop] daily has succeeded']],
  );
});

test('a mail that the server defers is sent when it takes it, and is the same mail', async (t) => {
  const it = await telling(t);
  await it.server.misbehave({ at: 'data', answer: '451 try later', times: 3 });
  await it.event('run.failed', 'daily');
  await it.pass(10);
  assert.deepEqual(await it.news(), ['Critical: Pipeline daily failed']);
  assert.deepEqual([...new Set(it.problems.map((p) => `${p.code} ${p.transient}`))], ['notify.unavailable true']);
  const [entry] = await it.entries();
  assert.deepEqual([entry!.status, entry!.attempts, entry!.error], ['sent', 4, null]);
});

test('while the server is down everything waits, and comes when it is up', async (t) => {
  const it = await telling(t);
  await it.server.down();
  await it.event('run.failed', 'daily');
  await it.event('expectation.late', 'main/shop/sales');
  await it.pass(90);
  assert.equal((await it.notifier.health()).pending, 2);
  assert.ok((await it.notifier.health()).overdueSince !== null);
  await it.server.up();
  await it.pass(31);
  assert.deepEqual((await it.news()).sort(), ['Critical: Pipeline daily failed', 'shop.sales is late']);
  assert.deepEqual(await it.notifier.health(), { pending: 0, overdueSince: null, failed: 0 });
});

test('that a problem is over is told after the problem, also when that was deferred and is tried later', async (t) => {
  const it = await telling(t);
  await it.server.misbehave({ at: 'data', answer: '451 try again later' });
  await it.event('expectation.late', 'main/shop/sales');
  await it.pass(20);
  await it.event('expectation.met', 'main/shop/sales');
  await it.server.misbehave(null);
  await it.pass(5);
  assert.deepEqual(await it.news(), []);
  await it.pass(30);
  assert.deepEqual(await it.news(), ['shop.sales is late', 'Resolved: shop.sales is late']);
  assert.deepEqual(
    (await it.entries()).map((e) => e.status),
    ['sent', 'sent'],
  );
});

test('a server that comes back gets everything within minutes, however often it was tried in vain', async (t) => {
  const it = await telling(t);
  await it.server.down();
  await it.event('expectation.late', 'main/shop/sales');
  await it.pass(60);
  await it.event('expectation.met', 'main/shop/sales');
  await it.server.up();
  await it.pass(5);
  assert.deepEqual(await it.news(), ['shop.sales is late', 'Resolved: shop.sales is late']);
});

test('a connection that breaks before the answer is tried again under the same Message-ID', async (t) => {
  const it = await telling(t);
  await it.server.misbehave({ drop: 'after', times: 1 });
  await it.event('run.failed', 'daily');
  await it.pass(6);
  const mails = await it.mails();
  assert.equal(mails.length, 2);
  assert.equal(mails[0]!.messageId, mails[1]!.messageId);
});

test('a mail that is refused for good is kept as failed and can be sent again', async (t) => {
  const it = await telling(t);
  await it.server.misbehave({ at: 'data', answer: '554 no', times: 1 });
  await it.event('run.failed', 'daily');
  await it.pass(60);
  assert.deepEqual(await it.news(), []);
  const [entry] = await it.entries();
  assert.equal(entry!.status, 'failed');
  assert.match(entry!.error!, /notify\.refused.*554 no/);
  assert.equal((await it.notifier.health()).failed, 1);
  assert.equal(await resendFailed(it.state, it.clock.now()), 1);
  await it.pass(1);
  assert.deepEqual(await it.news(), ['Critical: Pipeline daily failed']);
});

test('one recipient that is deferred gets the mail later, and the others do not get it twice', async (t) => {
  const it = await telling(t, {
    notifications: {
      channels: { team: { to: ['a@example.com', 'b@example.com', 'c@example.com'] } },
      routes: [{ channels: 'team' }],
    },
  });
  await it.server.misbehave({ at: 'rcpt', answer: '450 greylisted', only: 'b@', times: 1 });
  await it.event('run.failed', 'daily');
  await it.pass(10);
  const mails = await it.mails();
  assert.deepEqual(
    mails.map((m) => m.to),
    [['a@example.com', 'c@example.com'], ['b@example.com']],
  );
  assert.equal(mails[0]!.subject, mails[1]!.subject);
});

test('a storm of problems is one mail that lists them, and so is the storm of their ends', async (t) => {
  const it = await telling(t, { notifications: { storm: { messages: 5, within: '10 min' } } });
  for (let n = 0; n < 250; n++) await it.event('expectation.late', `main/shop/set_${String(n).padStart(3, '0')}`);
  await it.event('run.failed', 'daily');
  await it.pass(5);
  assert.deepEqual(await it.news(), ['Critical: 251 problems']);
  const mail = (await it.mails()).at(-1)!;
  assert.match(mail.text, /251 problems\. 1 of the problems is critical/);
  assert.match(mail.text, /Pipeline daily failed\s+Critical/);
  assert.match(mail.text, /and 201 more/);
  const statuses = (await it.entries()).map((e) => e.status);
  assert.equal(statuses.filter((s) => s === 'suppressed').length, 251);
  for (let n = 0; n < 250; n++) await it.event('expectation.met', `main/shop/set_${String(n).padStart(3, '0')}`);
  await it.pass(15);
  assert.deepEqual(await it.news(), ['250 problems resolved']);
});

test('a stream of problems makes no more mails than the limit allows, and all are told', async (t) => {
  const it = await telling(t, { notifications: { storm: { messages: 5, within: '10 min' } } });
  for (let n = 0; n < 120; n++) {
    await it.event('expectation.late', `main/shop/set_${n}`);
    await it.pass(1);
  }
  await it.pass(20);
  const mails = await it.mails();
  assert.ok(mails.length <= 14 * 5, `${mails.length} mails`);
  const told = mails.map((m) => Number(/(\d+) problems/.exec(m.subject)?.[1] ?? 1)).reduce((a, b) => a + b, 0);
  assert.equal(told, 120);
  const perWindow = mails.map((m) => Date.parse(m.headers.date!));
  for (const at of perWindow) assert.ok(perWindow.filter((o) => o > at - 600_000 && o <= at).length <= 5);
});

test('a problem that stays open is told again as often as asked, and its end once, with how long it lasted', async (t) => {
  const it = await telling(t, { notifications: { remind_every: '4 h' } });
  await it.event('expectation.late', 'main/shop/sales');
  await it.pass(60);
  for (let n = 0; n < 5; n++) await it.event('expectation.late', 'main/shop/sales');
  await it.pass(8 * 60);
  assert.deepEqual(await it.news(), [
    'shop.sales is late',
    'Still open: shop.sales is late',
    'Still open: shop.sales is late',
  ]);
  await it.event('expectation.met', 'main/shop/sales');
  await it.pass(10 * 60);
  assert.deepEqual(await it.news(), ['Resolved: shop.sales is late']);
  const mail = (await it.mails()).at(-1)!;
  assert.match(mail.text, /it lasted 9 h\./);
  assert.equal(mail.headers.references, (await it.mails())[0]!.headers.references);
});

test('what gets worse is told at once', async (t) => {
  const it = await telling(t);
  await it.event('expectation.late', 'main/shop/sales');
  await it.pass(10);
  await it.event('expectation.missed', 'main/shop/sales');
  await it.pass(10);
  await it.event('expectation.missed', 'main/shop/sales');
  await it.pass(10);
  assert.deepEqual(await it.news(), ['shop.sales is late', 'Critical: shop.sales has not come']);
});

test('a problem that is over before it was told is one mail that says both', async (t) => {
  const it = await telling(t);
  await it.event('run.failed', 'daily');
  await it.pass(1);
  await it.event('run.succeeded', 'daily');
  await it.pass(5);
  assert.deepEqual(await it.news(), ['Resolved: Pipeline daily failed']);
});

test('quiet hours hold back what is not critical until their end, then tell it as one', async (t) => {
  const it = await telling(t, quiet({ start: '2026-11-25T20:30:00Z' }));
  await it.pass(60);
  for (const name of ['sales', 'stock', 'prices']) await it.event('expectation.late', `main/shop/${name}`);
  await it.event('run.failed', 'daily');
  await it.pass(10);
  assert.deepEqual(await it.news(), ['Critical: Pipeline daily failed']);
  await it.event('expectation.met', 'main/shop/stock');
  await it.event('run.succeeded', 'daily');
  await it.pass(10);
  assert.deepEqual(await it.news(), ['Resolved: Pipeline daily failed']);
  await it.clock.advanceTo('2026-11-26T05:29:00Z');
  await it.notifier.tick();
  assert.deepEqual(await it.news(), []);
  await it.pass(1);
  assert.deepEqual(await it.news(), ['2 problems, 1 resolved']);
  assert.match((await it.mails()).at(-1)!.text, /They waited for the end of the quiet hours/);
});

test('a dead letter that others of its dataset outlive is not told as resolved; the last one is', async (t) => {
  const it = await telling(t);
  const letter = (id: string, status: DeadLetterDoc['status']) =>
    it.state.put(DEAD_LETTERS, {
      ...({ id, status, kind: 'object', dataset: 'main/shop/sales', source: 'shop' } as DeadLetterDoc),
      updatedAt: '2026-11-25T12:00:00Z',
    });
  for (const id of ['one', 'two']) {
    await letter(id, 'open');
    await it.event('dead_letter.opened', 'main/shop/sales', { dead_letter: id });
  }
  await it.pass(5);
  await letter('one', 'resolved');
  await it.event('dead_letter.resolved', 'main/shop/sales');
  await it.pass(5);
  assert.deepEqual(await it.news(), ['2 dead letters in shop.sales']);
  // Discarded without an event: noticed all the same.
  await letter('two', 'discarded');
  await it.pass(11);
  assert.deepEqual(await it.news(), ['Resolved: 2 dead letters in shop.sales']);
});

test('a run that failed only by its dead letters is told as those', async (t) => {
  const it = await telling(t);
  const base = { status: 'open', kind: 'object', dataset: 'main/shop/sales', source: 'shop', run: 'r1' };
  await it.state.put(DEAD_LETTERS, { id: 'one', ...base, updatedAt: '2026' } as DeadLetterDoc);
  await it.event('dead_letter.opened', 'main/shop/sales', { dead_letter: 'one', run: 'r1' });
  await it.event('run.failed', 'daily', { run: 'r1', errors: 1 });
  await it.pass(5);
  assert.deepEqual(await it.news(), ['A dead letter in shop.sales']);
  await it.event('run.failed', 'daily', { run: 'r1', errors: 2 });
  await it.pass(5);
  assert.deepEqual(await it.news(), ['Critical: Pipeline daily failed']);
});

test('the digest comes once a day at its time, also over a change of the clocks, with the figures of the day', async (t) => {
  const it = await telling(t, {
    start: '2026-10-24T04:00:00Z',
    notifications: { digest: { at: '08:00', time_zone: 'Europe/Berlin', channels: 'ops' } },
    expectations: async () => [{ dataset: 'main/shop/stock', state: 'arrived', note: '05:12' }],
  });
  const totals = { received: 1100, loaded: 1000, filtered: 60, deduplicated: 10, rejected: 30 };
  const run = { status: 'succeeded', totals, landed: 3, quarantined: 1, startedAt: '2026-10-24T05:00:00.000Z' };
  await it.state.put(RUNS, { id: 'r1', ...run } as RunDoc);
  await it.event('expectation.missed', 'main/shop/sales');
  await it.pass(118);
  assert.deepEqual(await it.news(), ['Critical: shop.sales has not come']);
  await it.pass(4);
  assert.deepEqual(await it.news(), ['Daily digest: 1 open problem']);
  const { text, headers } = (await it.mails()).at(-1)!;
  assert.equal(headers.date, 'Sat, 24 Oct 2026 06:00:00 +0000');
  for (const part of [
    /Loaded: +1,000/,
    /Rejected: +30/,
    /shop\.sales has not come +1 /,
    /main\/shop\/stock +arrived +05:12/,
  ])
    assert.match(text, part);
  await it.clock.advanceTo('2026-10-25T06:59:30Z');
  await it.notifier.tick();
  assert.ok(!(await it.news()).some((n) => n.startsWith('Daily digest')));
  await it.pass(2);
  assert.deepEqual(await it.news(), ['Daily digest: 1 open problem']);
  assert.equal((await it.mails()).at(-1)!.headers.date, 'Sun, 25 Oct 2026 07:00:30 +0000');
});

test('the loop sends without being asked and stops when told', async (t) => {
  const it = await telling(t, { notifications: { group_for: 0 } });
  const stop = new AbortController();
  const delivering = it.notifier.deliver(stop.signal);
  await it.event('run.failed', 'daily');
  while ((await it.mails()).length === 0) await new Promise((r) => setTimeout(r, 10));
  stop.abort();
  await delivering;
  assert.equal((await it.entries())[0]!.status, 'sent');
});

test('what is over and old is removed', async (t) => {
  const it = await telling(t);
  await it.event('run.failed', 'daily');
  await it.pass(3);
  await it.event('run.succeeded', 'daily');
  await it.pass(3);
  await it.clock.advance(100 * 86_400_000);
  await it.notifier.tick();
  assert.deepEqual(await it.entries(), []);
  for await (const incident of it.state.query(INCIDENTS)) assert.fail(incident.id);
});

test('a mail that was sent but could not be recorded is recorded later, and not sent again', async (t) => {
  const it = await telling(t);
  await it.event('run.failed', 'daily');
  const { transact } = it.state;
  // The disk is full for a while, just after the server has taken the mail.
  let full = true;
  it.state.transact = async (writes) => {
    const isRecord = writes.some((w) => 'put' in w && (w.put.doc as { status?: string }).status === 'sent');
    if (full && isRecord) throw new GranaryError('store.disk_full', 'the disk is full', { transient: true });
    return transact.call(it.state, writes);
  };
  await it.clock.advance(180_000);
  await assert.rejects(it.notifier.tick(), { code: 'store.disk_full' });
  await assert.rejects(it.notifier.tick(), { code: 'store.disk_full' });
  full = false;
  await it.pass(10);
  assert.deepEqual(await it.news(), ['Critical: Pipeline daily failed']);
  assert.equal((await it.entries())[0]!.status, 'sent');
});
