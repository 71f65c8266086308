/** Feeds that are always open are watched: each problem is told of once, and its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postgresMissing } from '../../../test/servers/postgres.ts';
import { captureProject, startShop } from '../../../test/support/postgres-capture.ts';
import { runProject } from '../../../test/support/projects.ts';
import { EVENTS } from '../../model/events.ts';
import { statusOf } from '../status.ts';
import { LagWatch } from './lag-watch.ts';

test('each problem of a feed is told of when it begins, also beside another one, and when all are over', {
  skip: postgresMissing(),
  timeout: 300_000,
}, async (t) => {
  const server = await startShop(t);
  const sql = (statements: string) => server.admin(`SET ROLE granary; ${statements}`);
  const dir = await captureProject(t, server);
  const extractAndLook = async () => {
    let found: unknown;
    await runProject(dir, async (runtime) => {
      found = await look(runtime.context);
    });
    return found;
  };
  const look = async (context: ConstructorParameters<typeof LagWatch>[0]['context']) => {
    const watch = new LagWatch({ context, onEvents: () => undefined, onProblem: (_, e) => assert.fail(e) });
    await watch.look({ source: context.project.sources.get('shop')!, feed: 'changes' });
    const events: string[] = [];
    for await (const { type, data } of context.state.query(EVENTS))
      if (type.startsWith('feed.')) events.push(`${type} ${data['reason'] ?? ''}`);
    const { behind } = await statusOf(context, '');
    return { events, behind: behind.map(({ problem }) => problem) };
  };
  assert.deepEqual(await extractAndLook(), { events: [], behind: [] });

  await sql('ALTER TABLE items DROP CONSTRAINT items_pkey');
  for (let again = 0; again < 2; again++) {
    const { events, behind } = (await extractAndLook()) as Awaited<ReturnType<typeof look>>;
    assert.equal(events.length, 1);
    assert.match(events[0]!, /^feed\.behind items is not captured, and the others go on: .* has no primary key/);
    assert.equal(behind.length, 1);
  }

  // The server is gone, beside that.
  await runProject(dir, async ({ context }) => {
    await server.kill();
    const { events, behind } = await look(context);
    assert.equal(events.length, 2);
    assert.ok(events.some((e) => /^feed\.behind It cannot be asked how far it is/.test(e)));
    assert.match(behind.join(), /cannot be asked/);
    await server.restart();
  });

  await sql('ALTER TABLE items ADD PRIMARY KEY (order_id, line)');
  const { events, behind } = (await extractAndLook()) as Awaited<ReturnType<typeof look>>;
  assert.deepEqual(behind, []);
  assert.equal(events.filter((e) => e.startsWith('feed.caught_up')).length, 1);
});
