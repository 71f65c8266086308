/** The watchdog over a real project and a real state store, for a fortnight in which clocks change and files are late, missing, small and unusual. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openStateStore } from '../src/adapters/state-store/sqlite.ts';
import { BOOKS } from '../src/model/books.ts';
import { addDays, weekdayOf } from '../src/model/calendar.ts';
import { DEAD_LETTERS } from '../src/model/dead-letters.ts';
import { EVENTS, type EventDoc } from '../src/model/events.ts';
import { OBJECTS, type ObjectDoc, type ObjectStatus } from '../src/model/objects.ts';
import { wallTime } from '../src/model/time-zone.ts';
import type { StateStore } from '../src/ports/state-store.ts';
import { expectationRules } from '../src/project/expectations.ts';
import type { Project } from '../src/project/project.ts';
import { openProject } from '../src/runtime/context.ts';
import { boardOf } from '../src/runtime/expectations/board.ts';
import { forgive } from '../src/runtime/expectations/forgive.ts';
import type { ScheduledPipeline } from '../src/runtime/expectations/triggers.ts';
import { Watchdog } from '../src/runtime/expectations/watchdog.ts';
import { makeProject } from './support/projects.ts';
import { SimulatedClock } from './support/simulated-clock.ts';

const ZONE = 'Europe/Berlin';
const SALES = 'main/shop/sales';

interface Landing {
  dataset?: string;
  file?: string;
  rows?: number;
  bytes?: number;
  version?: number;
  status?: ObjectStatus;
  businessDate?: string | null;
}

interface Scene {
  state: StateStore;
  clock: SimulatedClock;
  project: Project;
  errors: string[];
  scheduled: ScheduledPipeline[];
  begin(): void;
  end(): Promise<void>;
  /** At an instant, UTC; the watchdog hears of it as it would of an event. */
  land(at: string, date: string, landing?: Landing): Promise<void>;
  /** `2026-10-19 06:30 late 2026-10-19`: in Berlin. */
  told(): Promise<string[]>;
  events(): Promise<EventDoc[]>;
}

async function scene(t: TestContext, source: string, start: string): Promise<Scene> {
  const dir = await makeProject(t, {
    'granary.yaml': `name: shop\ntime_zone: ${ZONE}\ncalendars: {retail: {holidays: [2026-10-30]}}\n`,
    'sources/shop.yaml': `connector: {type: folder, path: inbox}\ndatasets:\n${source}`,
  });
  const { project } = await openProject({ dir });
  const folder = await mkdtemp(join(tmpdir(), 'granary-expectations-'));
  const state = await openStateStore(join(folder, 'state.db'));
  const clock = new SimulatedClock(start);
  let dog: Watchdog | undefined;
  t.after(async () => {
    await dog?.stop();
    await state.close();
    await rm(folder, { recursive: true });
  });
  const self: Scene = {
    state,
    clock,
    project,
    errors: [],
    scheduled: [],
    begin() {
      const scheduled = async () => self.scheduled;
      const onError = (e: Error, what: string) => self.errors.push(`${what}: ${e.message}`);
      dog = new Watchdog({ state, clock, project, scheduled, onError, sweepMs: 900_000 });
      dog.start();
    },
    async end() {
      await dog?.stop();
      dog = undefined;
    },
    async land(at, date, landing = {}) {
      await clock.advanceTo(at);
      await record(state, at, date, landing);
      dog?.wake(landing.dataset ?? SALES);
      await clock.settle();
    },
    async events() {
      const all: EventDoc[] = [];
      for await (const event of state.query(EVENTS, { index: 'at' })) all.push(event);
      return all;
    },
    async told() {
      return (await self.events()).map(({ at, type, data }) => {
        const { date, time } = wallTime(Date.parse(at), ZONE);
        return `${date} ${time.slice(0, 5)} ${type.replace('expectation.', '')} ${data['date'] ?? ''}`.trim();
      });
    },
  };
  return self;
}

