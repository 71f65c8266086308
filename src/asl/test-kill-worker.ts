/** The process that kill.slow.test.ts kills. Arguments: its folder, and which life this is. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineOptions } from './api.ts';
import { openEngine } from './engine.ts';
import { machine, map, parallel, task } from './testing.ts';
import type { Json } from './types.ts';
import { StatesError } from './types.ts';

export const executionId = (life: number, n: number): string => `e${life}-${n}`;

const Retry = [
  { ErrorEquals: ['Flaky'], IntervalSeconds: 0.02, MaxAttempts: 20, BackoffRate: 1.2, JitterStrategy: 'FULL' },
];

/** Two maps (one of them distributed), a parallel, retries, waits, a caught error. */
export const document = machine({
  Begin: { Type: 'Pass', Result: [1, 2, 3, 4, 5], ResultPath: '$.items', Next: 'Each' },
  Each: map(
    { Nap: { Type: 'Wait', Seconds: 0.01, Next: 'Work' }, Work: task('flaky', { Retry }) },
    { ItemsPath: '$.items', MaxConcurrency: 2, ResultPath: '$.squares', Next: 'Many' },
  ),
  Many: map(
    { Work: task('square', { Next: 'Again' }), Again: task('square') },
    {
      ItemReader: { Resource: 'reader', Parameters: { Key: 'any' }, ReaderConfig: { InputType: 'JSONL' } },
      MaxConcurrency: 10,
      ResultPath: '$.many',
      Next: 'Both',
    },
    'DISTRIBUTED',
  ),
  Both: parallel(
    [
      { Left: task('flaky', { Retry, InputPath: '$.items[2]' }) },
      { Right: { Type: 'Wait', Seconds: 0.03, Next: 'Done' }, Done: { Type: 'Pass', Result: 'right', End: true } },
    ],
    {
      ResultPath: '$.both',
      Next: 'Break',
    },
  ),
  Break: task('broken', { Catch: [{ ErrorEquals: ['Broken'], Next: 'End', ResultPath: '$.caught' }] }),
  End: {
    Type: 'Pass',
    Parameters: {
      'id.$': '$.id',
      'squares.$': '$.squares',
      'many.$': '$.many',
      'both.$': '$.both',
      'error.$': '$.caught.Error',
    },
    End: true,
  },
});

const ITEMS = 60;
export function expectedOutput(id: string): Json {
  const many = Array.from({ length: ITEMS }, (_, i) => i ** 4);
  return { id, squares: [1, 4, 9, 16, 25], many, both: [9, 'right'], error: 'Broken' };
}

export function workerHost(dir: string): EngineOptions {
  return {
    file: join(dir, 'engine.db'),
    clock: { now: () => Date.now(), sleep: (ms, signal) => sleep(ms, undefined, { signal }) },
    async runTask({ resource, parameters, key }) {
      await sleep(Math.random() * 6);
      const name = resource.split(':').at(-1);
      if (name === 'broken') throw new StatesError('Broken', 'always');
      if (name === 'flaky' && Math.random() < 0.4) throw new StatesError('Flaky', 'sometimes');
      appendFileSync(join(dir, 'finished'), `${key}\n`);
      return (parameters as number) ** 2;
    },
    async readItems() {
      return (async function* () {
        for (let i = 0; i < ITEMS; i++) yield Buffer.from(`${i}\n`);
      })();
    },
    onTrouble(e) {
      process.stderr.write(`${e.stack}\n`);
    },
  };
}

if (import.meta.main) {
  const [dir, life] = process.argv.slice(2) as [string, string];
  const engine = await openEngine(workerHost(dir));
  process.stdout.write('ready\n');
  for (let n = 0; ; n++) {
    const id = executionId(Number(life), n);
    engine.start({ id, pipeline: 'kill', machine: document, input: { id } });
    // After the start: what is listed here must be there after the kill.
    appendFileSync(join(dir, 'started'), `${id}\n`);
    while (engine.stats().running > 12) await sleep(5);
    await sleep(20);
  }
}
