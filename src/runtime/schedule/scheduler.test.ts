import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { cron, every, firesOf, pipelineOf, Runs, stateFolder } from '../../../test/support/schedule-rig.ts';
import { SimulatedClock } from '../../../test/support/simulated-clock.ts';
import { GranaryError } from '../../lib/errors.ts';
import { SCHEDULES } from '../../model/schedules.ts';
import type { Pipeline } from '../../project/pipelines.ts';
import { Scheduler } from './scheduler.ts';
import { pipelineStatus } from './status.ts';

async function rig(t: TestContext, start: string, pipelines: Pipeline[]) {
  const clock = new SimulatedClock(start);
  const runs = new Runs(clock);
  const open = await stateFolder(t);
  let state = await open();
  let scheduler = new Scheduler({ state, pipelines, ...runs.callbacks() });
  runs.onEnd = (pipeline) => void scheduler.ended(pipeline);
  t.after(() => scheduler.stop());
  return {
    clock,
    runs,
    state: () => state,
    scheduler: () => scheduler,
    /** Another process on the same state, after this one has ended or was killed. */
    async restart(changed: Pipeline[] = pipelines, callbacks = {}) {
      await scheduler.stop();
      state = await open();
      scheduler = new Scheduler({ state, pipelines: changed, ...runs.callbacks(), ...callbacks });
      await scheduler.start();
    },
  };
}

test('a week of simulated time fires every pipeline at its times', async (t) => {
  const pipelines = [
    pipelineOf('daily', cron('0 5 * * *')),
    pipelineOf('quarters', every(900)),
    pipelineOf('workdays', cron('30 2 * * mon-fri')),
    pipelineOf('off', cron('* * * * *'), { schedule: { enabled: false } }),
    pipelineOf('hand', { kind: 'manual' }),
  ];
  const { clock, runs, scheduler } = await rig(t, '2026-03-24T00:00:00Z', pipelines);
  await scheduler().start();
  await clock.advanceTo('2026-03-31T00:00:00Z');
  const count = (name: string) => runs.started.filter((run) => run.pipeline === name).length;
  assert.deepEqual(
    pipelines.map((p) => count(p.name)),
    [7, 672, 5, 0, 0],
  );
  const sunday = runs.started.find((run) => run.pipeline === 'daily' && run.at.startsWith('2026-03-29'));
  assert.equal(sunday!.at, '2026-03-29T03:00:00.000Z');
  assert.ok(runs.started.every((run) => run.at === run.dueAt));
  assert.equal(new Set(runs.started.map((run) => run.id)).size, runs.started.length);
});

test('of times that passed while nothing ran, `latest` makes up for the last one and says how many are left out', async (t) => {
  const { clock, runs, state, scheduler, restart } = await rig(t, '2026-11-20T00:00:00Z', [
    pipelineOf('daily', cron('0 5 * * *')),
  ]);
  await scheduler().start();
  await clock.advanceTo('2026-11-20T12:00:00Z');
  await scheduler().stop();
  await clock.advanceTo('2026-11-24T12:00:00Z');
  await restart();
  await clock.settle();
  assert.deepEqual(
    runs.started.map((run) => run.dueAt),
    ['2026-11-20T04:00:00.000Z', '2026-11-24T04:00:00.000Z'],
  );
  const skipped = (await firesOf(state(), 'daily')).filter((f) => f.status === 'skipped');
  assert.match(skipped[0]!.reason, /^3 times since 2026-11-21T04:00:00.000Z passed while nothing ran/);
  await clock.advanceTo('2026-11-25T12:00:00Z');
  assert.equal(runs.started.at(-1)!.dueAt, '2026-11-25T04:00:00.000Z');
});

test('of times that passed while nothing ran, `all` makes up for each, one behind the other', async (t) => {
  const daily = pipelineOf('daily', cron('0 5 * * *'), { schedule: { missed: 'all' } });
  const { clock, runs, scheduler, restart } = await rig(t, '2026-11-20T12:00:00Z', [daily]);
  await scheduler().start();
  await scheduler().stop();
  runs.takes = 600_000;
  await clock.advanceTo('2026-11-24T12:00:00Z');
  await restart();
  await clock.advance(3_600_000);
  assert.deepEqual(
    runs.started.map((run) => [run.dueAt!.slice(0, 10), run.at.slice(11, 16)]),
    [
      ['2026-11-21', '12:00'],
      ['2026-11-22', '12:10'],
      ['2026-11-23', '12:20'],
      ['2026-11-24', '12:30'],
    ],
  );
});

