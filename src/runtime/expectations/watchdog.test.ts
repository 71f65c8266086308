import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SimulatedClock } from '../../../test/support/simulated-clock.ts';
import { openStateStore } from '../../adapters/state-store/sqlite.ts';
import { EVENTS } from '../../model/events.ts';
import { OBJECTS, type ObjectDoc } from '../../model/objects.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Project } from '../../project/project.ts';
import { Watchdog } from './watchdog.ts';

const KEY = 'main/shop/sales';
const expect = {
  due: ['06:00'],
  tolerance: 1800,
  for: 'same_day',
  files: 1,
  min_bytes: 500,
  volume: { metric: 'bytes', sensitivity: 'normal', window: 56 * 86_400, seasonal: true },
};
const config = { files: 'sales_{date:yyyyMMdd}.csv', columns: {}, expect };
const project = {
  config: { name: 'test', time_zone: 'Europe/Berlin' },
  sources: new Map([
    [
      'shop',
      {
        name: 'shop',
        tenant: 'main',
        config: {},
        datasets: new Map([
          [
            'sales',
            {
              key: KEY,
              tenant: 'main',
              source: 'shop',
              name: 'sales',
              table: { schema: 'main', name: 'sales' },
              config,
            },
          ],
        ]),
      },
    ],
  ]),
} as unknown as Project;

async function land(state: StateStore, date: string, landedAt: string, bytes = 1000): Promise<void> {
  const path = `sales_${date}.csv`;
  await state.put(OBJECTS, {
    id: `o-${date}`,
    dataset: KEY,
    path,
    file: path,
    version: 1,
    bytes,
    sha256: date,
    landedAt,
    modifiedAt: null,
    businessDate: date,
    nameParts: {},
    order: `${date}|${path}|000001`,
    key: path,
    sidecars: {},
    status: 'loaded',
    supersedes: null,
    supersededBy: null,
    duplicateOf: null,
    reasons: [],
    released: false,
    payloads: null,
    declared: null,
    landedRun: null,
    run: null,
  } satisfies ObjectDoc);
}

async function told(state: StateStore): Promise<string[]> {
  const out: string[] = [];
  for await (const e of state.query(EVENTS, { index: 'at' })) out.push(`${e.at.slice(0, 16)} ${e.type.split('.')[1]}`);
  return out;
}

test('late, missed and small deliveries are each told once, also when the watchdog is started anew', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'granary-watchdog-'));
  const state = await openStateStore(join(dir, 'state.db'));
  t.after(async () => {
    await state.close();
    await rm(dir, { recursive: true });
  });
  const clock = new SimulatedClock('2026-11-01T00:00:00Z');
  const errors: string[] = [];
  const begin = () => {
    const dog = new Watchdog({ state, clock, project, onError: (e) => errors.push(e.message), sweepMs: 600_000 });
    dog.start();
    return dog;
  };
  let dog = begin();
  const at = async (time: string, act?: () => Promise<void>) => {
    await clock.advanceTo(time);
    await act?.();
    dog.wake();
    await clock.settle();
  };
  await at('2026-11-01T04:00:00Z', () => land(state, '2026-11-01', '2026-11-01T04:00:00.000Z'));
  await at('2026-11-02T07:00:00Z', () => land(state, '2026-11-02', '2026-11-02T07:00:00.000Z'));
  // Nothing on the 3rd; the process is down over the night.
  await at('2026-11-03T12:00:00Z');
  await dog.stop();
  await clock.advanceTo('2026-11-04T04:30:00Z');
  dog = begin();
  await at('2026-11-04T04:40:00Z', () => land(state, '2026-11-04', '2026-11-04T04:40:00.000Z', 100));
  await at('2026-11-04T12:00:00Z');
  await dog.stop();
  assert.deepEqual(errors, []);
  assert.deepEqual(await told(state), [
    '2026-11-02T05:30 late',
    '2026-11-02T07:00 met',
    '2026-11-03T05:30 late',
    '2026-11-04T04:40 unusual',
    '2026-11-04T05:00 missed',
  ]);
});
