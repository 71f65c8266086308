/** Starting, closing, and what can be asked of executions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEngine } from './engine.ts';
import { code, machine, map, opened, START, task } from './testing.ts';
import type { Json } from './types.ts';

test('close waits for attempts in flight within the grace, and hands back the others', async () => {
  const { b } = await opened();
  const m = machine({ A: task('slow', { Next: 'B' }), B: task('ok') });
  b.engine.start({ id: 'x', pipeline: 'p', machine: m, input: 7 });
  await b.clock.advance(1000);
  const waiting = assert.rejects(b.engine.wait('x'), code('EngineClosed'));
  await b.clock.until(b.engine.close(100_000));
  await waiting;
  assert.throws(() => b.engine.get('x'), code('EngineClosed'));
  assert.equal(b.clock.now(), START + 60_000);
  await b.restart();
  assert.equal((await b.clock.until(b.engine.wait('x'))).output, 7);
  // A ended within the grace, so only B ran after it.
  assert.deepEqual(
    b.calls.map((call) => call.state),
    ['A', 'B'],
  );
  b.engine.start({ id: 'y', pipeline: 'p', machine: m, input: 7 });
  await b.clock.advance(1000);
  await b.clock.until(b.engine.close(10_000));
  assert.ok(b.calls[2]!.signal.aborted);
  await b.end();
});

test('starting an id again with an equal input gives the one that is there; another input is refused', async () => {
  const { b } = await opened();
  const m = machine({ T: task('ok') });
  b.engine.start({ id: 'x', pipeline: 'p', machine: m, input: { a: 1, b: 2 } });
  assert.equal(b.engine.start({ id: 'x', pipeline: 'p', machine: m, input: { b: 2, a: 1 } }).id, 'x');
  assert.throws(
    () => b.engine.start({ id: 'x', pipeline: 'p', machine: m, input: { a: 2 } }),
    code('ExecutionAlreadyExists'),
  );
  assert.throws(
    () => b.engine.start({ id: 'x', pipeline: 'q', machine: m, input: { a: 1, b: 2 } }),
    code('ExecutionAlreadyExists'),
  );
  await b.clock.until(b.engine.wait('x'));
  assert.equal(b.calls.length, 1);
  await b.end();
});

test('documents that cannot run and inputs over 256 KiB are refused at the start', async () => {
  const { b } = await opened();
  const start =
    (m: object, input: Json = {}) =>
    () =>
      b.engine.start({ id: 'x', pipeline: 'p', machine: m as never, input });
  assert.throws(start({ StartAt: 'B', States: { A: { Type: 'Succeed' } } }), code('InvalidDefinition'));
  assert.throws(start(machine({ A: { Type: 'Magic', End: true } })), code('InvalidDefinition'));
  assert.throws(start(machine({ M: { Type: 'Map', End: true } })), code('InvalidDefinition'));
  assert.throws(start(machine({ A: { Type: 'Succeed' } }), 'x'.repeat(262_143)), code('InvalidExecutionInput'));
  assert.deepEqual(b.engine.list(), []);
  await b.end();
});

test('list gives the newest first, by pipeline and status, page by page', async () => {
  const { b } = await opened();
  for (let i = 0; i < 6; i++) {
    const m = machine({ T: i % 3 === 0 ? { Type: 'Fail', Error: 'E' } : { Type: 'Succeed' } });
    b.engine.start({ id: `x${i}`, pipeline: i % 2 ? 'odd' : 'even', machine: m, input: i });
    await b.clock.advance(1000);
  }
  const ids = (request: Parameters<typeof b.engine.list>[0]) =>
    b.engine
      .list(request)
      .map((e) => e.id)
      .join(' ');
  assert.equal(ids({}), 'x5 x4 x3 x2 x1 x0');
  assert.equal(ids({ pipeline: 'odd' }), 'x5 x3 x1');
  assert.equal(ids({ status: 'FAILED' }), 'x3 x0');
  assert.equal(ids({ limit: 2, before: 'x4' }), 'x3 x2');
  const [newest] = b.engine.list({ limit: 1 });
  assert.deepEqual(b.engine.definition(newest!.definition), machine({ T: { Type: 'Succeed' } }));
  assert.deepEqual(
    b.engine.history('x5', { after: 1, limit: 2 }).map((e) => [e.seq, e.type]),
    [
      [2, 'SucceedStateEntered'],
      [3, 'SucceedStateExited'],
    ],
  );
  await b.end();
});

test('prune removes ended executions with all that belongs to them, and no others', async () => {
  const { b } = await opened();
  await b.run(machine({ M: map({ T: task('flaky') }) }), [1, 2], 'old');
  await b.clock.advance(1000);
  b.engine.start({
    id: 'running',
    pipeline: 'p',
    machine: machine({ W: { Type: 'Wait', Seconds: 999, End: true } }),
    input: {},
  });
  await b.run(machine({ S: { Type: 'Succeed' } }), {}, 'new');
  assert.equal(b.engine.prune(START + 500), 1);
  assert.deepEqual(
    b.engine.list().map((e) => e.id),
    ['new', 'running'],
  );
  assert.deepEqual(b.engine.history('old'), []);
  const { events } = b.engine.stats();
  await b.restart();
  assert.equal(b.engine.stats().events, events);
  await b.end();
});

test('a wait can be given up without a trace, and the execution goes on', async () => {
  const { b } = await opened();
  b.engine.start({ id: 'x', pipeline: 'p', machine: machine({ A: task('slow') }), input: 7 });
  const giveUp = new AbortController();
  const waiting = assert.rejects(b.engine.wait('x', giveUp.signal), /enough/);
  giveUp.abort(new Error('enough'));
  await waiting;
  assert.equal((await b.clock.until(b.engine.wait('x'))).output, 7);
  await b.end();
});

test('a second engine on the same file is refused, until the first is closed', async () => {
  const { b } = await opened();
  const again = () => openEngine({ file: b.file, clock: b.clock, runTask: async () => null });
  await assert.rejects(again(), code('EngineBusy'));
  await b.engine.close();
  const second = await again();
  await assert.rejects(again(), code('EngineBusy'));
  await second.close();
  await b.end();
});

test('onEvent hears every event once, in order, after it is stored', async () => {
  const heard: string[] = [];
  const { b } = await opened({
    onEvent: (id: string, event: { seq: number; type: string }) => heard.push(`${id} ${event.seq} ${event.type}`),
  });
  await b.run(machine({ A: task('ok', { Next: 'B' }), B: { Type: 'Succeed' } }));
  assert.deepEqual(
    heard,
    b.engine.history('x').map((e) => `x ${e.seq} ${e.type}`),
  );
  await b.end();
});
