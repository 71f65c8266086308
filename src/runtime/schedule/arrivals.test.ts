import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pipelineOf, Runs, stateFolder } from '../../../test/support/schedule-rig.ts';
import { SimulatedClock } from '../../../test/support/simulated-clock.ts';
import { systemClock } from '../../adapters/clock/system.ts';
import { GranaryError } from '../../lib/errors.ts';
import { SOURCE_HEALTH } from '../../model/schedules.ts';
import type { Source } from '../../project/project.ts';
import { Arrivals, type Look } from './arrivals.ts';
import { Scheduler } from './scheduler.ts';

function sourceOf(name: string, files = '*.csv'): Source {
  const config = { poll: { min: 10, max: 300 }, connector: { type: 'x' } };
  return {
    name,
    file: `sources/${name}.yaml`,
    tenant: 'main',
    config,
    datasets: new Map([['sales', { name: 'sales', config: { files } }]]),
  } as unknown as Source;
}
const arrival = { kind: 'arrival' } as const;

/** Waits until something is so; the test's own limit ends it otherwise. */
async function until(check: () => boolean): Promise<void> {
  while (!check()) await delay(10);
}

test('of a burst of 2,000 files into a watched folder none is lost', { timeout: 60_000 }, async (t) => {
  const inbox = await mkdtemp(join(tmpdir(), 'granary-inbox-'));
  t.after(() => rm(inbox, { recursive: true }));
  const state = await (await stateFolder(t))();
  const taken = new Set<string>();
  let running = false;
  const present = async () => {
    const below = await readdir(inbox, { recursive: true });
    return below.filter((name) => name.endsWith('.csv'));
  };
  const pipelines = [pipelineOf('shop', arrival, { overlap: 'queue' })];
  const scheduler: Scheduler = new Scheduler({
    state,
    clock: systemClock,
    pipelines,
    // A run takes what is there when it begins.
    start: async (_pipeline, { id }) => {
      running = true;
      const files = await present();
      setTimeout(() => {
        for (const file of files) taken.add(file);
        running = false;
        arrivals.ended('shop');
        void scheduler.ended('shop');
      }, 30);
      return id;
    },
    isRunning: async () => running,
    stopRunning: async () => undefined,
    isPaused: async () => false,
  });
  const arrivals: Arrivals = new Arrivals({
    state,
    clock: systemClock,
    pipelines,
    sources: [sourceOf('shop', '**/*.csv')],
    scheduler,
    isRunning: async () => running,
    look: async () => {
      const found = (await present()).filter((file) => !taken.has(file)).length;
      return { found, datasets: found > 0 ? ['sales'] : [] };
    },
    folderOf: () => inbox,
  });
  await scheduler.start();
  arrivals.start();
  await writeFile(join(inbox, 'first.csv'), 'a');
  await until(() => taken.has('first.csv'));
  for (let batch = 0; batch < 20; batch++) {
    const folder = join(inbox, batch % 2 === 0 ? '.' : `store_${batch}`);
    await mkdir(folder, { recursive: true });
    await Promise.all(Array.from({ length: 100 }, (_, i) => writeFile(join(folder, `f${batch}_${i}.csv`), 'a')));
  }
  await until(() => taken.size === 2001);
  await arrivals.stop();
  await scheduler.stop();
});

async function rig(t: TestContext, look: (source: string) => Promise<Look>, sources = ['vendor']) {
  const clock = new SimulatedClock('2026-11-25T12:00:00Z');
  const runs = new Runs(clock);
  const open = await stateFolder(t);
  const state = await open();
  const pipelines = sources.map((name) => pipelineOf(name, arrival, { overlap: 'queue' }));
  const scheduler = new Scheduler({ state, pipelines, ...runs.callbacks() });
  const looks: { source: string; at: number }[] = [];
  const arrivals = new Arrivals({
    state,
    clock,
    pipelines,
    sources: sources.map((name) => sourceOf(name)),
    scheduler,
    isRunning: runs.callbacks().isRunning,
    look: (source) => {
      looks.push({ source, at: (clock.now() - Date.parse('2026-11-25T12:00:00Z')) / 1000 });
      return look(source);
    },
    folderOf: () => undefined,
  });
  await scheduler.start();
  arrivals.start();
  t.after(async () => {
    await arrivals.stop();
    await scheduler.stop();
  });
  return { clock, runs, state, looks, arrivals };
}

