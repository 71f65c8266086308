/** Map: concurrency, distributed with readers, batches, tolerated failures and stored results. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bench, bench, lines, machine, map, type Tasks, task } from './testing.ts';
import type { Json } from './types.ts';
import { StatesError } from './types.ts';

const echo: Tasks = { echo: (parameters) => parameters };

/** Items that are numbers below 0 fail. */
const picky: Tasks = {
  work: (n) => {
    if ((n as number) < 0) throw new StatesError('Negative', String(n));
    return (n as number) * 2;
  },
};

async function withBench<T>(b: Bench, work: (b: Bench) => Promise<T>): Promise<T> {
  try {
    return await work(b);
  } finally {
    await b.end();
  }
}

const reader = (Key: string, InputType: string, more: object = {}) => ({
  Resource: 'arn:aws:states:::s3:getObject',
  Parameters: { Bucket: 'b', Key },
  ReaderConfig: { InputType, ...more },
});

test('MaxConcurrency limits the items at once, given in the document or by a path', async () => {
  for (const limit of [{ MaxConcurrency: 2 }, { MaxConcurrencyPath: '$.max' }]) {
    let running = 0;
    let most = 0;
    const b = await bench({
      work: async () => {
        most = Math.max(most, ++running);
        await b.clock.sleep(1000);
        running--;
        return null;
      },
    });
    await withBench(b, () =>
      b.run(machine({ M: map({ T: task('work') }, { ItemsPath: '$.i', ...limit }) }), { max: 2, i: [1, 2, 3, 4, 5] }),
    );
    assert.equal(most, 2);
  }
});

test('a distributed Map reads JSON lines, whatever pieces they come in', async () => {
  const objects = { 'a.jsonl': '{"v":"ä€😀"}\r\n\n  {"v":2}\n{"v":[3,"\\n"]}' };
  await withBench(await bench(echo, { objects }), async (b) => {
    const M = map({ T: task('echo') }, { ItemReader: reader('a.jsonl', 'JSONL') }, 'DISTRIBUTED');
    const execution = await b.run(machine({ M }));
    assert.deepEqual(execution.output, [{ v: 'ä€😀' }, { v: 2 }, { v: [3, '\n'] }]);
    assert.deepEqual(
      lines(b.engine.history('x'), 'length').filter((l) => l.startsWith('MapRun')),
      ['MapRunStarted M length=3', 'MapRunSucceeded M'],
    );
  });
});

test('a distributed Map reads a JSON array, and no more than MaxItems of it', async () => {
  const objects = { 'a.json': ' [ {"x":[1,{"y":"]"}]} , "a,\\"b", 3,null ]\n' };
  await withBench(await bench(echo, { objects }), async (b) => {
    const M = map({ T: task('echo') }, { ItemReader: reader('a.json', 'JSON') }, 'DISTRIBUTED');
    assert.deepEqual((await b.run(machine({ M }))).output, [{ x: [1, { y: ']' }] }, 'a,"b', 3, null]);
    const first = map({ T: task('echo') }, { ItemReader: reader('a.json', 'JSON', { MaxItems: 2 }) }, 'DISTRIBUTED');
    assert.deepEqual((await b.run(machine({ first }), {}, 'y')).output, [{ x: [1, { y: ']' }] }, 'a,"b']);
  });
});

test('what cannot be read is States.ItemReaderFailed, which can be caught', async () => {
  const objects = {
    half: '[1,2',
    text: 'hello',
    lines: '{"a":1}\n{"a":',
    object: '{"a":[1]}',
    comma: '[1,]',
    after: '[1] 2',
  };
  await withBench(await bench(echo, { objects }), async (b) => {
    for (const [Key, type] of [
      ['half', 'JSON'],
      ['text', 'JSON'],
      ['object', 'JSON'],
      ['comma', 'JSON'],
      ['after', 'JSON'],
      ['lines', 'JSONL'],
      ['missing', 'JSONL'],
      ['half', 'CSV'],
    ] as const) {
      const Catch = [{ ErrorEquals: ['States.ItemReaderFailed'], Next: 'E' }];
      const M = map({ T: task('echo') }, { ItemReader: reader(Key, type), Catch }, 'DISTRIBUTED');
      const execution = await b.run(
        machine({ M, E: { Type: 'Pass', OutputPath: '$.Error', End: true } }),
        {},
        `${Key} ${type}`,
      );
      assert.equal(execution.output, 'States.ItemReaderFailed', `${Key}: ${execution.cause}`);
    }
  });
});

