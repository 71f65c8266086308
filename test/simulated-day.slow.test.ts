/** A day in which much goes wrong, in less than a minute of work: schedules in many zones, late and missing files, outages, clocks that are set back. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { BOOKS, difference } from '../src/model/books.ts';
import { DEAD_LETTERS } from '../src/model/dead-letters.ts';
import { EVENTS } from '../src/model/events.ts';
import { INCIDENTS, NOTIFICATIONS } from '../src/model/notifications.ts';
import { OBJECTS } from '../src/model/objects.ts';
import { RUNS } from '../src/model/runs.ts';
import { FIRES, SCHEDULES, SOURCE_HEALTH } from '../src/model/schedules.ts';
import type { Collection, Doc } from '../src/ports/state-store.ts';
import { boardOf } from '../src/runtime/expectations/board.ts';
import { rowsOf } from './support/projects.ts';
import { type Day, liveThroughDay } from './support/simulated-day.ts';
import { END, instant, NIGHT_RUN, type PlannedSlot, SILENCE, SOURCES, START } from './support/simulated-day-plan.ts';

const short = (iso: string) => iso.slice(8, 16).replace('T', ' ');

describe('a day of 45 sources', () => {
  let day: Day;
  const cleanup: (() => unknown)[] = [];
  before(async () => {
    day = await liveThroughDay({ after: (done) => cleanup.push(done) });
  });
  after(async () => {
    await day?.close();
    for (const done of cleanup) await done();
  });
  const all = async <T extends Doc>(collection: Collection<T>) => {
    const docs: T[] = [];
    for await (const doc of day.owner.runtime.context.state.query(collection)) docs.push(doc);
    return docs;
  };

  it('starts each pipeline at its times and no others, on the clocks of its zone and its business days', async () => {
    const fires = new Map((await all(FIRES)).map((f) => [f.id, f]));
    const started = (await all(RUNS)).map((run) => {
      const { dueAt } = fires.get(run.id)!;
      // Work takes no simulated time: a run that has not ended at once would have waited for something.
      const took = run.endedAt === run.startedAt ? '' : `, until ${run.endedAt}`;
      return `${run.pipeline} ${run.trigger} ${dueAt ? `of ${short(dueAt)} ` : ''}at ${short(run.startedAt)} ${run.status}${took}`;
    });
    assert.equal(SOURCES.length, 45);
    assert.deepEqual(
      started.sort(),
      [...plannedRuns(), `night schedule of ${NIGHT_RUN} at ${NIGHT_RUN} succeeded`].sort(),
    );
  });

  it('accounts for the times that are left out while nobody runs', async () => {
    const skipped = (await all(FIRES)).filter((f) => f.status !== 'started');
    assert.deepEqual(skipped.map((f) => `${f.pipeline} ${short(f.dueAt!)} ${f.status}: ${f.reason}`).sort(), [
      'harbour 24 18:15 skipped: 1 time since 2026-10-24T18:15:00.000Z passed while nothing ran (missed: latest).',
      'left_out 24 18:20 skipped: 1 time since 2026-10-24T18:20:00.000Z passed while nothing ran (missed: skip).',
      'made_up 24 18:20 skipped: 1 time since 2026-10-24T18:20:00.000Z passed while nothing ran (missed: latest).',
    ]);
    const next = new Map((await all(SCHEDULES)).map((s) => [s.id, s.nextDue]));
    assert.deepEqual(
      ['berlin', 'weekdays', 'retail', 'dubai', 'store_1'].map((name) => [name, next.get(name) ?? null]),
      [
        ['berlin', '2026-10-26T01:30:00.000Z'],
        ['weekdays', '2026-10-26T06:00:00.000Z'],
        ['retail', '2026-10-27T08:00:00.000Z'],
        ['dubai', '2026-10-26T04:00:00.000Z'],
        ['store_1', null],
      ],
    );
  });

  it('ends with a board on which every delivery stands as it came', async () => {
    const { context } = day.owner.runtime;
    const rows = [...(await boardOf(context, '2026-10-24')), ...(await boardOf(context, '2026-10-25'))];
    const within = rows.filter((r) => Date.parse(r.due) >= instant(START) && Date.parse(r.due) <= instant(END));
    const shown = within.map(({ dataset, date, time, due, state, arrivedAt }) =>
      slotText(dataset, {
        date,
        time,
        due: short(due),
        state,
        arrivedAt: arrivedAt && short(arrivedAt),
      } as PlannedSlot),
    );
    const planned = SOURCES.flatMap(({ name, slots = [] }) => slots.map((s) => slotText(`main/${name}/files`, s)));
    assert.deepEqual(shown.sort(), planned.sort());
    const notes = within.filter((r) => r.note !== null).map((r) => `${r.dataset.split('/')[1]} ${r.time}: ${r.note}`);
    assert.deepEqual(notes.sort(), [
      'harbour 05:00: came 2 h after it was due',
      'store_2 18:10: came 1 h 21 min after it was due',
      'store_3 19:00: came 3 h 1 min after it was due',
      'store_4 15:00: 1 d overdue',
      'store_5 13:00: 1 d 2 h overdue',
      'store_7 19:00: 400 rows; usual: 36–45',
      'store_8 07:00: came 1 h 1 min after it was due',
      'store_9 07:20: came 2 h 41 min after it was due',
    ]);
  });

  it('tells of every problem and of its end, in order, once, and sends one digest', async () => {
    assert.deepEqual(
      day.webhook.received.map((m) => `${short(m.at)} ${m.kind}: ${m.title.replace('[day] ', '')}`),
      [
        '24 11:32 problem: store_5.files is late',
        '24 13:32 problem: store_4.files is late',
        '24 16:13 problem: store_6.files looks unusual',
        '24 16:42 problem: store_2.files is late',
        '24 16:43 problem: store_7.files looks unusual',
        '24 17:31 resolved: Resolved: store_2.files is late',
        '24 17:32 problem: store_3.files is late',
        '24 18:51 resolved: Resolved: store_4.files is late',
        '24 19:31 resolved: Resolved: store_6.files looks unusual',
        '24 20:01 resolved: Resolved: store_3.files is late',
        '24 23:30 reminder: Still open: store_5.files is late',
        '25 03:02 problem: Critical: A dead letter in harbour',
        '25 03:07 problem: Critical: A dead letter in island',
        '25 04:32 problem: harbour.files is late',
        '25 04:41 reminder: Still open: store_7.files looks unusual',
        '25 06:00 resolved: Resolved: A dead letter in harbour',
        '25 06:00 resolved: Resolved: harbour.files is late',
        '25 06:04 resolved: Resolved: A dead letter in island',
        // From 6:30 to 7:30 nobody takes messages.
        '25 07:32 problem: store_8.files is late',
        '25 07:32 problem: store_9.files is late',
        '25 07:32 digest: Daily digest: 4 open problems, 2 late',
        '25 07:33 resolved: Resolved: store_8.files is late',
        '25 09:01 resolved: Resolved: store_9.files is late',
        '25 11:30 reminder: Still open: store_5.files is late',
        '25 12:02 problem: Critical: store_5.files has not come',
      ],
    );
  });

  it('loses and doubles no message, though the receiver was away for an hour', async () => {
    const keys = day.webhook.received.map((m) => m.key);
    assert.equal(new Set(keys).size, keys.length);
    const entries = await all(NOTIFICATIONS);
    assert.deepEqual([...new Set(entries.map((e) => e.status))], ['sent']);
    assert.deepEqual(entries.map((e) => e.id).sort(), keys.sort());
    assert.ok(day.webhook.broken > 0);
    const silent = (p: string) => p > SILENCE.from && p < SILENCE.to && p.endsWith(' notify.unreachable');
    assert.deepEqual(
      day.problems.filter((p) => !silent(p)),
      [],
    );
    assert.deepEqual(await all(EVENTS), []);
  });

  it('leaves open what is still wrong and nothing else', async () => {
    const open = (await all(INCIDENTS)).filter((i) => i.open === 1);
    assert.deepEqual(open.map((i) => `${i.kind} ${i.subject} ${short(i.since)}`).sort(), [
      'expectation main/store_5/files 24 11:30',
      'unusual main/store_7/files 24 16:41',
    ]);
    const letters = (await all(DEAD_LETTERS)).map((l) => {
      const times = l.history.filter((h) => h.what === 'gave up').length;
      return `${l.source} ${l.status}, gave up ${times}×`;
    });
    assert.deepEqual(letters.sort(), ['harbour resolved, gave up 12×', 'island resolved, gave up 1×']);
    const health = (await all(SOURCE_HEALTH)).filter((h) => h.errors > 0 || h.error !== null);
    assert.deepEqual(health, []);
  });

  it('has every row that came in its table, and the newer version of a file in place of the older', async () => {
    const { runtime } = day.owner;
    const found: unknown[][] = [];
    for (const [table] of day.project.delivered()) {
      const [row] = await rowsOf(runtime, `SELECT count(*), sum(id) FROM main.${table}`);
      found.push([table, ...row!.map(Number)]);
    }
    assert.deepEqual(found, day.project.delivered());
  });

  it('has books that balance, for every object', async () => {
    const books = await all(BOOKS);
    assert.deepEqual(
      books.filter((b) => difference(b) !== 0),
      [],
    );
    const active = books.filter((b) => b.active === 1);
    const loaded = Map.groupBy(active, (b) => b.table.replace('main.', ''));
    assert.deepEqual(
      [...loaded].map(([table, of]) => [table, of.reduce((sum, b) => sum + b.loaded, 0)]).sort(),
      day.project.delivered().map(([table, rows]) => [table, rows]),
    );
    assert.deepEqual(await rowsOf(day.owner.runtime, 'SELECT * FROM granary.books WHERE NOT balanced'), []);
  });

  it('does no step twice: not in a run, not in another', async () => {
    const { orchestrator } = await day.owner.runtime.pipelines();
    const succeeded = new Map<string, number>();
    const again: string[] = [];
    const failed: string[] = [];
    for (const { id } of await all(RUNS)) {
      const keys = new Set<unknown>();
      for (const { type, state, details } of await orchestrator.history(id, { limit: 100_000 })) {
        const { key } = (details ?? {}) as { key?: string };
        if (type === 'TaskStarted' && keys.has(key)) again.push(`${id} ${key}`);
        if (type === 'TaskStarted') keys.add(key);
        if (type === 'TaskFailed' || type === 'TaskTimedOut' || type === 'TaskHandedBack') failed.push(`${state}`);
        if (type === 'TaskSucceeded') succeeded.set(state!, (succeeded.get(state!) ?? 0) + 1);
      }
    }
    assert.deepEqual(again, []);
    assert.deepEqual(failed, Array(13).fill('Poll'));
    const files = day.project.files();
    assert.equal((await all(OBJECTS)).length, files);
    assert.deepEqual(
      ['Land', 'VerifyLanded', 'CurateRowsLanded', 'LoadRowsLanded'].map((state) => [state, succeeded.get(state)]),
      [
        ['Land', files],
        ['VerifyLanded', files],
        ['CurateRowsLanded', files],
        ['LoadRowsLanded', files],
      ],
    );
  });
});

function plannedRuns(): string[] {
  return SOURCES.flatMap(({ name, schedule, runs = [], trigger, failed = [] }) =>
    runs.map((run) => {
      const { at, due } = typeof run === 'string' ? { at: run, due: run } : run;
      const why = trigger ?? (schedule === undefined ? 'arrival' : 'schedule');
      const status = failed.includes(at) ? 'failed' : 'succeeded';
      return `${name} ${why} ${why === 'schedule' ? `of ${due} ` : ''}at ${at} ${status}`;
    }),
  );
}

function slotText(dataset: string, { date, time, due, state, arrivedAt }: PlannedSlot): string {
  return `${dataset} ${date} ${time}, due ${due}: ${state}${arrivedAt === null ? '' : ` at ${arrivedAt}`}`;
}
