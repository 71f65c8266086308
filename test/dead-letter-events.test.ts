import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { DEAD_LETTERS } from '../src/model/dead-letters.ts';
import { EVENTS } from '../src/model/events.ts';
import { run } from '../src/runtime/run.ts';
import { openRuntime } from '../src/runtime/runtime.ts';
import { makeProject } from './support/projects.ts';

test('a source that is away for several runs is one dead letter and told once, and so is its end', async (t) => {
  const dir = await makeProject(t, {
    'sources/shop.yaml':
      'connector: {type: folder, path: in}\ndatasets:\n  sales: {files: "*.csv", columns: {id: integer}}\n',
    'in/a.csv': 'id\n1\n',
  });
  const runtime = await openRuntime({ dir, command: 'test' });
  try {
    const go = async () => (await run(runtime, { command: 'test' })).status;
    assert.equal(await go(), 'succeeded');
    await rename(join(dir, 'in'), join(dir, 'away'));
    assert.deepEqual([await go(), await go(), await go()], ['failed', 'failed', 'failed']);
    await rename(join(dir, 'away'), join(dir, 'in'));
    assert.equal(await go(), 'succeeded');
    await rename(join(dir, 'in'), join(dir, 'away'));
    assert.equal(await go(), 'failed');
    const told: string[] = [];
    for await (const { type } of runtime.context.state.query(EVENTS, { index: 'at' }))
      if (type.startsWith('dead_letter.')) told.push(type);
    assert.deepEqual(told, ['dead_letter.opened', 'dead_letter.resolved', 'dead_letter.opened']);
    for await (const letter of runtime.context.state.query(DEAD_LETTERS))
      assert.deepEqual(
        letter.history.map((h) => h.what),
        ['gave up', 'gave up', 'gave up', 'succeeded', 'gave up'],
      );
  } finally {
    await runtime.close();
  }
});
