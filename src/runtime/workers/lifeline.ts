/** A process that must not outlive its parent. */
import { Worker } from 'node:worker_threads';

/** A thread of its own, because the main one may be in a long computation when the parent dies. */
const WATCH = `
  const { workerData } = require('node:worker_threads');
  setInterval(() => {
    if (process.ppid !== workerData) process.kill(process.pid, 'SIGKILL');
  }, 500);
`;

/** Ends this process at once when its parent is gone: nothing that it has half done is seen by anyone. */
export function dieWithParent(): void {
  const parent = process.ppid;
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  const thread = new Worker(WATCH, {
    eval: true,
    workerData: parent,
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  thread.unref();
}

/**
 * Signals to the whole group — the interrupt key, a service manager that stops a unit — are for the parent: it lets tasks end, or stops
 * this process itself.
 */
export function leaveSignalsToParent(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
}
