/**
 * The interpreter against bare SQLite transactions of the same shape, in alternation, and its other targets:
 * `node bench/machines.ts [--quick]`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine, EngineOptions } from '../src/asl/api.ts';
import { openEngine } from '../src/asl/engine.ts';
import type { Machine } from '../src/asl/types.ts';

const quick = process.argv.includes('--quick');
const dir = mkdtempSync(join(tmpdir(), 'bench-machines-'));
let files = 0;

const host = (more: Partial<EngineOptions> = {}): EngineOptions => ({
  file: join(dir, `${++files}.db`),
  clock: { now: () => Date.now(), sleep: (ms, signal) => sleep(ms, undefined, { signal }) },
  runTask: async () => null,
  ...more,
});

const task = (Next?: string) => ({
  Type: 'Task' as const,
  Resource: 'demo:work',
  ResultPath: null,
  ...(Next === undefined ? { End: true as const } : { Next }),
});
const threeSteps: Machine = { StartAt: 'A', States: { A: task('B'), B: task('C'), C: task() } };
/** Per run of three steps: the start of each attempt, and its end with the transition to the next. */
const TRANSITIONS = 6;

/** Runs of the machine, so many at once. Returns seconds. */
async function runs(engine: Engine, n: number, atOnce: number, name: string): Promise<number> {
  const from = performance.now();
  let next = 0;
  const lane = async () => {
    for (let i = next++; i < n; i = next++) {
      const id = `${name}-${i}`;
      engine.start({ id, pipeline: name, machine: threeSteps, input: { object: `o-${i}`, bytes: 12345, run: id } });
      await engine.wait(id);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return (performance.now() - from) / 1000;
}

/** Transactions that update one row and insert two, as a transition does, with two durable ones per run. */
function bare(n: number): number {
  const db = new DatabaseSync(join(dir, `${++files}.db`));
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE frame(id INTEGER PRIMARY KEY, exec INTEGER, state TEXT, status TEXT, input TEXT, entered INTEGER) STRICT;
    CREATE TABLE event(exec INTEGER, seq INTEGER, at INTEGER, type TEXT, details TEXT, PRIMARY KEY(exec, seq)) STRICT, WITHOUT ROWID;`);
  const [begin, commit] = [db.prepare('BEGIN IMMEDIATE'), db.prepare('COMMIT')];
  const insert = db.prepare('INSERT INTO frame VALUES(?,?,?,?,?,?)');
  const update = db.prepare('UPDATE frame SET state=?, status=?, input=?, entered=? WHERE id=?');
  const event = db.prepare('INSERT INTO event VALUES(?,?,?,?,?)');
  const input = JSON.stringify({ object: 'o-12345', bytes: 12345, run: 'bare-12345' });
  const from = performance.now();
  for (let i = 1; i <= n; i++) {
    let seq = 0;
    const tx = (durable: boolean, work: () => void) => {
      if (durable) db.exec('PRAGMA synchronous = FULL');
      begin.run();
      work();
      for (let k = 0; k < 2; k++) event.run(i, ++seq, Date.now(), 'TaskStateEntered', input);
      commit.run();
      if (durable) db.exec('PRAGMA synchronous = NORMAL');
    };
    tx(true, () => insert.run(i, i, 'A', 'READY', input, Date.now()));
    for (let k = 1; k <= TRANSITIONS; k++)
      tx(k === TRANSITIONS, () => update.run('B', 'RUNNING', input, Date.now(), i));
  }
  const seconds = (performance.now() - from) / 1000;
  db.close();
  return seconds;
}

const round = (n: number) => Math.round(n).toLocaleString('en');
const median = (list: number[]) => list.toSorted((a, b) => a - b)[list.length >> 1]!;
const megabytes = () => process.memoryUsage().rss / 1e6;

async function against(): Promise<void> {
  const [n, rounds] = quick ? [200, 3] : [400, 9];
  const many: number[] = [];
  const alone: number[] = [];
  console.log(
    `three steps, ${n} runs, 16 at once; transitions a second (bare: one transaction each, durable at start and end)`,
  );
  for (let i = 0; i < rounds; i++) {
    const raw = (n * (TRANSITIONS + 1)) / bare(n);
    const engine = await openEngine(host());
    const own = (n * (TRANSITIONS + 1)) / (await runs(engine, n, 16, 'ab'));
    await engine.close();
    const one = await openEngine(host());
    const single = (n * (TRANSITIONS + 1)) / (await runs(one, n, 1, 'ab'));
    await one.close();
    many.push(own / raw);
    alone.push(single / raw);
    console.log(
      `  bare ${round(raw)}  interpreter ${round(own)} (${(own / raw).toFixed(2)}×)  one run at a time ${round(single)} (${(single / raw).toFixed(2)}×)`,
    );
  }
  console.log(`  median ${median(many).toFixed(2)}×, one run at a time ${median(alone).toFixed(2)}×`);
}

async function perMinute(): Promise<void> {
  const n = quick ? 500 : 5000;
  const engine = await openEngine(host());
  const seconds = await runs(engine, n, 32, 'minute');
  await engine.close();
  console.log(`${n} runs of three steps: ${seconds.toFixed(2)} s, ${round((n / seconds) * 60)} a minute`);
}

async function sources(): Promise<void> {
  const names = ['A', 'B', 'C', 'D', 'E', 'F'];
  const States = Object.fromEntries(names.map((name, i) => [name, task(names[i + 1])]));
  const machine: Machine = {
    StartAt: 'M',
    States: { M: { Type: 'Map', MaxConcurrency: 45, ItemProcessor: { StartAt: 'A', States }, End: true } },
  };
  for (let i = 0; i < 3; i++) {
    const engine = await openEngine(host());
    const from = performance.now();
    engine.start({ id: 'x', pipeline: 'p', machine, input: Array.from({ length: 45 }, (_, k) => ({ source: k })) });
    await engine.wait('x');
    console.log(`45 sources × 6 tasks that do nothing: ${(performance.now() - from).toFixed(0)} ms`);
    await engine.close();
  }
}

async function manyEvents(): Promise<void> {
  const [total, part] = quick ? [60_000, 10_000] : [1_000_000, 100_000];
  const engine = await openEngine(host());
  const rates: number[] = [];
  for (let batch = 0; engine.stats().events < total; batch++) {
    const before = engine.stats().events;
    const from = performance.now();
    for (let k = 0; engine.stats().events - before < part; k++) await runs(engine, 200, 32, `e${batch}-${k}`);
    rates.push((engine.stats().events - before) / ((performance.now() - from) / 1000));
  }
  await engine.close();
  const [first, last] = [rates[0]!, rates.at(-1)!];
  console.log(
    `${round(total)} events: ${round(first)} a second in the first ${round(part)}, ${round(last)} in the last (${(last / first).toFixed(2)}×)`,
  );
}

async function largeMap(): Promise<void> {
  const n = quick ? 5000 : 100_000;
  const readItems = async () =>
    (async function* () {
      for (let i = 0; i < n; i += 1000)
        yield Buffer.from(
          Array.from({ length: 1000 }, (_, k) => `{"key":"object-${i + k}","bytes":${i + k}}\n`).join(''),
        );
    })();
  let stored = 0;
  const engine = await openEngine(
    host({
      readItems,
      writeResults: async (_, __, ___, body) => {
        stored += body.length;
      },
    }),
  );
  const machine: Machine = {
    StartAt: 'M',
    States: {
      M: {
        Type: 'Map',
        ItemReader: { Resource: 'items', ReaderConfig: { InputType: 'JSONL' } },
        ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED' }, StartAt: 'A', States: { A: task() } },
        ResultWriter: { Resource: 'results', Parameters: { Bucket: 'b', Prefix: 'p' } },
        End: true,
      },
    },
  };
  global.gc?.();
  const before = megabytes();
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, megabytes());
  }, 20);
  const from = performance.now();
  engine.start({ id: 'x', pipeline: 'p', machine, input: {} });
  const { status } = await engine.wait('x');
  clearInterval(watch);
  const seconds = (performance.now() - from) / 1000;
  console.log(
    `Map of ${round(n)} items: ${status} in ${seconds.toFixed(1)} s, resident ${before.toFixed(0)} MB before, ${peak.toFixed(0)} MB at most (+${(peak - before).toFixed(0)}), results ${(stored / 1e6).toFixed(1)} MB`,
  );
  await engine.close();
}

try {
  // The map first: the growth of memory is its own.
  await largeMap();
  await against();
  await perMinute();
  await sources();
  await manyEvents();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
