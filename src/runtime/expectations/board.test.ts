import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeProject } from '../../../test/support/projects.ts';
import { SimulatedClock } from '../../../test/support/simulated-clock.ts';
import { EVENTS } from '../../model/events.ts';
import { openContext, openProject } from '../context.ts';
import { boardOf, forgive } from './board.ts';
import { Watchdog } from './watchdog.ts';

test('a day that is forgiven is no longer late, and the problem ends', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml':
      'connector: {type: folder, path: inbox}\ndatasets:\n  sales:\n    files: "sales_{date:yyyyMMdd}.csv"\n    columns: {a: integer}\n    expect: "06:00"\n    error_budget: {objects: 5, within: 1 d}\n',
    'inbox/.keep': '',
  });
  const { project } = await openProject({ dir });
  const opened = await openContext(project);
  t.after(() => opened.close());
  const clock = new SimulatedClock('2026-11-25T00:00:00Z');
  const context = { ...opened.context, clock };
  const dog = new Watchdog({ ...context, settleMs: 0 });
  await dog.tick();
  await clock.advanceTo('2026-11-25T07:00:00Z');
  await dog.tick();
  assert.equal((await boardOf(context))[0]!.state, 'late');
  await assert.rejects(forgive(context, { dataset: 'shop.sale', date: '2026-11-25', reason: 'x' }, 'me'), {
    code: 'stage.bad_input',
  });
  const row = await forgive(context, { dataset: 'shop.sales', date: '2026-11-25', reason: 'closed' }, 'me');
  assert.deepEqual([row.state, row.note], ['forgiven', 'forgiven: closed']);
  await clock.advanceTo('2026-11-26T02:00:00Z');
  await dog.tick();
  const types: string[] = [];
  for await (const e of context.state.query(EVENTS, { index: 'at' })) types.push(e.type);
  assert.deepEqual(types, ['expectation.late', 'expectation.met']);
});