test('ItemSelector makes the inputs of items, ItemBatcher groups them', async () => {
  await withBench(await bench(echo, { objects: { o: '"a"\n"b"\n"c"\n' } }), async (b) => {
    const M = map(
      { T: task('echo') },
      {
        ItemReader: reader('o', 'JSONL'),
        ItemSelector: { 'v.$': '$$.Map.Item.Value', 'i.$': '$$.Map.Item.Index', 'run.$': '$$.Execution.Name' },
        ItemBatcher: { MaxItemsPerBatch: 2, BatchInput: { 'k.$': '$.k' } },
      },
      'DISTRIBUTED',
    );
    assert.deepEqual((await b.run(machine({ M }), { k: 1 })).output, [
      {
        BatchInput: { k: 1 },
        Items: [
          { v: 'a', i: 0, run: 'x' },
          { v: 'b', i: 1, run: 'x' },
        ],
      },
      { BatchInput: { k: 1 }, Items: [{ v: 'c', i: 2, run: 'x' }] },
    ]);
    const one = map({ T: task('echo') }, { ItemBatcher: { MaxItemsPerBatch: 1 } }, 'DISTRIBUTED');
    assert.deepEqual((await b.run(machine({ one }), [7, 8], 'y')).output, [{ Items: [7] }, { Items: [8] }]);
  });
});

test('children of a distributed Map are executions of their own in the context object, also for what is within them', async () => {
  const name: Record<string, object> = {
    A: { Type: 'Pass', Parameters: { 'n.$': '$$.Execution.Name', 'in.$': '$$.Execution.Input' }, End: true },
  };
  await withBench(await bench(), async (b) => {
    const M = map({ I: map(name, { ItemsPath: '$.i' }) }, {}, 'DISTRIBUTED');
    const execution = await b.run(machine({ M }), [{ i: [1] }, { i: [2] }]);
    assert.deepEqual(execution.output, [[{ n: 'x:M#0/0', in: { i: [1] } }], [{ n: 'x:M#0/1', in: { i: [2] } }]]);
  });
});

test('one failed item fails a distributed Map that tolerates none', async () => {
  await withBench(await bench(picky), async (b) => {
    const M = map({ T: task('work') }, { MaxConcurrency: 1 }, 'DISTRIBUTED');
    const execution = await b.run(machine({ M }), [1, -2, 3]);
    assert.equal(execution.error, 'States.ExceedToleratedFailureThreshold');
    assert.match(execution.cause!, /1 of 3 items failed.*Negative: -2/);
    assert.equal(b.calls.length, 2);
  });
});

test('tolerated failures, by count or percentage, leave the results of the others', async () => {
  const items = [1, -2, 3, -4];
  const cases: [object, Json | undefined][] = [
    [{ ToleratedFailureCount: 2 }, [2, 6]],
    [{ ToleratedFailureCount: 1 }, undefined],
    [{ ToleratedFailurePercentage: 50 }, [2, 6]],
    [{ ToleratedFailurePercentage: 49 }, undefined],
    [{ ToleratedFailurePercentage: 100 }, [2, 6]],
    [{ ToleratedFailurePercentage: 100, ToleratedFailureCount: 1 }, undefined],
  ];
  await withBench(await bench(picky), async (b) => {
    for (const [limits, output] of cases) {
      const execution = await b.run(
        machine({ M: map({ T: task('work') }, limits, 'DISTRIBUTED') }),
        items,
        JSON.stringify(limits),
      );
      if (output === undefined)
        assert.equal(execution.error, 'States.ExceedToleratedFailureThreshold', JSON.stringify(limits));
      else assert.deepEqual(execution.output, output, JSON.stringify(limits));
    }
  });
});

test('a ResultWriter stores results and failures in files and gives where the manifest is', async () => {
  await withBench(await bench(picky), async (b) => {
    const ResultWriter = {
      Resource: 'arn:aws:states:::s3:putObject',
      Parameters: { Bucket: 'b', 'Prefix.$': '$.prefix' },
    };
    const M = map(
      { T: task('work') },
      { ItemsPath: '$.i', ToleratedFailureCount: 1, ResultWriter, ResultPath: '$.r' },
      'DISTRIBUTED',
    );
    const execution = await b.run(machine({ M }), { prefix: 'out', i: [1, -2] });
    const { r } = execution.output as {
      r: { MapRunArn: string; ResultWriterDetails: { Bucket: string; Key: string } };
    };
    assert.equal(r.ResultWriterDetails.Bucket, 'b');
    const manifest = JSON.parse(b.written.get(r.ResultWriterDetails.Key)!);
    assert.equal(manifest.MapRunArn, r.MapRunArn);
    const [good, bad] = ['SUCCEEDED', 'FAILED'].map((kind) =>
      JSON.parse(b.written.get(manifest.ResultFiles[kind][0].Key)!),
    );
    assert.deepEqual([good[0].Name, good[0].Status, good[0].Output], ['x:M#0/0', 'SUCCEEDED', '2']);
    assert.deepEqual([bad[0].Name, bad[0].Status, bad[0].Error, bad[0].Cause], ['x:M#0/1', 'FAILED', 'Negative', '-2']);
  });
});