async function record(state: StateStore, at: string, date: string, landing: Landing): Promise<void> {
  const { dataset = SALES, rows = 1000, bytes = rows * 10, version = 1, status = 'loaded' } = landing;
  const file = landing.file ?? `sales_${date}.csv`;
  const businessDate = landing.businessDate === undefined ? date : landing.businessDate;
  const landedAt = new Date(at).toISOString();
  const id = `${dataset}|${file}|${version}|${landedAt}`;
  const object: ObjectDoc = {
    id,
    dataset,
    path: file,
    file,
    version,
    bytes,
    sha256: id,
    landedAt,
    modifiedAt: null,
    businessDate,
    nameParts: {},
    order: `${businessDate ?? landedAt}|${file}|${String(version).padStart(6, '0')}`,
    key: id,
    sidecars: {},
    status,
    supersedes: null,
    supersededBy: null,
    duplicateOf: null,
    reasons: [],
    released: false,
    payloads: null,
    declared: null,
    landedRun: null,
    run: null,
  };
  await state.put(OBJECTS, object);
  if (status !== 'loaded') return;
  const books = { received: rows, loaded: rows, filtered: 0, deduplicated: 0, rejected: 0 };
  await state.put(BOOKS, {
    id,
    run: 'r',
    object: id,
    dataset,
    table: 'main.sales',
    file,
    declaredRows: null,
    byRule: {},
    active: 1,
    at: landedAt,
    ...books,
  });
}

/** Fridays are four times as busy; every week a little different. */
const usualRows = (date: string, i: number) => (weekdayOf(date) === 5 ? 4000 : 1000) + ((i * 37) % 90);

async function eightWeeksBefore(state: StateStore, day: string): Promise<void> {
  for (let i = 56; i > 0; i--) {
    const date = addDays(day, -i);
    if (![0, 6].includes(weekdayOf(date))) await record(state, `${date}T03:30:00Z`, date, { rows: usualRows(date, i) });
  }
}

const SALES_YAML = `  sales:
    files: "sales_{date:yyyyMMdd}.csv"
    columns: {a: integer}
    expect: {due: "06:00", calendar: retail, min_bytes: 1 KB}
`;

test('in a fortnight every late, missing, small and unusual delivery is told once, also over a restart and a change of clocks', async (t) => {
  const s = await scene(t, SALES_YAML, '2026-10-18T22:00:00Z');
  await eightWeeksBefore(s.state, '2026-10-19');
  s.begin();
  // Summer time: 06:00 is 04:00 UTC. Monday is in time, Tuesday late, Wednesday never comes.
  await s.land('2026-10-19T03:50:00Z', '2026-10-19');
  await s.land('2026-10-20T08:00:00Z', '2026-10-20');
  await s.clock.advanceTo('2026-10-21T12:00:00Z');
  // Thursday: as many rows as on a Friday. Friday: as few as on another day. Then what is right.
  await s.land('2026-10-22T03:50:00Z', '2026-10-22', { rows: 4000 });
  await s.land('2026-10-23T03:50:00Z', '2026-10-23', { rows: 1000 });
  // The weekend, on which clocks change: nothing is due. From now on 06:00 is 05:00 UTC.
  await s.land('2026-10-26T05:20:00Z', '2026-10-26');
  // Wednesday of last week comes after all, on Tuesday.
  await s.land('2026-10-27T03:00:00Z', '2026-10-21');
  await s.land('2026-10-27T05:00:00Z', '2026-10-27', { rows: 20 });
  // The process is down from Tuesday noon to Thursday: Wednesday is missed meanwhile, Thursday is late.
  await s.clock.advanceTo('2026-10-27T11:00:00Z');
  await s.end();
  await s.clock.advanceTo('2026-10-29T08:00:00Z');
  s.begin();
  await s.land('2026-10-29T10:00:00Z', '2026-10-28');
  await s.land('2026-10-29T11:00:00Z', '2026-10-29');
  // Friday is a holiday; on Monday the first file is small, and the next version of it right.
  await s.land('2026-11-02T04:50:00Z', '2026-11-02', { rows: 50 });
  await s.land('2026-11-02T09:00:00Z', '2026-11-02', { version: 2 });
  await s.clock.advanceTo('2026-11-02T20:00:00Z');
  assert.deepEqual(s.errors, []);
  assert.deepEqual(await s.told(), [
    '2026-10-20 06:30 late 2026-10-20',
    '2026-10-20 10:00 met 2026-10-20',
    '2026-10-21 06:30 late 2026-10-21',
    '2026-10-22 05:50 unusual 2026-10-22',
    '2026-10-22 06:00 missed 2026-10-21',
    '2026-10-23 05:50 unusual 2026-10-23',
    '2026-10-27 04:00 met 2026-10-21',
    '2026-10-27 06:00 unusual 2026-10-27',
    '2026-10-29 09:02 late 2026-10-29',
    '2026-10-29 09:02 missed 2026-10-28',
    '2026-10-29 12:00 met 2026-10-29',
    '2026-11-02 05:50 unusual 2026-11-02',
    '2026-11-02 10:00 met 2026-11-02',
  ]);
  const messages = (await s.events()).map((e) => e.data['message']);
  assert.equal(messages[0], 'it was due at 06:00 (Europe/Berlin) on 2026-10-20 and is not there yet');
  assert.equal(messages[1], 'it has come, 4 h after it was due');
  assert.match(String(messages[3]), /^4,000 rows; usual on a Thursday: 9\d\d–1,1\d\d$/);
  assert.match(String(messages[5]), /^1,000 rows; usual on a Friday: 3,\d{3}–4,\d{3}$/);
  assert.match(String(messages[7]), /^200 B; at least 1.0 kB expected; 20 rows; usual on a Tuesday: /);
});

