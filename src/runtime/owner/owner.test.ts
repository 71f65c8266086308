/** What an owner says of what no run tells of. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeProject } from '../../../test/support/projects.ts';
import { openRuntime } from '../runtime.ts';
import { startOwner } from './owner.ts';

test('a message that a channel refuses is a problem of that channel, by its name', async (t) => {
  const server = createServer((_, response) => response.writeHead(404).end('gone'));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const dir = await makeProject(t, {
    'granary.yaml': `name: test\nnotifications: {group_for: 1 s, channels: {chat: {type: webhook, url: "${url}"}}, routes: [{events: [run.succeeded], channels: [chat]}]}\n`,
    'sources/shop.yaml':
      'connector: {type: folder, path: inbox}\ndatasets:\n  sales:\n    files: "*.csv"\n    ready: now\n    columns: {id: bigint}\n',
    'inbox/a.csv': 'id\n1\n',
  });
  const runtime = await openRuntime({ dir, command: 'test' });
  t.after(() => runtime.close());
  const problem = Promise.withResolvers<string>();
  const owner = await startOwner({
    runtime,
    version: 'test',
    onProblem(what, error) {
      if (error.code.startsWith('notify.')) problem.resolve(`${what}: ${error.code}`);
    },
  });
  try {
    const told = await Promise.race([problem.promise, delay(120_000, 'nothing', { ref: false })]);
    assert.equal(told, 'notifications to chat: notify.refused');
  } finally {
    await owner.stop(5000);
  }
});
