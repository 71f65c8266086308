import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENTS } from '../src/model/events.ts';
import { CURATIONS } from '../src/model/objects.ts';
import { run } from '../src/runtime/run.ts';
import { openRuntime } from '../src/runtime/runtime.ts';
import { makeProject } from './support/projects.ts';
import { SimulatedClock } from './support/simulated-clock.ts';

test('what workers write is dated by the clock of the owner', async (t) => {
  const columns = 'columns: {id: integer}';
  const dir = await makeProject(t, {
    'sources/shop.yaml': `connector: {type: folder, path: in}
datasets:
  good: {files: good.csv, ready: now, ${columns}}
  bad: {files: bad.csv, ready: now, verify: {min_rows: 9}, ${columns}}
`,
    'in/good.csv': 'id\n1\n',
    'in/bad.csv': 'id\n1\n',
  });
  const runtime = await openRuntime({ dir, command: 'test', clock: new SimulatedClock('2031-05-06T07:08:09Z') });
  try {
    const doc = await run(runtime, { command: 'test' });
    assert.deepEqual([doc.landed, doc.quarantined], [2, 1]);
    const times: string[] = [];
    for await (const curation of runtime.context.state.query(CURATIONS)) times.push(curation.curatedAt);
    for await (const e of runtime.context.state.query(EVENTS)) if (e.type === 'object.quarantined') times.push(e.at);
    assert.equal(times.length, 2);
    // A worker's clock goes on from the time of the owner while it works.
    for (const time of times) assert.match(time, /^2031-05-06T/);
  } finally {
    await runtime.close();
  }
});