test('the board shows a day as it stands: what is usual, what is wrong, and what was forgiven', async (t) => {
  const s = await scene(t, SALES_YAML, '2026-10-18T22:00:00Z');
  await eightWeeksBefore(s.state, '2026-10-19');
  s.begin();
  await s.land('2026-10-19T05:00:00Z', '2026-10-19', { rows: 5000 });
  await s.clock.advanceTo('2026-10-20T05:00:00Z');
  const context = { state: s.state, clock: s.clock, project: s.project };
  const [monday] = await boardOf(context, '2026-10-19');
  assert.deepEqual(
    [monday!.state, monday!.rows, monday!.lateBy, monday!.wrong, monday!.arrivedAt],
    ['arrived', 5000, 3_600_000, true, '2026-10-19T05:00:00.000Z'],
  );
  assert.match(monday!.usual!, /^\d{3}–1,\d{3} rows$/);
  assert.match(monday!.note!, /^came 1 h after it was due; 5,000 rows; usual on a Monday: /);
  const [tuesday] = await boardOf(context);
  assert.deepEqual([tuesday!.date, tuesday!.state, tuesday!.note], ['2026-10-20', 'late', '1 h overdue']);
  assert.deepEqual(await boardOf(context, '2026-10-30'), [], 'a holiday');

  const [rule] = expectationRules(s.project);
  const by = { by: 'ann', reason: 'stocktaking' };
  await forgive(s.state, rule!, { ...by, date: '2026-10-20' }, s.clock.now());
  await forgive(s.state, rule!, { ...by, date: '2026-10-19' }, s.clock.now());
  // The day is forgiven before it comes, too.
  await forgive(s.state, rule!, { ...by, date: '2026-10-21' }, s.clock.now());
  await assert.rejects(forgive(s.state, rule!, { ...by, date: '2026-10-24' }, s.clock.now()), /Nothing is expected/);
  await s.clock.advanceTo('2026-10-22T03:00:00Z');
  assert.deepEqual(await s.told(), [
    '2026-10-19 06:30 late 2026-10-19',
    '2026-10-19 07:00 met 2026-10-19',
    '2026-10-19 07:00 unusual 2026-10-19',
    '2026-10-20 06:30 late 2026-10-20',
    '2026-10-20 07:00 met 2026-10-19',
    '2026-10-20 07:00 met 2026-10-20',
  ]);
  const [row] = await boardOf(context, '2026-10-21');
  assert.deepEqual([row!.state, row!.note], ['forgiven', 'forgiven: stocktaking']);
});

test('files without dates in their names belong to the delivery that is due when they come; what was missed ends with the next', async (t) => {
  const yaml = `  stock:
    files: stock.csv
    columns: {a: integer}
    expect: {due: ["06:00", "18:00"], volume: off}
`;
  const s = await scene(t, yaml, '2026-11-02T00:00:00Z');
  s.begin();
  const stock = { dataset: 'main/shop/stock', file: 'stock.csv', businessDate: null };
  await s.land('2026-11-02T04:45:00Z', '', stock);
  await s.land('2026-11-02T16:50:00Z', '', { ...stock, version: 2 });
  // The morning of the 3rd is missed, the evening comes.
  await s.land('2026-11-03T16:55:00Z', '', { ...stock, version: 3 });
  await s.clock.advanceTo('2026-11-04T05:00:00Z');
  assert.deepEqual(s.errors, []);
  assert.deepEqual(await s.told(), ['2026-11-03 06:30 late 2026-11-03', '2026-11-03 17:55 met 2026-11-03']);
  const board = await boardOf({ state: s.state, clock: s.clock, project: s.project }, '2026-11-03');
  assert.deepEqual(
    board.map((row) => [row.time, row.state]),
    [
      ['06:00', 'missed'],
      ['18:00', 'arrived'],
    ],
  );
});