test('of times that passed while nothing ran, `skip` makes up for none, but a time that is just due fires', async (t) => {
  const daily = pipelineOf('daily', cron('0 5 * * *'), { schedule: { missed: 'skip' } });
  const { clock, runs, state, scheduler, restart } = await rig(t, '2026-11-20T12:00:00Z', [daily]);
  await scheduler().start();
  await scheduler().stop();
  await clock.advanceTo('2026-11-24T04:00:30Z');
  await restart();
  await clock.settle();
  assert.deepEqual(
    runs.started.map((run) => run.dueAt),
    ['2026-11-24T04:00:00.000Z'],
  );
  assert.match((await state().get(SCHEDULES, 'daily'))!.lastSkipped!.reason, /^3 times/);
});

test('months of missed minutes are one run and one line', async (t) => {
  const { clock, runs, state, scheduler, restart } = await rig(t, '2026-01-01T00:00:30Z', [
    pipelineOf('minutes', cron('* * * * *')),
  ]);
  await scheduler().start();
  await scheduler().stop();
  await clock.advanceTo('2026-06-01T00:00:30Z');
  await restart();
  await clock.settle();
  assert.deepEqual(
    runs.started.map((run) => run.dueAt),
    ['2026-06-01T00:00:00.000Z'],
  );
  assert.equal((await firesOf(state(), 'minutes')).length, 2);
});

test('a changed schedule starts anew: times of the old one are not made up for', async (t) => {
  const { clock, runs, scheduler, restart } = await rig(t, '2026-11-20T12:00:00Z', [
    pipelineOf('p', cron('0 5 * * *')),
  ]);
  await scheduler().start();
  await scheduler().stop();
  await clock.advanceTo('2026-11-24T12:00:00Z');
  await restart([pipelineOf('p', cron('0 18 * * *'))]);
  await clock.advanceTo('2026-11-24T18:00:00Z');
  assert.deepEqual(
    runs.started.map((run) => run.dueAt),
    ['2026-11-24T17:00:00.000Z'],
  );
});

for (const [overlap, expected] of [
  ['skip', ['10:00', '10:45', '11:30']],
  ['queue', ['10:00', '10:40', '11:20', '12:00']],
  ['replace', ['10:00', '10:15', '10:30', '10:45', '11:00', '11:15', '11:30']],
] as const)
  test(`overlap ${overlap}: what is due while a run of 40 minutes goes on`, async (t) => {
    const { clock, runs, state, scheduler } = await rig(t, '2026-11-25T09:59:00Z', [
      pipelineOf('p', every(900), { overlap }),
    ]);
    runs.takes = 40 * 60_000;
    await scheduler().start();
    await clock.advanceTo('2026-11-25T11:44:00Z');
    // A time later no more becomes due, and what waits goes on.
    if (overlap === 'queue') await clock.advanceTo('2026-11-25T12:00:00Z');
    assert.deepEqual(
      runs.started.map((run) => run.at.slice(11, 16)),
      expected,
    );
    const [status] = await pipelineStatus(state(), [pipelineOf('p', every(900))], clock.now());
    if (overlap === 'skip') assert.equal(status!.lastSkipped!.reason, 'The run before it has not ended.');
    if (overlap === 'queue') assert.equal(status!.queued, 5);
    if (overlap === 'replace') assert.equal(runs.stopped.length, 6);
  });

test('a queue outlives the process', async (t) => {
  const { clock, runs, scheduler, restart } = await rig(t, '2026-11-25T09:59:00Z', [
    pipelineOf('p', every(900), { overlap: 'queue' }),
  ]);
  runs.takes = 40 * 60_000;
  await scheduler().start();
  await clock.advanceTo('2026-11-25T10:31:00Z');
  assert.equal(scheduler().queued('p'), 2);
  await restart();
  assert.equal(scheduler().queued('p'), 2);
  await clock.advanceTo('2026-11-25T10:41:00Z');
  assert.equal(runs.started.at(-1)!.dueAt, '2026-11-25T10:15:00.000Z');
});

