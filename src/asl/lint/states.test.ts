import { distributed, end, finds, invoke, machine, map } from './testing.ts';

finds([
  [
    'a cause that is no path and no call',
    machine({ Type: 'Fail', CausePath: 'text' }),
    'States.S0.CausePath',
    /no intrinsic/,
  ],
  ['a Wait without a time', machine({ Type: 'Wait', End: true }), 'States.S0', /needs Seconds or/],
  [
    'a Wait with two times',
    machine({ Type: 'Wait', Seconds: 1, SecondsPath: '$.s', End: true }),
    'States.S0',
    /only one/,
  ],
  ['a Fail with two errors', machine({ Type: 'Fail', Error: 'A', ErrorPath: '$.e' }), 'States.S0', /only one/],
  [
    'a Parallel without branches',
    machine({ Type: 'Parallel', Branches: [], End: true }),
    'States.S0.Branches',
    /not empty/,
  ],
  [
    'an unknown field of a branch',
    machine({ Type: 'Parallel', Branches: [{ ...machine(), StartAt: 'A', States: { A: end }, Foo: 1 }], End: true }),
    'States.S0.Branches[0].Foo',
    /unknown/,
  ],

  ['the old name of ItemProcessor', machine(map({ Iterator: {} })), 'States.S0.Iterator', /write ItemProcessor/],
  ['the old name of ItemSelector', machine(map({ Parameters: {} })), 'States.S0.Parameters', /write ItemSelector/],
  ['a Map without ItemProcessor', machine({ Type: 'Map', End: true }), 'States.S0', /needs ItemProcessor/],
  ['an inline Map of more than 40 at once', machine(map({ MaxConcurrency: 41 })), 'States.S0.MaxConcurrency', /40/],
  [
    'an ItemReader inline',
    machine(
      map({
        ItemReader: {
          Resource: 'arn:aws:states:::s3:getObject',
          ReaderConfig: { InputType: 'JSON' },
          Parameters: { Bucket: 'b', Key: 'k' },
        },
      }),
    ),
    'States.S0.ItemReader',
    /DISTRIBUTED/,
  ],
  [
    'an ItemBatcher inline',
    machine(map({ ItemBatcher: { MaxItemsPerBatch: 2 } }, { Mode: 'INLINE' })),
    'States.S0.ItemBatcher',
    /DISTRIBUTED/,
  ],
  [
    'a ResultWriter inline',
    machine(map({ ResultWriter: { Resource: 'arn:aws:states:::s3:putObject', Parameters: { Bucket: 'b' } } })),
    'States.S0.ResultWriter',
    /DISTRIBUTED/,
  ],
  [
    'tolerated failures inline',
    machine(map({ ToleratedFailureCount: 1 })),
    'States.S0.ToleratedFailureCount',
    /DISTRIBUTED/,
  ],
  [
    'no ExecutionType',
    machine(map({}, { Mode: 'DISTRIBUTED' })),
    'States.S0.ItemProcessor.ProcessorConfig',
    /needs ExecutionType/,
  ],
  ['an unknown Mode', machine(map({}, { Mode: 'BOTH' })), 'States.S0.ItemProcessor.ProcessorConfig.Mode', /INLINE/],
  [
    'a reader of a list of objects',
    machine(
      distributed({
        ItemReader: {
          Resource: 'arn:aws:states:::s3:listObjectsV2',
          ReaderConfig: { InputType: 'JSON' },
          Parameters: { Bucket: 'b', Key: 'k' },
        },
      }),
    ),
    'States.S0.ItemReader.Resource',
    /s3:getObject/,
  ],
  [
    'a reader of CSV',
    machine(
      distributed({
        ItemReader: {
          Resource: 'arn:aws:states:::s3:getObject',
          ReaderConfig: { InputType: 'CSV' },
          Parameters: { Bucket: 'b', Key: 'k' },
        },
      }),
    ),
    'States.S0.ItemReader.ReaderConfig.InputType',
    /JSONL/,
  ],
  [
    'a reader without Key',
    machine(
      distributed({
        ItemReader: {
          Resource: 'arn:aws:states:::s3:getObject',
          ReaderConfig: { InputType: 'JSON' },
          Parameters: { Bucket: 'b' },
        },
      }),
    ),
    'States.S0.ItemReader.Parameters',
    /needs Key/,
  ],
  [
    'a percentage over 100',
    machine(distributed({ ToleratedFailurePercentage: 101 })),
    'States.S0.ToleratedFailurePercentage',
    /from 0 to 100/,
  ],
  [
    'an ItemBatcher without a size',
    machine(distributed({ ItemBatcher: {} })),
    'States.S0.ItemBatcher',
    /needs MaxItemsPerBatch/,
  ],
  [
    '.sync within an EXPRESS Map',
    machine(
      map({
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' },
          StartAt: 'A',
          States: { A: invoke({ Resource: 'arn:aws:states:::ecs:runTask.sync', Parameters: { TaskDefinition: 't' } }) },
        },
      }),
    ),
    'States.S0.ItemProcessor.States.A.Resource',
    /EXPRESS/,
  ],
  [
    'an error deep within',
    machine(
      map({
        ItemProcessor: {
          StartAt: 'A',
          States: {
            A: { Type: 'Parallel', Branches: [{ StartAt: 'B', States: { B: { ...end, Foo: 1 } } }], End: true },
          },
        },
      }),
    ),
    'States.S0.ItemProcessor.States.A.Branches[0].States.B.Foo',
    /unknown/,
  ],
]);