test('the error budget is told once when it is used up, and once when it is kept again', async (t) => {
  const yaml = `  sales:
    files: "sales_{date:yyyyMMdd}.csv"
    columns: {a: integer}
    error_budget: {objects: 1, within: 1 d}
`;
  const s = await scene(t, yaml, '2026-11-02T00:00:00Z');
  s.begin();
  await s.land('2026-11-02T04:00:00Z', '2026-11-02', { status: 'quarantined' });
  await s.land('2026-11-02T05:00:00Z', '2026-11-03', { status: 'quarantined' });
  await s.land('2026-11-02T06:00:00Z', '2026-11-04', { status: 'quarantined' });
  await s.end();
  s.begin();
  await s.clock.advanceTo('2026-11-03T12:00:00Z');
  assert.deepEqual(s.errors, []);
  const events = await s.events();
  assert.deepEqual(
    events.map((e) => [e.at, e.type, e.data['message']]),
    [
      ['2026-11-02T05:00:00.000Z', 'error_budget.exceeded', '2 of 2 objects failed within 1 d; 1 may'],
      ['2026-11-03T05:00:00.000Z', 'error_budget.restored', '1 of 1 objects failed within 1 d; 1 may'],
    ],
  );
});

test('a dead letter counts against the error budget until it is resolved', async (t) => {
  const yaml = `  sales:
    files: "sales_{date:yyyyMMdd}.csv"
    columns: {a: integer}
    error_budget: {objects: "40 %", within: 1 d}
`;
  const s = await scene(t, yaml, '2026-11-02T00:00:00Z');
  s.begin();
  await s.land('2026-11-02T04:00:00Z', '2026-11-02');
  const at = '2026-11-02T05:00:00.000Z';
  const letter = {
    id: 'letter',
    status: 'open' as const,
    kind: 'file' as const,
    dataset: SALES,
    tenant: 'main',
    source: 'shop',
    pipeline: 'shop',
    run: 'r',
    state: 'Land',
    ref: 'sales_20261103.csv',
    payload: {},
    name: 'sales_20261103.csv',
    bytes: null,
    error: 'connector.lost',
    reason: 'the connection broke',
    hint: null,
    transient: true,
    openedAt: at,
    updatedAt: at,
    history: [],
  };
  await s.state.put(DEAD_LETTERS, letter);
  await s.land('2026-11-02T05:30:00Z', '2026-11-01');
  await s.state.put(DEAD_LETTERS, { ...letter, ref: 'other', id: 'other' });
  await s.clock.advanceTo('2026-11-02T06:00:00Z');
  await s.state.put(DEAD_LETTERS, { ...letter, status: 'resolved' });
  await s.state.put(DEAD_LETTERS, { ...letter, ref: 'other', id: 'other', status: 'resolved' });
  await s.clock.advanceTo('2026-11-02T06:15:00Z');
  assert.deepEqual(
    (await s.events()).map((e) => [e.type, e.data['failed'], e.data['landed']]),
    [
      ['error_budget.exceeded', 1, 2],
      ['error_budget.restored', 1, 3],
      ['error_budget.exceeded', 2, 4],
      ['error_budget.restored', 0, 2],
    ],
  );
});

test('a schedule that has not fired is told once for each due time, after a grace', async (t) => {
  const s = await scene(t, SALES_YAML, '2026-11-02T00:00:00Z');
  const due = (nextDue: string) => ({ pipeline: 'daily', tenant: 'main', nextDue, lastStarted: null });
  s.scheduled = [
    due('2026-11-02T04:00:00.000Z'),
    { ...due('2026-11-02T03:00:00.000Z'), pipeline: 'quiet', nextDue: null! },
  ];
  s.begin();
  await s.clock.advanceTo('2026-11-02T04:09:00Z');
  assert.deepEqual(await s.told(), []);
  await s.clock.advanceTo('2026-11-02T04:20:00Z');
  await s.end();
  s.begin();
  await s.clock.advanceTo('2026-11-02T04:50:00Z');
  s.scheduled = [due('2026-11-03T04:00:00.000Z')];
  await s.clock.advanceTo('2026-11-03T04:30:00Z');
  const missed = (await s.events()).filter((e) => e.type === 'trigger.missed');
  assert.deepEqual(
    missed.map((e) => [e.subject, e.data['due'], e.at]),
    [
      ['daily', '2026-11-02T04:00:00.000Z', '2026-11-02T04:10:00.000Z'],
      ['daily', '2026-11-03T04:00:00.000Z', '2026-11-03T04:10:00.000Z'],
    ],
  );
});
