import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipelineOf, Runs, stateFolder } from '../../../test/support/schedule-rig.ts';
import { SimulatedClock } from '../../../test/support/simulated-clock.ts';
import { type EventDoc, toEmit } from '../../model/events.ts';
import { EventDispatcher } from '../events/dispatcher.ts';
import { subscribeTriggers } from './event-triggers.ts';
import { Scheduler } from './scheduler.ts';

const manual = { kind: 'manual' } as const;
const report = pipelineOf('report', manual, {
  overlap: 'queue',
  on: [{ event: 'table.changed', subject: 'main.sales' }],
});
const any = pipelineOf('any', manual, { overlap: 'queue', on: [{ event: 'table.changed', subject: undefined }] });
const off = pipelineOf('off', manual, { on: any.on, schedule: { enabled: false } });
const pipelines = [report, any, off];

function event(id: string, more: Partial<EventDoc> = {}): EventDoc {
  const at = '2026-11-25T12:00:00.000Z';
  return { id, type: 'table.changed', subject: 'main.sales', tenant: 'main', at, data: {}, ...more };
}

test('an event starts the pipelines that wait for it, once, however often it is given out', async (t) => {
  const clock = new SimulatedClock('2026-11-25T12:00:00Z');
  const runs = new Runs(clock);
  const open = await stateFolder(t);
  const first = await open();
  await first.transact([toEmit(event('e1')), toEmit(event('e2', { subject: 'main.stores' }))]);

  // The process is killed after the runs were started and before the events were marked.
  const killed = new EventDispatcher({ state: first, clock });
  killed.subscribe('stuck', () => new Promise(() => undefined));
  const scheduler = new Scheduler({ state: first, pipelines, ...runs.callbacks() });
  subscribeTriggers({ dispatcher: killed, scheduler, pipelines });
  void killed.drain();
  while (runs.started.length < 3) await clock.settle();
  assert.deepEqual(runs.started.map((run) => run.pipeline).sort(), ['any', 'any', 'report']);

  const second = await open();
  await second.transact([toEmit(event('e1')), toEmit(event('e3', { type: 'object.landed' }))]);
  const dispatcher = new EventDispatcher({ state: second, clock });
  subscribeTriggers({
    dispatcher,
    scheduler: new Scheduler({ state: second, pipelines, ...runs.callbacks() }),
    pipelines,
  });
  await dispatcher.drain();
  assert.equal(runs.started.length, 3);
  assert.deepEqual(runs.started.find((run) => run.pipeline === 'report')!.input, {
    trigger: 'event',
    event: { id: 'e1', type: 'table.changed', subject: 'main.sales' },
  });
});

test('the end of a run lets the next that waits start', async (t) => {
  const clock = new SimulatedClock('2026-11-25T12:00:00Z');
  const runs = new Runs(clock);
  runs.takes = 60_000;
  const state = await (await stateFolder(t))();
  const scheduler = new Scheduler({ state, pipelines, ...runs.callbacks() });
  const dispatcher = new EventDispatcher({ state, clock });
  subscribeTriggers({ dispatcher, scheduler, pipelines: [report] });
  await state.transact([toEmit(event('e1')), toEmit(event('e2'))]);
  await dispatcher.drain();
  assert.deepEqual([runs.started.length, scheduler.queued('report')], [1, 1]);
  await clock.advance(60_000);
  await state.transact([toEmit(event('e3', { type: 'run.failed', subject: 'report' }))]);
  await dispatcher.drain();
  assert.deepEqual([runs.started.length, scheduler.queued('report')], [2, 0]);
});
