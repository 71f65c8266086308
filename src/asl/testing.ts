/** Helpers of tests: a clock that moves when told, and a host whose tasks are functions. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Engine, EngineClock, EngineOptions, Execution, HistoryEvent, TaskCall } from './api.ts';
import { openEngine } from './engine.ts';
import type { Json, Machine } from './types.ts';
import { StatesError } from './types.ts';

/** 2026-01-01T00:00:00Z. */
export const START = Date.UTC(2026, 0, 1);

export interface VirtualClock extends EngineClock {
  /** Lets time pass; sleepers wake in order, each before the next. */
  advance(ms: number): Promise<void>;
  /** Lets everything happen that needs no time. */
  settle(): Promise<void>;
  /** Moves from sleeper to sleeper until the promise is settled. Fails when nobody sleeps any more. */
  until<T>(promise: Promise<T>): Promise<T>;
  sleepers(): number;
}

export function virtualClock(from = START): VirtualClock {
  let time = from;
  let order = 0;
  let waiting: { at: number; order: number; wake: () => void }[] = [];

  async function settle(): Promise<void> {
    for (let i = 0; i < 12; i++) await new Promise((resolve) => setImmediate(resolve));
  }
  function next(limit: number): boolean {
    const first = waiting.reduce<(typeof waiting)[number] | undefined>(
      (a, b) => (b.at > limit || (a && (a.at < b.at || (a.at === b.at && a.order < b.order))) ? a : b),
      undefined,
    );
    if (!first) return false;
    waiting = waiting.filter((w) => w !== first);
    time = Math.max(time, first.at);
    first.wake();
    return true;
  }
  return {
    now: () => time,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        const sleeper = { at: time + ms, order: order++, wake: resolve };
        if (signal?.aborted) return reject(signal.reason);
        waiting.push(sleeper);
        signal?.addEventListener('abort', () => {
          waiting = waiting.filter((w) => w !== sleeper);
          reject(signal.reason);
        });
      });
    },
    async advance(ms) {
      const end = time + ms;
      await settle();
      while (next(end)) await settle();
      time = end;
      await settle();
    },
    settle,
    async until(promise) {
      let settled = false;
      const done = () => {
        settled = true;
      };
      promise.then(done, done);
      for (let idle = 0; !settled; ) {
        await settle();
        if (settled) break;
        if (next(Number.POSITIVE_INFINITY)) idle = 0;
        else if (++idle > 200) throw new Error('nothing will happen any more');
      }
      return promise;
    },
    sleepers: () => waiting.length,
  };
}

export type Tasks = Record<string, (parameters: Json, call: TaskCall) => Json | Promise<Json>>;

export interface Bench {
  engine: Engine;
  clock: VirtualClock;
  /** All attempts, as they began. */
  calls: TaskCall[];
  /** Objects that ResultWriters stored, by name. */
  written: Map<string, string>;
  file: string;
  /** Starts `machine` and moves the clock until it has ended. */
  run(machine: Machine, input?: Json, id?: string): Promise<Execution>;
  /** Closes without grace and opens again. */
  restart(): Promise<void>;
  /** Closes and removes the files. */
  end(): Promise<void>;
}

/** An engine on a new file. Tasks are named by the last part of their resource: `demo:<name>`. `objects` are what ItemReaders read. */
export async function bench(
  tasks: Tasks = {},
  more: Partial<EngineOptions> & { objects?: Record<string, string> } = {},
): Promise<Bench> {
  const dir = mkdtempSync(join(tmpdir(), 'asl-'));
  const clock = virtualClock();
  const { objects = {}, ...options } = more;
  const calls: TaskCall[] = [];
  const written = new Map<string, string>();
  const open = () =>
    openEngine({
      file: join(dir, 'engine.db'),
      clock,
      async runTask(call) {
        calls.push(call);
        const task = tasks[call.resource.split(':').at(-1)!];
        if (!task) throw new Error(`no task ${call.resource}`);
        return task(call.parameters, call);
      },
      async readItems(_, parameters) {
        const { Key } = parameters as { Key: string };
        const body = objects[Key];
        if (body === undefined) throw new Error(`no object ${Key}`);
        return pieces(Buffer.from(body));
      },
      async writeResults(_, parameters, name, body) {
        written.set(`${(parameters as { Prefix: string }).Prefix}/${name}`, Buffer.from(body).toString());
      },
      ...options,
    });
  const self: Bench = {
    engine: await open(),
    clock,
    calls,
    written,
    file: join(dir, 'engine.db'),
    async run(machine, input = {}, id = 'x') {
      self.engine.start({ id, pipeline: 'p', machine, input });
      return clock.until(self.engine.wait(id));
    },
    async restart() {
      await self.engine.close();
      self.engine = await open();
    },
    async end() {
      await self.engine.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return self;
}

/** Pieces that end anywhere. */
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += 7) yield bytes.subarray(i, i + 7);
}

