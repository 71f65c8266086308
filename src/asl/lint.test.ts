import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Any, end, finds, invoke, machine, map } from './lint/testing.ts';
import { lintMachine } from './lint.ts';

const whole: Any = {
  Comment: 'Everything of the profile',
  QueryLanguage: 'JSONPath',
  Version: '1.0',
  TimeoutSeconds: 3600,
  StartAt: 'Poll',
  States: {
    Poll: invoke({
      End: undefined,
      Next: 'Any',
      TimeoutSeconds: 300,
      HeartbeatSeconds: 60,
      ResultSelector: { 'objects.$': '$.Payload.objects' },
      ResultPath: '$.poll',
      Retry: [
        {
          ErrorEquals: ['Transient', 'States.Timeout'],
          IntervalSeconds: 2,
          BackoffRate: 2,
          MaxAttempts: 5,
          MaxDelaySeconds: 60,
          JitterStrategy: 'FULL',
        },
        { ErrorEquals: ['States.ALL'], MaxAttempts: 1 },
      ],
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Tell', ResultPath: '$.error' }],
    }),
    Any: {
      Type: 'Choice',
      Choices: [
        {
          And: [
            { Variable: '$.poll.objects[0]', IsPresent: true },
            { Not: { Variable: '$.dry', BooleanEquals: true } },
          ],
          Next: 'Objects',
        },
      ],
      Default: 'Done',
    },
    Objects: {
      Type: 'Map',
      ItemsPath: '$.poll.objects',
      ItemSelector: {
        'object.$': '$$.Map.Item.Value',
        'key.$': "States.Format('{}/{}', $$.Execution.Name, $$.Map.Item.Index)",
      },
      MaxConcurrency: 4,
      ItemProcessor: { StartAt: 'Land', States: { Land: invoke() } },
      Next: 'Both',
    },
    Both: {
      Type: 'Parallel',
      Branches: [
        {
          StartAt: 'Long',
          States: {
            Long: {
              Type: 'Task',
              Resource: 'arn:aws:states:::ecs:runTask.sync',
              Parameters: { TaskDefinition: 'long' },
              End: true,
            },
          },
        },
        {
          StartAt: 'Facts',
          States: {
            Facts: {
              Type: 'Task',
              Resource: 'arn:aws:states:::dynamodb:getItem',
              Parameters: { TableName: 't', Key: { pk: { 'S.$': '$.id' } } },
              End: true,
            },
          },
        },
      ],
      Next: 'Many',
    },
    Many: {
      Type: 'Map',
      ItemReader: {
        Resource: 'arn:aws:states:::s3:getObject',
        ReaderConfig: { InputType: 'JSONL', MaxItems: 10 },
        Parameters: { Bucket: 'b', 'Key.$': '$.key' },
      },
      ItemBatcher: { MaxItemsPerBatch: 10, BatchInput: { 'run.$': '$$.Execution.Name' } },
      ResultWriter: { Resource: 'arn:aws:states:::s3:putObject', Parameters: { Bucket: 'b', Prefix: 'p' } },
      ToleratedFailurePercentage: 10,
      MaxConcurrency: 500,
      Label: 'Many',
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Each',
        States: { Each: invoke() },
      },
      Next: 'Later',
    },
    Later: { Type: 'Wait', TimestampPath: '$.at', Next: 'Put' },
    Put: {
      Type: 'Task',
      Resource: 'arn:aws:states:::dynamodb:putItem',
      Parameters: { TableName: 't', Item: {} },
      ResultPath: null,
      Next: 'Done',
    },
    Tell: {
      Type: 'Task',
      Resource: 'arn:aws:states:::sns:publish',
      Parameters: { TopicArn: 't', 'Message.$': '$.error.Cause' },
      Next: 'Broken',
    },
    Broken: { Type: 'Fail', ErrorPath: '$.error.Error', CausePath: "States.Format('see {}', $.error)" },
    Done: { Type: 'Succeed', OutputPath: '$.poll' },
  },
};

test('a document of the whole profile has no findings', () =>
  assert.deepEqual(lintMachine(JSON.parse(JSON.stringify(whole))), []));

