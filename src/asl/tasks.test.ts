/** Attempts: time limits, heartbeats, what a restart does to them, how many run at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bench, lines, machine, map, parallel, START, type Tasks, task } from './testing.ts';

/** Never ends by itself; says when it was told to stop. */
function hanging(): { tasks: Tasks; aborted: string[] } {
  const aborted: string[] = [];
  const tasks: Tasks = {
    hang: (_, call) =>
      new Promise((_resolve, reject) => {
        call.signal.addEventListener('abort', () => {
          aborted.push(`${call.key} ${call.attempt}`);
          reject(call.signal.reason);
        });
      }),
  };
  return { tasks, aborted };
}

test('an attempt that takes longer than TimeoutSeconds is told to stop and fails as States.Timeout', async () => {
  const { tasks, aborted } = hanging();
  const b = await bench(tasks);
  const Retry = [{ ErrorEquals: ['States.Timeout'], MaxAttempts: 1 }];
  const execution = await b.run(machine({ T: task('hang', { TimeoutSeconds: 10, Retry }) }));
  assert.equal(execution.error, 'States.Timeout');
  assert.equal(execution.endedAt, START + 21_000);
  assert.deepEqual(aborted, ['x/T#0 1', 'x/T#0 2']);
  assert.deepEqual(lines(b.engine.history('x')), [
    'ExecutionStarted',
    'TaskStateEntered T',
    'TaskStarted T',
    'TaskTimedOut T',
    'TaskRetryScheduled T',
    'TaskStarted T',
    'TaskTimedOut T',
    'ExecutionFailed',
  ]);
  await b.end();
});

test('TimeoutSecondsPath and HeartbeatSecondsPath read the limits from the input', async () => {
  const { tasks } = hanging();
  const b = await bench(tasks);
  const limits = { TimeoutSecondsPath: '$.limit', HeartbeatSecondsPath: '$.beat' };
  const execution = await b.run(machine({ T: task('hang', limits) }), { limit: 20, beat: 5 });
  assert.equal(execution.error, 'States.HeartbeatTimeout');
  assert.equal(execution.endedAt, START + 5000);
  const wrong = await b.run(machine({ T: task('hang', limits) }), { limit: 'long', beat: 5 }, 'y');
  assert.equal(wrong.error, 'States.Runtime');
  await b.end();
});

test('heartbeats keep an attempt going; without them it ends as States.HeartbeatTimeout, which States.Timeout catches', async () => {
  const b = await bench({
    beat: async (_, call) => {
      for (let i = 0; i < 5; i++) {
        await b.clock.sleep(8000, call.signal);
        call.heartbeat();
      }
      await b.clock.sleep(11_000, call.signal);
      return null;
    },
  });
  const Catch = [{ ErrorEquals: ['States.Timeout'], Next: 'E' }];
  const execution = await b.run(
    machine({
      T: task('beat', { HeartbeatSeconds: 10, TimeoutSeconds: 100, Catch }),
      E: { Type: 'Pass', OutputPath: '$.Error', End: true },
    }),
  );
  assert.equal(execution.output, 'States.HeartbeatTimeout');
  assert.equal(execution.endedAt, START + 50_000);
  await b.end();
});

test('a result that comes after the timeout is ignored', async () => {
  const b = await bench({
    late: async () => {
      await b.clock.sleep(20_000);
      return 'late';
    },
  });
  const Catch = [{ ErrorEquals: ['States.ALL'], Next: 'W' }];
  const execution = await b.run(
    machine({
      T: task('late', { TimeoutSeconds: 10, Catch }),
      W: { Type: 'Wait', Seconds: 60, Next: 'E' },
      E: { Type: 'Pass', OutputPath: '$.Error', End: true },
    }),
  );
  assert.equal(execution.output, 'States.Timeout');
  assert.equal(b.engine.history('x').filter((e) => e.type === 'TaskSucceeded').length, 0);
  await b.end();
});

test('after a restart an attempt runs again under the same key and keeps its deadline', async () => {
  const { tasks } = hanging();
  const b = await bench(tasks);
  b.engine.start({ id: 'x', pipeline: 'p', machine: machine({ T: task('hang', { TimeoutSeconds: 60 }) }), input: {} });
  await b.clock.advance(50_000);
  await b.restart();
  await b.clock.advance(9_999);
  assert.equal(b.engine.get('x')!.status, 'RUNNING');
  await b.clock.advance(1);
  assert.equal(b.engine.get('x')!.error, 'States.Timeout');
  assert.deepEqual(
    b.calls.map((call) => [call.key, call.attempt]),
    [
      ['x/T#0', 1],
      ['x/T#0', 1],
    ],
  );
  assert.deepEqual(lines(b.engine.history('x')), [
    'ExecutionStarted',
    'TaskStateEntered T',
    'TaskStarted T',
    'TaskHandedBack T',
    'TaskStarted T',
    'TaskTimedOut T',
    'ExecutionFailed',
  ]);
  await b.end();
});