test('killed between starting a run and recording it, the run is started once', async (t) => {
  const { clock, runs, scheduler, state, restart } = await rig(t, '2026-11-25T03:00:00Z', []);
  const daily = [pipelineOf('daily', cron('0 5 * * *'), { schedule: { missed: 'skip' } })];
  await scheduler().start();
  // The orchestrator has the run, and its answer never comes: what follows happens in another process.
  const { start } = runs.callbacks();
  const hangs = async (...call: Parameters<typeof start>) => {
    await start(...call);
    return new Promise<string>(() => undefined);
  };
  const killed = new Scheduler({ state: state(), pipelines: daily, ...runs.callbacks(), start: hangs });
  await killed.start();
  await clock.advanceTo('2026-11-25T04:00:00Z');
  assert.equal(runs.started.length, 1);
  assert.equal((await firesOf(state(), 'daily'))[0]!.status, 'starting');

  await clock.advanceTo('2026-11-25T09:00:00Z');
  await restart(daily);
  await clock.advanceTo('2026-11-25T12:00:00Z');
  assert.equal(runs.started.length, 1);
  const fires = await firesOf(state(), 'daily');
  assert.deepEqual(
    fires.map((f) => [f.id, f.status]),
    [[runs.started[0]!.id, 'started']],
  );
});

test('killed before a run was started, the run is started after the restart, whatever `missed` says', async (t) => {
  const { clock, runs, scheduler, state, restart } = await rig(t, '2026-11-25T03:00:00Z', []);
  const daily = [pipelineOf('daily', cron('0 5 * * *'), { schedule: { missed: 'skip' } })];
  await scheduler().start();
  const hangs = () => new Promise<string>(() => undefined);
  const killed = new Scheduler({ state: state(), pipelines: daily, ...runs.callbacks(), start: hangs });
  await killed.start();
  await clock.advanceTo('2026-11-25T04:00:00Z');
  assert.equal(runs.started.length, 0);
  await clock.advanceTo('2026-11-25T09:00:00Z');
  await restart(daily);
  assert.deepEqual(
    runs.started.map((run) => run.dueAt),
    ['2026-11-25T04:00:00.000Z'],
  );
});

test('a paused pipeline does not fire and says so; resumed, it goes on with its next time', async (t) => {
  const p = pipelineOf('p', every(900));
  const { clock, runs, state, scheduler } = await rig(t, '2026-11-25T09:59:00Z', [p]);
  runs.paused.add('p');
  await scheduler().start();
  await clock.advanceTo('2026-11-25T10:20:00Z');
  assert.equal(runs.started.length, 0);
  const [status] = await pipelineStatus(state(), [p], clock.now());
  assert.equal(status!.lastSkipped!.reason, 'The pipeline is paused.');
  assert.equal(status!.nextDue, '2026-11-25T10:30:00.000Z');
  runs.paused.delete('p');
  await clock.advanceTo('2026-11-25T10:30:00Z');
  assert.equal(runs.started.length, 1);
});

test('a start that fails for now is tried again; one that is refused is recorded with its error', async (t) => {
  const errors: string[] = [];
  let broken: GranaryError | undefined = new GranaryError('store.disk_full', 'The disk is full.', { transient: true });
  const { clock, runs, state, restart } = await rig(t, '2026-11-25T09:59:00Z', []);
  const { start } = runs.callbacks();
  await restart([pipelineOf('p', every(900))], {
    start: (...call: Parameters<typeof start>) => (broken ? Promise.reject(broken) : start(...call)),
    onError: (error: GranaryError) => errors.push(error.code),
  });
  await clock.advanceTo('2026-11-25T10:00:12Z');
  assert.equal(runs.started.length, 0);
  broken = undefined;
  await clock.advanceTo('2026-11-25T10:00:20Z');
  assert.deepEqual(
    runs.started.map((run) => run.dueAt),
    ['2026-11-25T10:00:00.000Z'],
  );

  broken = new GranaryError('run.conflict', 'A run of this name exists with another input.');
  await clock.advanceTo('2026-11-25T10:16:00Z');
  const last = (await firesOf(state(), 'p')).at(-1)!;
  assert.deepEqual([last.status, last.reason], ['failed', 'A run of this name exists with another input.']);
  assert.deepEqual(errors, ['store.disk_full', 'store.disk_full', 'store.disk_full', 'run.conflict']);
});

test('fires are kept for looking back, and not for ever', async (t) => {
  const { clock, state, scheduler } = await rig(t, '2026-11-01T00:00:00Z', [pipelineOf('p', every(60))]);
  await scheduler().start();
  await clock.advanceTo('2026-11-01T12:00:00Z');
  const fires = await firesOf(state(), 'p');
  assert.ok(fires.length >= 200 && fires.length <= 260, String(fires.length));
  assert.equal(fires.at(-1)!.dueAt, '2026-11-01T12:00:00.000Z');
});
