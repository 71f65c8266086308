/** Pass, Task, Choice, Wait, Succeed and Fail: data flow, and the history that each must leave. */
import { type Case, machine, type Tasks, task, testCase } from './testing.ts';
import type { Json } from './types.ts';

const tasks: Tasks = {
  echo: (parameters) => ({ got: parameters }),
  type: () => {
    throw new TypeError('not a number');
  },
  large: () => 'x'.repeat(262_144),
  nothing: () => undefined as unknown as Json,
};

const CASES: Case[] = [
  {
    name: 'Pass hands its Result on at ResultPath',
    machine: machine({ A: { Type: 'Pass', Result: [1], ResultPath: '$.r.s', End: true } }),
    input: { a: 1 },
    output: { a: 1, r: { s: [1] } },
    history: ['PassStateEntered A', 'PassStateExited A'],
  },
  {
    name: 'Pass evaluates Parameters on what InputPath leaves and keeps the raw input for ResultPath',
    machine: machine({
      A: {
        Type: 'Pass',
        InputPath: '$.in',
        Parameters: { 'x.$': '$.n', y: 2 },
        ResultPath: '$.out',
        OutputPath: '$.out',
        End: true,
      },
    }),
    input: { in: { n: 1 }, other: 0 },
    output: { x: 1, y: 2 },
  },
  {
    name: 'InputPath null is an empty object, ResultPath null keeps the input, OutputPath null empties the output',
    machine: machine({
      A: { Type: 'Pass', InputPath: null, ResultPath: '$.a', Next: 'B' },
      B: { Type: 'Pass', Result: 1, ResultPath: null, Next: 'C' },
      C: task('echo', { ResultPath: '$.c', Next: 'D' }),
      D: { Type: 'Succeed', OutputPath: null },
    }),
    input: { k: 1 },
    output: {},
  },
  {
    name: 'Task applies InputPath, Parameters, ResultSelector, ResultPath and OutputPath in that order',
    machine: machine({
      T: task('echo', {
        InputPath: '$.a',
        Parameters: { 'v.$': '$.b' },
        ResultSelector: { 's.$': '$.got.v' },
        ResultPath: '$.r',
        OutputPath: '$.r.s',
      }),
    }),
    input: { a: { b: 7 } },
    output: 7,
    history: ['TaskStateEntered T', 'TaskStarted T', 'TaskSucceeded T', 'TaskStateExited T'],
  },
  {
    name: 'a Task that returns nothing has the result null',
    machine: machine({ T: task('nothing') }),
    output: null,
  },
  {
    name: 'an error is named after its class and its cause is JSON as of Lambda',
    machine: machine({ T: task('type') }),
    error: 'TypeError',
    cause: '{"errorMessage":"not a number","errorType":"TypeError"}',
    history: ['TaskStateEntered T', 'TaskStarted T', 'TaskFailed T'],
  },
  {
    name: 'a result over 256 KiB is States.DataLimitExceeded, which States.ALL does not catch',
    machine: machine({
      T: task('large', { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'S' }] }),
      S: { Type: 'Succeed' },
    }),
    error: 'States.DataLimitExceeded',
  },
  {
    name: 'an output over 256 KiB fails the state that made it',
    machine: machine({
      A: { Type: 'Pass', Result: 'y'.repeat(150_000), ResultPath: '$.a', Next: 'B' },
      B: { Type: 'Pass', InputPath: '$.a', ResultPath: '$.b', End: true },
    }),
    error: 'States.DataLimitExceeded',
    history: ['PassStateEntered A', 'PassStateExited A', 'PassStateEntered B', 'PassStateFailed B'],
  },
  {
    name: 'a path of Parameters that leads nowhere fails the state before any attempt',
    machine: machine({ T: task('echo', { Parameters: { 'x.$': '$.missing' } }) }),
    error: 'States.ParameterPathFailure',
    history: ['TaskStateEntered T', 'TaskStateFailed T'],
  },
  {
    name: 'Choice takes the first rule that matches',
    machine: machine({
      C: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.n', NumericGreaterThan: 5, Next: 'Big' },
          { Variable: '$.n', NumericGreaterThan: 1, Next: 'Small' },
        ],
        Default: 'None',
      },
      Big: { Type: 'Pass', Result: 'big', End: true },
      Small: { Type: 'Pass', Result: 'small', End: true },
      None: { Type: 'Fail' },
    }),
    input: { n: 3 },
    output: 'small',
    history: ['ChoiceStateEntered C', 'ChoiceStateExited C', 'PassStateEntered Small', 'PassStateExited Small'],
  },
  {
    name: 'Choice without a match goes to Default',
    machine: machine({
      C: { Type: 'Choice', Choices: [{ Variable: '$.n', NumericEquals: 1, Next: 'C' }], Default: 'D' },
      D: { Type: 'Succeed' },
    }),
    input: { n: 0 },
    output: { n: 0 },
  },
  {
    name: 'Choice without a match or Default is States.NoChoiceMatched',
    machine: machine({ C: { Type: 'Choice', Choices: [{ Variable: '$.n', NumericEquals: 1, Next: 'C' }] } }),
    input: { n: 0 },
    error: 'States.NoChoiceMatched',
    history: ['ChoiceStateEntered C', 'ChoiceStateFailed C'],
  },
  {
    name: 'Succeed ends the machine with its input through InputPath and OutputPath',
    machine: machine({ S: { Type: 'Succeed', InputPath: '$.a', OutputPath: '$.b' } }),
    input: { a: { b: 1 } },
    output: 1,
    history: ['SucceedStateEntered S', 'SucceedStateExited S'],
  },
  {
    name: 'Fail ends the machine with its error and cause',
    machine: machine({ F: { Type: 'Fail', Error: 'Broken', Cause: 'on purpose' } }),
    error: 'Broken',
    cause: 'on purpose',
    history: ['FailStateEntered F'],
  },
  {
    name: 'Fail takes error and cause from paths and intrinsics',
    machine: machine({
      F: { Type: 'Fail', ErrorPath: '$.e', CausePath: "States.Format('{} of {}', $.n, $$.Execution.Name)" },
    }),
    input: { e: 'Custom', n: 3 },
    error: 'Custom',
    cause: '3 of x',
  },
  {
    name: 'Wait waits and hands its input on',
    machine: machine({ W: { Type: 'Wait', Seconds: 30, End: true } }),
    input: 1,
    output: 1,
    history: ['WaitStateEntered W', 'WaitScheduled W wakeAt=1767225630000', 'WaitStateExited W'],
  },
  {
    name: 'Wait takes seconds and timestamps from paths; a time that is over does not wait',
    machine: machine({
      A: { Type: 'Wait', SecondsPath: '$.s', Next: 'B' },
      B: { Type: 'Wait', TimestampPath: '$.at', Next: 'C' },
      C: { Type: 'Wait', Timestamp: '2025-01-01T00:00:00Z', End: true },
    }),
    input: { s: 5, at: '2026-01-01T00:01:00Z' },
    output: { s: 5, at: '2026-01-01T00:01:00Z' },
    history: [
      'WaitStateEntered A',
      'WaitScheduled A wakeAt=1767225605000',
      'WaitStateExited A',
      'WaitStateEntered B',
      'WaitScheduled B wakeAt=1767225660000',
      'WaitStateExited B',
      'WaitStateEntered C',
      'WaitStateExited C',
    ],
  },
  {
    name: 'Wait for something that is no time is States.Runtime',
    machine: machine({ W: { Type: 'Wait', TimestampPath: '$.at', End: true } }),
    input: { at: 'tomorrow' },
    error: 'States.Runtime',
  },
];

for (const c of CASES) testCase(c, tasks);