test('an attempt whose deadline passed while the engine was closed has timed out and is not run again', async () => {
  const { tasks } = hanging();
  const b = await bench(tasks);
  const Catch = [{ ErrorEquals: ['States.Timeout'], Next: 'E' }];
  b.engine.start({
    id: 'x',
    pipeline: 'p',
    machine: machine({ T: task('hang', { TimeoutSeconds: 60, Catch }), E: { Type: 'Succeed' } }),
    input: {},
  });
  await b.clock.settle();
  await b.engine.close();
  await b.clock.advance(61_000);
  await b.restart();
  await b.clock.settle();
  assert.equal(b.engine.get('x')!.status, 'SUCCEEDED');
  assert.equal(b.calls.length, 1);
  await b.end();
});

test('after a restart a heartbeat is expected within HeartbeatSeconds of the second start', async () => {
  const { tasks } = hanging();
  const b = await bench(tasks);
  b.engine.start({
    id: 'x',
    pipeline: 'p',
    machine: machine({ T: task('hang', { HeartbeatSeconds: 10 }) }),
    input: {},
  });
  await b.clock.advance(8000);
  await b.restart();
  const execution = await b.clock.until(b.engine.wait('x'));
  assert.equal(execution.error, 'States.HeartbeatTimeout');
  assert.equal(execution.endedAt, START + 18_000);
  await b.end();
});

test('a retry that sleeps keeps its time over a restart, and so does a Wait', async () => {
  let n = 0;
  const b = await bench({
    once: () => {
      if (n++ === 0) throw new Error('first');
      return 'second';
    },
  });
  const Retry = [{ ErrorEquals: ['Error'], IntervalSeconds: 100 }];
  b.engine.start({
    id: 'x',
    pipeline: 'p',
    machine: machine({
      P: parallel([{ T: task('once', { Retry }) }, { W: { Type: 'Wait', Seconds: 90, End: true } }]),
    }),
    input: {},
  });
  await b.clock.advance(60_000);
  assert.deepEqual(b.engine.current('x'), [
    { path: '', state: 'P', status: 'JOINING', since: START, attempt: 1 },
    { path: '/P#0/0', state: 'T', status: 'SLEEPING', since: START, attempt: 2, wakeAt: START + 100_000 },
    { path: '/P#0/1', state: 'W', status: 'SLEEPING', since: START, attempt: 1, wakeAt: START + 90_000 },
  ]);
  await b.restart();
  const execution = await b.clock.until(b.engine.wait('x'));
  assert.deepEqual(execution.output, ['second', {}]);
  assert.equal(execution.endedAt, START + 100_000);
  await b.end();
});

test('TimeoutSeconds of the machine ends it as TIMED_OUT, also over a restart', async () => {
  const { tasks, aborted } = hanging();
  const b = await bench(tasks);
  b.engine.start({ id: 'x', pipeline: 'p', machine: machine({ T: task('hang') }, { TimeoutSeconds: 30 }), input: {} });
  await b.clock.advance(20_000);
  await b.restart();
  const execution = await b.clock.until(b.engine.wait('x'));
  assert.equal(execution.status, 'TIMED_OUT');
  assert.equal(execution.error, 'States.Timeout');
  assert.equal(execution.endedAt, START + 30_000);
  await b.clock.settle();
  assert.equal(aborted.length, 2);
  assert.deepEqual(lines(b.engine.history('x')).slice(-2), ['TaskStateAborted T', 'ExecutionTimedOut']);
  await b.end();
});

test('no more than maxInFlight attempts run at once, those that came first before others', async () => {
  let running = 0;
  let most = 0;
  const b = await bench(
    {
      work: async (_, call) => {
        most = Math.max(most, ++running);
        await b.clock.sleep(1000, call.signal);
        running--;
        return null;
      },
    },
    { maxInFlight: 3 },
  );
  for (const id of ['a', 'b', 'c'])
    b.engine.start({
      id,
      pipeline: 'p',
      machine: machine({ M: map({ T: task('work') }, { MaxConcurrency: 4 }) }),
      input: [1, 2, 3, 4, 5],
    });
  await b.clock.until(Promise.all(['a', 'b', 'c'].map((id) => b.engine.wait(id))));
  assert.equal(most, 3);
  // The fifth item of `a` entered when the first had ended: after the first items of `b` and `c`.
  assert.deepEqual(
    b.calls
      .slice(0, 13)
      .map((call) => call.execution)
      .join(''),
    'aaaabbbbcccca',
  );
  await b.end();
});

test('more ready work than places does not keep waits and choices from going on', async () => {
  const { tasks } = hanging();
  const b = await bench(tasks, { maxInFlight: 1 });
  b.engine.start({ id: 'a', pipeline: 'p', machine: machine({ M: map({ T: task('hang') }) }), input: [1, 2, 3] });
  const execution = await b.run(machine({ W: { Type: 'Wait', Seconds: 5, End: true } }));
  assert.equal(execution.endedAt, START + 5000);
  assert.deepEqual(b.engine.stats(), {
    running: 1,
    readyFrames: 2,
    sleepingFrames: 0,
    inFlight: 1,
    events: b.engine.history('a').length + b.engine.history('x').length,
  });
  await b.end();
});

test('heartbeats of an attempt that is over change nothing', async () => {
  let beat = () => {};
  const b = await bench({
    work: (_, call) => {
      beat = call.heartbeat;
      return null;
    },
  });
  await b.run(machine({ T: task('work', { HeartbeatSeconds: 5 }) }));
  beat();
  await b.clock.settle();
  assert.equal(b.engine.get('x')!.status, 'SUCCEEDED');
  await b.end();
});