finds([
  ['a document that is no object', [], '', /JSON object/],
  ['an unknown field of the machine', { ...machine(end), Stats: {} }, 'Stats', /unknown field/],
  ['a JSONata machine', { ...machine(end), QueryLanguage: 'JSONata' }, 'QueryLanguage', /outside the profile/],
  ['a JSONata state', machine({ ...end, QueryLanguage: 'JSONata' }), 'States.S0.QueryLanguage', /outside the profile/],
  ['no StartAt', { States: { S0: end } }, '', /needs StartAt/],
  ['a StartAt that is not there', { StartAt: 'X', States: { S0: end } }, 'StartAt', /no state "X"/],
  ['no states', { StartAt: 'X', States: {} }, 'States', /no states/],
  ['an unknown type', machine({ Type: 'Loop', End: true }), 'States.S0.Type', /no type of state/],
  ['a state without a type', machine({ End: true }), 'States.S0.Type', /nothing is no type/],
  ['an unknown field', machine({ ...end, Foo: 1 }), 'States.S0.Foo', /unknown field/],
  ['variables', machine({ ...end, Assign: {} }), 'States.S0.Assign', /variables are outside/],
  ['neither Next nor End', machine({ Type: 'Pass' }), 'States.S0', /needs Next or End/],
  ['Next and End', machine({ Type: 'Pass', Next: 'S1', End: true }, end), 'States.S0', /has Next and End/],
  ['End that is not true', machine({ Type: 'Pass', End: false }), 'States.S0.End', /is true/],
  ['a target that is not there', machine({ Type: 'Pass', Next: 'S9' }), 'States.S0.Next', /no state 'S9'/],
  ['a state that is never reached', machine(end, end), 'States.S1', /never reached/],
  [
    'a loop without an end',
    machine({ Type: 'Pass', Next: 'S1' }, { Type: 'Pass', Next: 'S0' }),
    'States',
    /no state that ends/,
  ],
  ['Next of a Succeed', machine({ Type: 'Succeed', Next: 'S0' }), 'States.S0.Next', /unknown field/],
  [
    'a name twice',
    machine(map({ ItemProcessor: { StartAt: 'S0', States: { S0: end } } })),
    'States.S0.ItemProcessor.States.S0',
    /taken by States\.S0/,
  ],
  [
    'a name of over 80 characters',
    { StartAt: 'x'.repeat(81), States: { ['x'.repeat(81)]: end } },
    `States.${'x'.repeat(81)}`,
    /1 to 80/,
  ],
  ['a document over 1 MB', machine({ ...end, Comment: 'x'.repeat(1_100_000) }), '', /bytes/],
  ['data over 256 KiB', machine({ ...end, Result: 'x'.repeat(262_144) }), 'States.S0.Result', /at most 262144/],

  ['a malformed path', machine({ ...end, InputPath: '$.a[' }), 'States.S0.InputPath', /path/],
  ['a path that is no text', machine({ ...end, OutputPath: 5 }), 'States.S0.OutputPath', /is a path/],
  [
    'a ResultPath of several places',
    machine({ ...end, ResultPath: '$.a[*]' }),
    'States.S0.ResultPath',
    /reference path/,
  ],
  ['a ResultPath into the context', machine({ ...end, ResultPath: '$$.a' }), 'States.S0.ResultPath', /context object/],
  [
    'a malformed path in a template',
    machine({ ...end, Parameters: { a: [{ 'b.$': '$..' }] } }),
    'States.S0.Parameters.a[0].b.$',
    /path/,
  ],
  [
    'an unknown intrinsic',
    machine({ ...end, Parameters: { 'b.$': 'States.Foo()' } }),
    'States.S0.Parameters.b.$',
    /no intrinsic function/,
  ],
  [
    'an intrinsic with too few arguments',
    machine({ ...end, Parameters: { 'b.$': 'States.MathAdd(1)' } }),
    'States.S0.Parameters.b.$',
    /takes 2 arguments/,
  ],
]);

test('a jump out of a Map is found, and what it leaves unreached', () => {
  const inner = { StartAt: 'A', States: { A: { Type: 'Pass', Next: 'S0' }, B: end } };
  assert.deepEqual(
    lintMachine(machine(map({ ItemProcessor: inner }))).map((f) => f.path),
    ['A.Next', 'B'].map((p) => `States.S0.ItemProcessor.States.${p}`),
  );
});

test('whatever is given, the linter tells and does not throw', () => {
  const odd: unknown[] = [null, 5, 'text', {}, { States: [] }, { StartAt: 1, States: { a: null, b: 5, c: [] } }];
  for (const value of [null, 5, 'x', [], {}, [null], [5], { a: null }])
    for (const field of Object.keys(whole['States'] as Any).flatMap((n) =>
      Object.keys((whole['States'] as Any)[n] as Any),
    ))
      for (const type of ['Task', 'Pass', 'Choice', 'Wait', 'Succeed', 'Fail', 'Parallel', 'Map'])
        odd.push(machine({ Type: type, End: true, [field]: value }));
  for (const document of odd) assert.doesNotThrow(() => lintMachine(document), JSON.stringify(document));
  for (const document of odd.slice(0, 6)) assert.notDeepEqual(lintMachine(document), []);
});
