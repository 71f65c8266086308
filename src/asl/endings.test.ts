/** Retry and Catch: which error leads where, and when. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bench, lines, machine, map, parallel, START, type Tasks, task } from './testing.ts';
import type { Json } from './types.ts';
import { StatesError } from './types.ts';

/** A task that throws the errors named, one at each attempt, and then succeeds. */
function failing(...errors: string[]): Tasks {
  let n = 0;
  return {
    work: () => {
      const error = errors[n++];
      if (error !== undefined) throw new StatesError(error, `attempt ${n}`);
      return n;
    },
  };
}

async function ends(
  tasks: Tasks,
  state: object,
  more: { random?: () => number; states?: Record<string, object>; input?: Json } = {},
) {
  const b = await bench(tasks, more.random ? { random: more.random } : {});
  try {
    const execution = await b.run(machine({ T: state, ...more.states }), more.input ?? {});
    const history = b.engine.history('x');
    /** Seconds after the start at which attempts began. */
    const starts = history.filter((e) => e.type === 'TaskStarted').map((e) => (e.at - START) / 1000);
    return { execution, history, starts, calls: b.calls, lines: lines(history, 'error', 'caught') };
  } finally {
    await b.end();
  }
}

const all = { ErrorEquals: ['States.ALL'] };

test('a retrier without settings tries three more times after 1, 2 and 4 seconds', async () => {
  const { execution, starts } = await ends(failing('A', 'A', 'A', 'A'), task('work', { Retry: [all] }));
  assert.deepEqual(starts, [0, 1, 3, 7]);
  assert.equal(execution.error, 'A');
  assert.equal(execution.cause, 'attempt 4');
});

test('a retry is told with its error and the time of the next attempt', async () => {
  const { lines } = await ends(failing('A'), task('work', { Retry: [all] }));
  assert.deepEqual(lines, [
    'ExecutionStarted',
    'TaskStateEntered T',
    'TaskStarted T',
    'TaskFailed T error="A"',
    'TaskRetryScheduled T error="A"',
    'TaskStarted T',
    'TaskSucceeded T',
    'TaskStateExited T',
    'ExecutionSucceeded',
  ]);
});

test('all attempts of a visit have the same key and count from 1', async () => {
  const { calls } = await ends(failing('A', 'A'), task('work', { Retry: [all] }));
  assert.deepEqual(
    calls.map((call) => [call.key, call.attempt]),
    [
      ['x/T#0', 1],
      ['x/T#0', 2],
      ['x/T#0', 3],
    ],
  );
});

test('IntervalSeconds, BackoffRate and MaxDelaySeconds set the pauses', async () => {
  const Retry = [{ ...all, IntervalSeconds: 10, BackoffRate: 3, MaxDelaySeconds: 60, MaxAttempts: 4 }];
  const { starts } = await ends(failing('A', 'A', 'A', 'A'), task('work', { Retry }));
  assert.deepEqual(starts, [0, 10, 40, 100, 160]);
});

test('full jitter waits between nothing and the whole pause', async () => {
  const numbers = [0, 0.5, 1];
  const Retry = [{ ...all, IntervalSeconds: 4, JitterStrategy: 'FULL' }];
  const { starts } = await ends(failing('A', 'A', 'A'), task('work', { Retry }), { random: () => numbers.shift()! });
  assert.deepEqual(starts, [0, 0, 4, 20]);
});

test('each retrier counts on its own, and the first that names the error decides', async () => {
  const Retry = [
    { ErrorEquals: ['A'], MaxAttempts: 1, IntervalSeconds: 1 },
    { ErrorEquals: ['B'], MaxAttempts: 2, IntervalSeconds: 10, BackoffRate: 1 },
    { ...all, IntervalSeconds: 100 },
  ];
  const { execution, starts } = await ends(failing('B', 'A', 'B', 'C', 'A'), task('work', { Retry }));
  // The second A finds its retrier used up; States.ALL behind it does not help.
  assert.deepEqual(starts, [0, 10, 11, 21, 121]);
  assert.equal(execution.error, 'A');
});

test('MaxAttempts 0 does not retry', async () => {
  const Retry = [{ ErrorEquals: ['A'], MaxAttempts: 0 }, all];
  const { starts } = await ends(failing('A'), task('work', { Retry }));
  assert.deepEqual(starts, [0]);
});

test('States.TaskFailed takes errors of tasks but not a timeout', async () => {
  const Retry = [{ ErrorEquals: ['States.TaskFailed'], MaxAttempts: 5, BackoffRate: 1 }];
  const { execution, starts } = await ends(failing('A', 'States.Timeout'), task('work', { Retry }));
  assert.deepEqual(starts, [0, 1]);
  assert.equal(execution.error, 'States.Timeout');
});

test('States.Runtime is neither retried nor caught by States.ALL', async () => {
  const state = task('work', {
    Parameters: {},
    ResultSelector: { 'a.$': '$.b' },
    Retry: [all],
    Catch: [{ ...all, Next: 'E' }],
  });
  const { execution, starts } = await ends(
    { work: () => 1 },
    { ...state, OutputPath: '$.none', ResultSelector: undefined },
    { states: { E: { Type: 'Succeed' } } },
  );
  assert.equal(execution.error, 'States.Runtime');
  assert.equal(starts.length, 1);
});