test('a remote source is polled less when nothing comes, and at the shortest interval after files came', async (t) => {
  let there = 0;
  const { clock, runs, looks } = await rig(t, async () => {
    const found = there;
    there = 0;
    return { found, datasets: found > 0 ? ['sales'] : [] };
  });
  await clock.advance(3_600_000);
  const idle = looks.length;
  assert.ok(idle > 12 && idle < 25, String(idle));
  there = 3;
  await clock.advance(300_000);
  assert.equal(runs.started.length, 1);
  const since = looks.length;
  await clock.advance(60_000);
  assert.equal(looks.length - since, 6);
});

test('a file that is not ready yet is looked at again when it may be', async (t) => {
  let ready = false;
  const { clock, runs, looks } = await rig(t, async () => {
    if (clock.now() >= Date.parse('2026-11-25T12:00:03Z')) ready = true;
    return ready ? { found: 1, datasets: ['sales'] } : { found: 0, datasets: [], soonestMs: 3000 };
  });
  await clock.advance(3100);
  assert.deepEqual(
    looks.map((l) => l.at),
    [0, 3],
  );
  assert.equal(runs.started.length, 1);
});

test('a source that fails is looked at less and its errors are kept; the others go on', async (t) => {
  let broken = true;
  const { clock, state, looks } = await rig(
    t,
    async (source) => {
      if (source === 'vendor' && broken)
        throw new GranaryError('connector.unreachable', 'The server could not be reached.', { transient: true });
      return { found: 0, datasets: [] };
    },
    ['vendor', 'shop'],
  );
  await clock.advance(100_000);
  assert.deepEqual(
    looks.filter((l) => l.source === 'vendor').map((l) => l.at),
    [0, 10, 30, 70],
  );
  const health = (await state.get(SOURCE_HEALTH, 'vendor'))!;
  assert.deepEqual([health.errors, health.error!.code], [4, 'connector.unreachable']);
  assert.equal(health.errorsSince, '2026-11-25T12:00:00.000Z');
  assert.equal((await state.get(SOURCE_HEALTH, 'shop'))!.errors, 0);
  broken = false;
  await clock.advance(100_000);
  assert.deepEqual([(await state.get(SOURCE_HEALTH, 'vendor'))!.errors], [0]);
});

test('a source that cannot be looked at for a while is run once, so that somebody is told, and once when that is over', async (t) => {
  let broken = true;
  const { clock, runs } = await rig(t, async () => {
    if (broken)
      throw new GranaryError('connector.unreachable', 'The server could not be reached.', { transient: true });
    return { found: 0, datasets: [] };
  });
  await clock.advance(140_000);
  assert.equal(runs.started.length, 0);
  await clock.advance(3_600_000);
  assert.deepEqual(
    runs.started.map((run) => run.at),
    ['2026-11-25T12:02:30.000Z'],
  );
  broken = false;
  await clock.advance(3_600_000);
  assert.equal(runs.started.length, 2);
});

test('a hanging source holds up no other', async (t) => {
  const { clock, runs } = await rig(
    t,
    (source) =>
      source === 'vendor' && clock.now() > Date.parse('2026-11-25T12:30:00Z')
        ? new Promise((_, reject) => setTimeout(() => reject(new GranaryError('connector.lost', 'gone')), 300))
        : Promise.resolve({ found: source === 'shop' ? 1 : 0, datasets: source === 'shop' ? ['sales'] : [] }),
    ['vendor', 'shop'],
  );
  await clock.advance(3_600_000);
  assert.ok(runs.started.filter((run) => run.pipeline === 'shop').length > 10);
});

test('files that every run leaves behind do not start a run at every look', async (t) => {
  const { clock, runs, arrivals } = await rig(t, async () => ({ found: 1, datasets: ['sales'] }));
  runs.takes = 100;
  runs.onEnd = (pipeline) => arrivals.ended(pipeline);
  await clock.advance(600_000);
  assert.ok(runs.started.length > 5 && runs.started.length < 70, String(runs.started.length));
});

test('a stream that always has more is read again at once as long as runs move on', async (t) => {
  let reached = 0;
  const { clock, runs, arrivals } = await rig(t, async () => ({
    found: 1,
    datasets: ['sales'],
    reached: `changes ${reached}`,
  }));
  runs.takes = 100;
  runs.onEnd = (pipeline) => {
    reached++;
    arrivals.ended(pipeline);
  };
  await clock.advance(60_000);
  assert.ok(runs.started.length > 300, String(runs.started.length));
});
