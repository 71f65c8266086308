/** Parallel, Map, the context object and loops, with the history that each must leave. */
import { type Case, machine, map, parallel, testCase } from './testing.ts';

const CASES: Case[] = [
  {
    name: 'Parallel gives an array of the results of its branches, in their order',
    machine: machine({
      P: parallel([{ A: { Type: 'Wait', Seconds: 9, End: true } }, { B: { Type: 'Pass', Result: 'b', End: true } }], {
        Parameters: { 'v.$': '$.n' },
        ResultSelector: { 'both.$': '$' },
        ResultPath: '$.r',
      }),
    }),
    input: { n: 1 },
    output: { n: 1, r: { both: [{ v: 1 }, 'b'] } },
    history: [
      'ParallelStateEntered P',
      'ParallelStateStarted P',
      'WaitStateEntered /P#0/0 A',
      'PassStateEntered /P#0/1 B',
      'WaitScheduled /P#0/0 A wakeAt=1767225609000',
      'PassStateExited /P#0/1 B',
      'WaitStateExited /P#0/0 A',
      'ParallelStateSucceeded P',
      'ParallelStateExited P',
    ],
  },
  {
    name: 'Map gives the results in the order of the items',
    machine: machine({
      M: map({ W: { Type: 'Wait', SecondsPath: '$', End: true } }, { ItemsPath: '$.i', ResultPath: '$.o' }),
    }),
    input: { i: [2, 1] },
    output: { i: [2, 1], o: [2, 1] },
    history: [
      'MapStateEntered M',
      'MapStateStarted M',
      'MapIterationStarted /M#0/0 M',
      'WaitStateEntered /M#0/0 W',
      'MapIterationStarted /M#0/1 M',
      'WaitStateEntered /M#0/1 W',
      'WaitScheduled /M#0/0 W wakeAt=1767225602000',
      'WaitScheduled /M#0/1 W wakeAt=1767225601000',
      'WaitStateExited /M#0/1 W',
      'MapIterationSucceeded /M#0/1 M',
      'WaitStateExited /M#0/0 W',
      'MapIterationSucceeded /M#0/0 M',
      'MapStateSucceeded M',
      'MapStateExited M',
    ],
  },
  {
    name: 'Map of nothing gives an empty array',
    machine: machine({ M: map({ A: { Type: 'Succeed' } }) }),
    input: [],
    output: [],
    history: ['MapStateEntered M', 'MapStateStarted M', 'MapStateSucceeded M', 'MapStateExited M'],
  },
  {
    name: 'Map of something that is not an array is States.Runtime',
    machine: machine({ M: map({ A: { Type: 'Succeed' } }, { ItemsPath: '$.i' }) }),
    input: { i: 'abc' },
    error: 'States.Runtime',
    history: ['MapStateEntered M', 'MapStateFailed M'],
  },
  {
    name: 'the context object tells execution, state, machine and item',
    machine: machine({
      M: map(
        {
          A: {
            Type: 'Pass',
            Parameters: { 'in.$': '$', 'name.$': '$$.Execution.Name', 'state.$': '$$.State.Name' },
            End: true,
          },
        },
        {
          ItemSelector: { 'i.$': '$$.Map.Item.Index', 'v.$': '$$.Map.Item.Value', 'run.$': '$$.Execution.Id' },
          Next: 'C',
        },
      ),
      C: {
        Type: 'Pass',
        Parameters: {
          'items.$': '$',
          'input.$': '$$.Execution.Input',
          'start.$': '$$.Execution.StartTime',
          'redrives.$': '$$.Execution.RedriveCount',
          'retries.$': '$$.State.RetryCount',
          'entered.$': '$$.State.EnteredTime',
          'machine.$': '$$.StateMachine.Name',
        },
        End: true,
      },
    }),
    input: ['a'],
    output: {
      items: [{ in: { i: 0, v: 'a', run: 'x' }, name: 'x', state: 'A' }],
      input: ['a'],
      start: '2026-01-01T00:00:00.000Z',
      redrives: 0,
      retries: 0,
      entered: '2026-01-01T00:00:00.000Z',
      machine: 'p',
    },
  },
  {
    name: 'a loop visits a state again and again',
    machine: machine({
      Add: { Type: 'Pass', Parameters: { 'n.$': 'States.MathAdd($.n, 1)' }, Next: 'More' },
      More: { Type: 'Choice', Choices: [{ Variable: '$.n', NumericLessThan: 700, Next: 'Add' }], Default: 'End' },
      End: { Type: 'Succeed' },
    }),
    input: { n: 0 },
    output: { n: 700 },
  },
];

for (const c of CASES) testCase(c, {});
