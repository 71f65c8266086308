/** A worker process of the tests, with stages that do what goes wrong. */
import { setTimeout as delay } from 'node:timers/promises';
import { GranaryError } from '../../lib/errors.ts';
import { registerSecret } from '../../lib/redact.ts';
import { dieWithParent, leaveSignalsToParent } from './lifeline.ts';
import { serveTasks, type Telling } from './serve.ts';

dieWithParent();
leaveSignalsToParent();

const kept: Buffer[] = [];

await serveTasks<Telling>(
  {
    echo: async (input) => input,
    pid: async () => process.pid,
    wait: async (ms) => delay(ms as number),
    fail: async () => {
      throw new GranaryError('connector.lost', 'the line broke', { transient: true, where: { file: 'a.csv' } });
    },
    die: async () => process.kill(process.pid, 'SIGKILL'),
    /** Takes memory and keeps it after the task. */
    hold: async (bytes) => {
      kept.push(Buffer.alloc(bytes as number, 1));
      return process.pid;
    },
    devour: async () => {
      for (;;) {
        kept.push(Buffer.alloc(20e6, 1));
        await delay(20);
      }
    },
    fillHeap: async () => {
      const texts: string[][] = [];
      for (;;) texts.push(Array.from({ length: 10_000 }, (_, i) => `text ${texts.length} ${i}`));
    },
    spin: async () => {
      for (;;);
    },
    /** Computes for long in the engine, without a turn of this process's own. */
    query: async (seconds) => {
      const { DuckDBInstance } = await import('@duckdb/node-api');
      const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
      const stop = setTimeout(() => connection.interrupt(), (seconds as number) * 1000);
      await connection
        .run('SELECT sum(sqrt(a.range * b.range)) FROM range(1000000) a, range(1000000) b')
        .catch(() => undefined);
      clearTimeout(stop);
      return 'done';
    },
    tellHalf: async (input, { progress }) => progress({ what: String(input), done: 1, total: undefined, unit: 'rows' }),
    tellAndDie: async (input, { progress }) => {
      progress({ what: String(input), done: 1, total: undefined, unit: 'rows' });
      await delay(100);
      process.kill(process.pid, 'SIGKILL');
    },
    tell: async (input, { log, progress }) => {
      registerSecret('hunter2-secret');
      log('info', 'It has hunter2-secret in it', { rows: 3 });
      log('debug', 'nobody asked for this');
      progress({ what: String(input), done: 1, total: 2, unit: 'rows' });
      progress({ what: String(input), done: 2, total: 2, unit: 'rows' });
    },
  },
  async (hello, telling) => {
    if (hello.dir === 'broken') throw new Error('the project cannot be opened');
    return telling;
  },
);
