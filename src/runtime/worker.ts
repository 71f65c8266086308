/**
 * A worker process: runs stages that parse or compute, one at a time, with an engine of its own. It ends when its parent does.
 * Messages in: `Hello` once, then `Task`s. Out: `Ready`, `Report`s, `Result`s.
 */
import { asGranaryError, type SerializedError } from '../lib/errors.ts';
import { redact } from '../lib/redact.ts';
import type { Progress, StageContext } from '../stages/context.ts';
import { type CurateInput, curate } from '../stages/curate/curate.ts';
import { type VerifyInput, verify } from '../stages/verify/verify.ts';
import { openContext, openProject } from './context.ts';

export interface Hello {
  dir: string;
  environment: string | undefined;
}
export interface Task {
  id: number;
  stage: WorkerStage;
  input: unknown;
}
export type FromWorker =
  | { ready: true }
  | { id: number; progress: Progress }
  | { id: number; output: unknown; peakBytes: number }
  | { id: number; error: SerializedError };

/** Stages that workers run. */
const STAGES = {
  verify: (input: unknown, context: StageContext) => verify(input as VerifyInput, context),
  curate: (input: unknown, context: StageContext) => curate(input as CurateInput, context),
};
export type WorkerStage = keyof typeof STAGES;

const PROGRESS_EVERY_MS = 200;

/** Serves tasks until the parent goes away. */
export async function serveTasks(): Promise<void> {
  const send = (message: FromWorker) => process.send?.(message);
  const hello = await new Promise<Hello>((resolve) => process.once('message', resolve as (m: unknown) => void));
  const { project } = await openProject({
    dir: hello.dir,
    ...(hello.environment !== undefined && { environment: hello.environment }),
  });
  let current = 0;
  let lastReport = 0;
  const { context } = await openContext(project, {
    progress: (progress) => {
      const isLast = progress.done === progress.total;
      if (!isLast && Date.now() - lastReport < PROGRESS_EVERY_MS) return;
      lastReport = Date.now();
      send({ id: current, progress });
    },
  });
  process.on('message', async (task: Task) => {
    current = task.id;
    try {
      const output = await STAGES[task.stage](task.input, context);
      send({ id: task.id, output, peakBytes: process.resourceUsage().maxRSS * 1024 });
    } catch (e) {
      const error = asGranaryError(e).toJSON();
      send({ id: task.id, error: { ...error, message: redact(error.message) } });
    }
  });
  send({ ready: true });
}
