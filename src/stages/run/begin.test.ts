/** What a run tells of itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeProject, runProject } from '../../../test/support/projects.ts';
import { EVENTS } from '../../model/events.ts';
import { openRuntime } from '../../runtime/runtime.ts';
import { begin } from './begin.ts';

test('a run tells once that it has begun, also when it is gone on with, and once how it ended', async (t) => {
  const dir = await makeProject(t, {
    'granary.yaml': 'name: test\n',
    'sources/shop.yaml':
      'connector: {type: folder, path: inbox}\ndatasets:\n  sales:\n    files: "*.csv"\n    ready: now\n    columns: {id: bigint}\n',
    'inbox/a.csv': 'id\n1\n',
  });
  const { doc } = await runProject(dir);
  const runtime = await openRuntime({ dir, command: 'test' });
  t.after(() => runtime.close());
  await begin({ run: doc.id, pipeline: 'daily', request: null }, runtime.context);
  const told: string[] = [];
  for await (const { type, subject, data } of runtime.context.state.query(EVENTS, { index: 'at' }))
    if (type.startsWith('run.')) told.push(`${type} of ${subject}: ${data['run']}`);
  assert.deepEqual(told, [`run.started of daily: ${doc.id}`, `run.succeeded of daily: ${doc.id}`]);
});
