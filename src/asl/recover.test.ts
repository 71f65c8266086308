/** Stop, redrive, pause and restart. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { bench, code, lines, machine, map, opened, parallel, START, task } from './testing.ts';

test('stop aborts what runs and tells it', async () => {
  const { b } = await opened();
  b.engine.start({
    id: 'x',
    pipeline: 'p',
    machine: machine({ P: parallel([{ A: task('slow') }, { B: { Type: 'Wait', Seconds: 9, End: true } }]) }),
    input: {},
  });
  await b.clock.advance(1000);
  const ended = b.engine.wait('x');
  b.engine.stop('x', 'Manual', 'not today');
  const execution = await b.clock.until(ended);
  assert.deepEqual([execution.status, execution.error, execution.cause], ['ABORTED', 'Manual', 'not today']);
  assert.ok(b.calls[0]!.signal.aborted);
  assert.deepEqual(lines(b.engine.history('x')).slice(-6), [
    'TaskStateAborted /P#0/0 A',
    'ParallelBranchAborted /P#0/0 P',
    'WaitStateAborted /P#0/1 B',
    'ParallelBranchAborted /P#0/1 P',
    'ParallelStateAborted P',
    'ExecutionAborted',
  ]);
  // Of one that has ended, nothing more.
  b.engine.stop('x');
  assert.equal(b.engine.get('x')!.error, 'Manual');
  await b.end();
});

test('redrive continues from the failed state, keeps what has finished, and counts retries anew', async () => {
  const { b, state } = await opened();
  const Retry = [{ ErrorEquals: ['Broken'], MaxAttempts: 1 }];
  const m = machine({
    First: task('ok', { Next: 'P' }),
    P: parallel([
      { A: task('ok', { Next: 'B' }), B: task('flaky', { Retry }) },
      { C: task('ok') },
      { D: task('slow') },
    ]),
  });
  assert.equal((await b.run(m, 1)).error, 'Broken');
  const before = b.calls.length;
  state.broken = false;
  const redriven = b.engine.redrive('x');
  assert.deepEqual([redriven.status, redriven.redrives, redriven.error], ['RUNNING', 1, undefined]);
  const execution = await b.clock.until(b.engine.wait('x'));
  assert.deepEqual(execution.output, [1, 1, 1]);
  assert.deepEqual(
    b.calls.slice(before).map((call) => [call.key, call.attempt]),
    [
      ['x/P#0/0/B#0', 1],
      ['x/P#0/2/D#0', 1],
    ],
  );
  assert.deepEqual(
    lines(b.engine.history('x'), 'redriveCount').filter((l) => l.startsWith('ExecutionR')),
    ['ExecutionRedriven redriveCount=1'],
  );
  await b.end();
});

test('redrive of a Map keeps MaxConcurrency and finished items, also through nested maps', async () => {
  const { b, state } = await opened();
  const inner = map({ T: task('ok', { Next: 'F' }), F: task('flaky') }, { MaxConcurrency: 1 });
  const m = machine({ M: map({ I: inner }, { MaxConcurrency: 2, ToleratedFailureCount: 1 }, 'DISTRIBUTED') });
  const execution = await b.run(m, [[1], [2, 3], [4], [5]]);
  assert.equal(execution.error, 'States.ExceedToleratedFailureThreshold');
  state.broken = false;
  const before = b.calls.length;
  b.engine.redrive('x');
  let most = 0;
  const done = b.engine.wait('x');
  await b.clock.settle();
  most = Math.max(most, b.engine.current('x').filter((p) => p.state !== 'M' && p.state !== 'I').length);
  assert.deepEqual((await b.clock.until(done)).output, [[1], [2, 3], [4], [5]]);
  assert.ok(most <= 2);
  const again = b.calls.slice(before).map((call) => call.key);
  assert.equal(again.filter((key) => key === 'x/M#0/0/I#0/0/T#0').length, 0, 'a finished step ran again');
  assert.equal(new Set(again).size, again.length);
  await b.end();
});

test('redrive after a stop goes on with a Wait where it was', async () => {
  const { b } = await opened();
  b.engine.start({
    id: 'x',
    pipeline: 'p',
    machine: machine({ W: { Type: 'Wait', Seconds: 100, End: true } }),
    input: {},
  });
  await b.clock.advance(30_000);
  b.engine.stop('x');
  await b.clock.advance(30_000);
  b.engine.redrive('x');
  assert.equal((await b.clock.until(b.engine.wait('x'))).endedAt, START + 100_000);
  await b.end();
});

test('what runs or has succeeded cannot be redriven, and what is not there is said', async () => {
  const { b } = await opened();
  b.engine.start({ id: 'x', pipeline: 'p', machine: machine({ T: task('slow') }), input: {} });
  assert.throws(() => b.engine.redrive('x'), code('NotRedrivable'));
  await b.clock.until(b.engine.wait('x'));
  assert.throws(() => b.engine.redrive('x'), code('NotRedrivable'));
  assert.throws(() => b.engine.redrive('y'), code('ExecutionDoesNotExist'));
  await b.end();
});

test('redrive gives the machine its time anew', async () => {
  const { b } = await opened();
  const m = machine({ T: task('slow') }, { TimeoutSeconds: 50 });
  assert.equal((await b.run(m)).status, 'TIMED_OUT');
  await b.clock.advance(500_000);
  b.engine.redrive('x');
  assert.equal((await b.clock.until(b.engine.wait('x'))).endedAt, START + 600_000);
  await b.end();
});

test('a paused pipeline begins no step, ends those in flight, and stays paused over a restart', async () => {
  const { b } = await opened();
  const m = machine({
    A: task('slow', { Next: 'B' }),
    B: task('ok', { Next: 'W' }),
    W: { Type: 'Wait', Seconds: 5, Next: 'C' },
    C: { Type: 'Succeed' },
  });
  b.engine.start({ id: 'x', pipeline: 'p', machine: m, input: 7 });
  b.engine.start({ id: 'other', pipeline: 'q', machine: m, input: 7 });
  await b.clock.advance(1000);
  b.engine.pause('p');
  await b.clock.advance(3_600_000);
  assert.deepEqual(lines(b.engine.history('x')).slice(-3), [
    'TaskSucceeded A',
    'TaskStateExited A',
    'TaskStateEntered B',
  ]);
  assert.equal(b.engine.get('other')!.status, 'SUCCEEDED');
  b.engine.start({ id: 'new', pipeline: 'p', machine: m, input: 7 });
  await b.restart();
  await b.clock.advance(3_600_000);
  assert.deepEqual(b.engine.paused(), ['p']);
  assert.equal(lines(b.engine.history('new')).length, 2);
  b.engine.resume('p');
  assert.equal((await b.clock.until(b.engine.wait('x'))).output, 7);
  assert.equal((await b.clock.until(b.engine.wait('new'))).output, 7);
  assert.deepEqual(b.engine.paused(), []);
  await b.end();
});

test('a Wait that ends during a pause goes on when the pipeline is resumed', async () => {
  const { b } = await opened();
  b.engine.start({
    id: 'x',
    pipeline: 'p',
    machine: machine({ W: { Type: 'Wait', Seconds: 5, End: true } }),
    input: 1,
  });
  await b.clock.settle();
  b.engine.pause('p');
  await b.clock.advance(10_000);
  assert.equal(b.engine.get('x')!.status, 'RUNNING');
  b.engine.resume('p');
  await b.clock.settle();
  assert.equal(b.engine.get('x')!.endedAt, START + 10_000);
  await b.end();
});

test('a restart in the middle of everything changes no result and repeats no finished step', async () => {
  const finished: string[] = [];
  const b = await bench({
    work: async (parameters, call) => {
      await b.clock.sleep(100 + ((parameters as number) % 7) * 50, call.signal);
      finished.push(call.key);
      return parameters;
    },
  });
  const m = machine({
    M: map(
      { A: task('work', { Next: 'W' }), W: { Type: 'Wait', Seconds: 0.2, Next: 'B' }, B: task('work') },
      { MaxConcurrency: 5 },
    ),
  });
  const items = Array.from({ length: 40 }, (_, i) => i);
  b.engine.start({ id: 'x', pipeline: 'p', machine: m, input: items });
  for (let i = 0; i < 15; i++) {
    await b.clock.advance(170);
    await b.restart();
  }
  assert.deepEqual((await b.clock.until(b.engine.wait('x'))).output, items);
  assert.equal(finished.length, 80);
  assert.equal(new Set(finished).size, 80);
  await b.end();
});

test('while the database refuses, nothing is lost: the engine tells it and goes on once it can', async () => {
  const troubles: string[] = [];
  const { b } = await opened({ onTrouble: (e: Error) => troubles.push(e.message) });
  b.engine.start({
    id: 'x',
    pipeline: 'p',
    machine: machine({ A: task('slow', { Next: 'B' }), B: task('ok') }),
    input: 7,
  });
  await b.clock.advance(1000);
  const other = new DatabaseSync(b.file);
  other.exec('ALTER TABLE event RENAME TO away');
  await b.clock.advance(120_000);
  assert.equal(b.engine.get('x')!.status, 'RUNNING');
  assert.match(troubles[0]!, /event/);
  other.exec('ALTER TABLE away RENAME TO event');
  other.close();
  assert.equal((await b.clock.until(b.engine.wait('x'))).output, 7);
  assert.deepEqual(
    b.calls.map((call) => call.state),
    ['A', 'B'],
  );
  await b.end();
});
