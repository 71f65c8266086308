/** The inside of a worker process: serves tasks, one at a time, until the parent goes away. */
import { setTimeout as delay } from 'node:timers/promises';
import { asGranaryError } from '../../lib/errors.ts';
import { isAtLeast, type Log } from '../../lib/log.ts';
import { redact } from '../../lib/redact.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Progress } from '../../stages/context.ts';
import type { FromWorker, Hello, Task } from './protocol.ts';

/** What a worker tells while it works. */
export interface Telling {
  progress(report: Progress): void;
  log: Log;
  /** Shows the owner's time. */
  clock: Clock;
}

export type Stages<Context> = Record<string, (input: unknown, context: Context) => Promise<unknown>>;

const PROGRESS_EVERY_MS = 200;
const HEARTBEAT_EVERY_MS = 1000;

/** `open` makes what stages are given; it is called once. */
export async function serveTasks<Context>(
  stages: Stages<Context>,
  open: (hello: Hello, telling: Telling) => Promise<Context>,
): Promise<void> {
  const send = (message: FromWorker) => {
    // When the parent is gone there is nobody to tell, and this process ends.
    if (process.connected) process.send!(message, undefined, undefined, () => undefined);
  };
  const hello = await new Promise<Hello>((resolve) => process.once('message', resolve as (m: unknown) => void));
  let current = 0;
  let time = { owner: Date.now(), own: performance.now() };
  let lastReport = 0;
  const context = await open(hello, {
    progress(progress) {
      const now = performance.now();
      if (progress.done !== progress.total && now - lastReport < PROGRESS_EVERY_MS) return;
      lastReport = now;
      send({ id: current, progress });
    },
    clock: {
      now: () => Math.round(time.owner + performance.now() - time.own),
      sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
    },
    log(level, message, fields = {}) {
      if (isAtLeast(level, hello.logLevel)) send({ id: current, log: { level, message: redact(message), fields } });
    },
  });
  process.on('message', async (task: Task) => {
    current = task.id;
    lastReport = Number.NEGATIVE_INFINITY;
    time = { owner: task.now, own: performance.now() };
    const beat = () => send({ id: task.id, heartbeat: true, residentBytes: process.memoryUsage.rss() });
    const heart = setInterval(beat, HEARTBEAT_EVERY_MS);
    try {
      const output = await stages[task.stage]!(task.input, context);
      send({ id: task.id, output, peakBytes: process.resourceUsage().maxRSS * 1024 });
    } catch (e) {
      const error = asGranaryError(e).toJSON();
      send({ id: task.id, error: { ...error, message: redact(error.message) } });
    } finally {
      clearInterval(heart);
    }
  });
  send({ ready: true });
}