test('a Catch goes on with error and cause in place of the input', async () => {
  const { execution, lines } = await ends(
    failing('A'),
    task('work', {
      Catch: [
        { ErrorEquals: ['B'], Next: 'N' },
        { ...all, Next: 'E' },
      ],
    }),
    {
      states: { N: { Type: 'Fail' }, E: { Type: 'Succeed' } },
    },
  );
  assert.deepEqual(execution.output, { Error: 'A', Cause: 'attempt 1' });
  assert.deepEqual(lines, [
    'ExecutionStarted',
    'TaskStateEntered T',
    'TaskStarted T',
    'TaskFailed T error="A"',
    'TaskStateExited T caught="A"',
    'SucceedStateEntered E',
    'SucceedStateExited E',
    'ExecutionSucceeded',
  ]);
});

test('ResultPath of a Catch puts the error into the raw input; null drops it', async () => {
  const input = { a: 1 };
  const states = { E: { Type: 'Succeed' } };
  const at = await ends(
    failing('A'),
    task('work', { InputPath: '$.a', Catch: [{ ...all, Next: 'E', ResultPath: '$.e' }] }),
    { states, input },
  );
  assert.deepEqual(at.execution.output, { a: 1, e: { Error: 'A', Cause: 'attempt 1' } });
  const none = await ends(failing('A'), task('work', { Catch: [{ ...all, Next: 'E', ResultPath: null }] }), {
    states,
    input,
  });
  assert.deepEqual(none.execution.output, input);
});

test('retries are used up before an error is caught, and begin anew at the next visit', async () => {
  const Retry = [{ ...all, MaxAttempts: 1 }];
  const { execution, starts, calls } = await ends(
    failing('A', 'A', 'A', 'A'),
    task('work', { Retry, Catch: [{ ...all, Next: 'Again', ResultPath: '$.n' }] }),
    {
      states: {
        Again: {
          Type: 'Choice',
          Choices: [{ Variable: '$.n.Cause', StringEquals: 'attempt 4', Next: 'End' }],
          Default: 'T',
        },
        End: { Type: 'Succeed' },
      },
    },
  );
  assert.equal(execution.status, 'SUCCEEDED');
  assert.deepEqual(starts, [0, 1, 1, 2]);
  assert.deepEqual(
    calls.map((c) => c.key),
    ['x/T#0', 'x/T#0', 'x/T#1', 'x/T#1'],
  );
});

test('a failing branch aborts the others; the error is that of the branch', async () => {
  const { execution, lines } = await ends(
    failing('A'),
    parallel([{ A: task('work') }, { W: { Type: 'Wait', Seconds: 60, End: true } }]),
  );
  assert.equal(execution.error, 'A');
  assert.deepEqual(lines.slice(-6), [
    'TaskFailed /T#0/0 A error="A"',
    'ParallelBranchFailed /T#0/0 T error="A"',
    'ParallelStateFailed T error="A"',
    'WaitStateAborted /T#0/1 W',
    'ParallelBranchAborted /T#0/1 T',
    'ExecutionFailed error="A"',
  ]);
});

test('a Parallel is retried whole, its steps under keys of their own', async () => {
  const { execution, calls, starts } = await ends(
    failing('A'),
    parallel([{ A: task('work') }, { B: { Type: 'Pass', Result: 'b', End: true } }], { Retry: [all] }),
  );
  assert.deepEqual(execution.output, [2, 'b']);
  assert.deepEqual(starts, [0, 1]);
  assert.deepEqual(
    calls.map((c) => c.key),
    ['x/T#0/0/A#0', 'x/T#1/0/A#0'],
  );
});

test('an inline Map fails with the error of its item, and can catch it', async () => {
  const { execution, lines } = await ends(
    failing('A'),
    map({ A: task('work') }, { MaxConcurrency: 1, Catch: [{ ErrorEquals: ['A'], Next: 'E' }] }),
    {
      states: { E: { Type: 'Pass', Result: 'caught', End: true } },
      input: [1, 2],
    },
  );
  assert.equal(execution.output, 'caught');
  assert.deepEqual(
    lines.filter((l) => l.startsWith('Map')),
    [
      'MapStateEntered T',
      'MapIterationStarted /T#0/0 T',
      'MapIterationFailed /T#0/0 T error="A"',
      'MapStateFailed T error="A"',
      'MapStateExited T caught="A"',
    ].toSpliced(1, 0, 'MapStateStarted T'),
  );
});

test('an error deep within goes up through all parents that do not handle it', async () => {
  const inner = parallel([{ M: map({ A: task('work') }, { ItemsPath: '$.i' }) }]);
  const { execution } = await ends(failing('Deep'), parallel([{ P: inner }]), { input: { i: [1] } });
  assert.equal(execution.status, 'FAILED');
  assert.equal(execution.error, 'Deep');
});