/** A history as lines: `type path state`, with chosen details. */
export function lines(history: HistoryEvent[], ...details: string[]): string[] {
  return history.map((event) => {
    const of = (event.details ?? {}) as Record<string, Json>;
    const shown = details.filter((name) => of[name] !== undefined).map((name) => `${name}=${JSON.stringify(of[name])}`);
    return [event.type, event.path, event.state, ...shown].filter((part) => part).join(' ');
  });
}

/** A machine of the given states; it begins with the first. */
export function machine(States: Record<string, object>, more: Partial<Machine> = {}): Machine {
  return { StartAt: Object.keys(States)[0]!, States, ...more } as Machine;
}

/** A Task of the host, at the end unless it has a Next. */
export function task(name: string, more: object = {}): object {
  return { Type: 'Task', Resource: `demo:${name}`, ...('Next' in more ? {} : { End: true }), ...more };
}

/** A Map over the array that the input is, unless told otherwise. */
export function map(
  processor: Record<string, object>,
  more: object = {},
  mode: 'INLINE' | 'DISTRIBUTED' = 'INLINE',
): object {
  const ItemProcessor = { ProcessorConfig: { Mode: mode }, StartAt: Object.keys(processor)[0]!, States: processor };
  return { Type: 'Map', ItemProcessor, ...('Next' in more ? {} : { End: true }), ...more };
}

export function parallel(branches: Record<string, object>[], more: object = {}): object {
  const Branches = branches.map((States) => ({ StartAt: Object.keys(States)[0]!, States }));
  return { Type: 'Parallel', Branches, ...('Next' in more ? {} : { End: true }), ...more };
}

/** `flaky` fails while `broken`; `slow` takes a minute. */
function switchable() {
  const state = { broken: true };
  const tasks = (sleep: () => (ms: number, signal: AbortSignal) => Promise<void>): Tasks => ({
    flaky: (parameters) => {
      if (state.broken) throw new StatesError('Broken', 'switched off');
      return parameters;
    },
    ok: (parameters) => parameters,
    slow: async (parameters, call) => {
      await sleep()(60_000, call.signal);
      return parameters;
    },
  });
  return { state, tasks };
}

export async function opened(more = {}) {
  const { state, tasks } = switchable();
  const b = await bench(
    tasks(() => (ms, signal) => b.clock.sleep(ms, signal)),
    more,
  );
  return { b, state };
}

/** For `assert.throws`: an error with this code. */
export const code =
  (expected: string) =>
  (e: unknown): boolean =>
    (e as { code?: string }).code === expected;

/** A machine and what it must come to. */
export interface Case {
  name: string;
  machine: Machine;
  input?: Json;
  output?: Json;
  error?: string;
  cause?: string;
  /** Without ExecutionStarted and the last event. */
  history?: string[];
}

/** A test for the case. */
export function testCase(c: Case, tasks: Tasks): void {
  test(c.name, async () => {
    const b = await bench(tasks);
    try {
      const execution = await b.run(c.machine, c.input ?? {});
      const last = c.error === undefined ? 'ExecutionSucceeded' : 'ExecutionFailed';
      const history = lines(b.engine.history('x'), 'wakeAt');
      assert.equal(execution.error, c.error, execution.cause);
      if (c.cause !== undefined) assert.equal(execution.cause, c.cause);
      if (c.error === undefined) assert.deepEqual(execution.output, c.output);
      assert.equal(history[0], 'ExecutionStarted');
      assert.equal(history.at(-1), last);
      if (c.history) assert.deepEqual(history.slice(1, -1), c.history);
      assert.deepEqual(b.engine.stats(), {
        running: 0,
        readyFrames: 0,
        sleepingFrames: 0,
        inFlight: 0,
        events: history.length,
      });
    } finally {
      await b.end();
    }
  });
}