test('a ResultWriter that fails is States.ResultWriterFailed, and a redrive writes again without running the items', async () => {
  let broken = true;
  const written: string[] = [];
  const writeResults = async (_: string, __: Json, name: string) => {
    if (broken) throw new Error('no space');
    written.push(name);
  };
  await withBench(await bench(picky, { writeResults }), async (b) => {
    const M = map({ T: task('work') }, { ResultWriter: { Resource: 'r', Parameters: { Bucket: 'b' } } }, 'DISTRIBUTED');
    const execution = await b.run(machine({ M }), [1, 2]);
    assert.equal(execution.error, 'States.ResultWriterFailed');
    broken = false;
    b.engine.redrive('x');
    assert.equal((await b.clock.until(b.engine.wait('x'))).status, 'SUCCEEDED');
    assert.equal(written.length, 2);
    assert.equal(b.calls.length, 2);
  });
});

test('results over 256 KiB together are States.DataLimitExceeded', async () => {
  await withBench(await bench(), async (b) => {
    const M = map({ A: { Type: 'Pass', Result: 'x'.repeat(60_000), End: true } }, {});
    assert.equal((await b.run(machine({ M }), [1, 2, 3, 4])).status, 'SUCCEEDED');
    assert.equal((await b.run(machine({ M }), [1, 2, 3, 4, 5], 'y')).error, 'States.DataLimitExceeded');
  });
});

test('an item that cannot be selected fails the Map and aborts what had begun', async () => {
  const { tasks } = { tasks: { hang: () => new Promise<Json>(() => {}) } };
  await withBench(await bench(tasks), async (b) => {
    const M = map({ T: task('hang') }, { ItemSelector: { 'v.$': '$$.Map.Item.Value.v' } });
    const execution = await b.run(machine({ M }), [{ v: 1 }, {}]);
    assert.equal(execution.status, 'FAILED');
    assert.deepEqual(
      lines(b.engine.history('x')).filter((l) => /Failed|Aborted/.test(l)),
      ['MapStateFailed M', 'TaskStateAborted /M#0/0 T', 'MapIterationAborted /M#0/0 M', 'ExecutionFailed'],
    );
    b.engine.redrive('x');
    assert.equal((await b.clock.until(b.engine.wait('x'))).status, 'FAILED');
  });
});

test('a Map of five thousand items keeps a frame for no more than run at once', async () => {
  const objects = { o: Array.from({ length: 5000 }, (_, i) => `${i}\n`).join('') };
  let frames = 0;
  const b = await bench(
    {
      work: (n) => {
        if ((n as number) % 500 === 0) frames = Math.max(frames, b.engine.current('x').length);
        return 1;
      },
    },
    { objects },
  );
  await withBench(b, async () => {
    const M = map({ T: task('work') }, { ItemReader: reader('o', 'JSONL'), MaxConcurrency: 20 }, 'DISTRIBUTED');
    const execution = await b.run(machine({ M }));
    assert.equal((execution.output as Json[]).length, 5000);
    assert.ok(frames > 1 && frames <= 21, String(frames));
  });
});

test('a restart while items are read reads them again; nothing runs twice', async () => {
  let reads = 0;
  const readItems = async () => {
    reads++;
    return (async function* () {
      for (let i = 0; i < 3000; i++) yield Buffer.from(`${i}\n`);
      if (reads === 1) await new Promise(() => {});
    })();
  };
  await withBench(await bench(picky, { readItems }), async (b) => {
    const M = map({ T: task('work') }, { ItemReader: reader('o', 'JSONL') }, 'DISTRIBUTED');
    b.engine.start({ id: 'x', pipeline: 'p', machine: machine({ M }), input: {} });
    await b.clock.advance(1000);
    await b.restart();
    const execution = await b.clock.until(b.engine.wait('x'));
    assert.equal((execution.output as Json[]).length, 3000);
    assert.equal(reads, 2);
    assert.equal(new Set(b.calls.map((call) => call.key)).size, b.calls.length);
  });
});
