/** How a try of a state, and an execution, ends. Within the caller's transaction. */
import { abortFrame } from './children.ts';
import type { Core, Frame, Run } from './core.ts';
import { saveFrame, visitOf } from './core.ts';
import { outputDetails } from './history.ts';
import type { State, StatesError } from './types.ts';

/** The frame sleeps until its next try. */
export function scheduleRetry(
  core: Core,
  run: Run,
  frame: Frame,
  state: State,
  error: StatesError,
  plan: { delayMs: number; counts: number[] },
): undefined {
  const wake = core.host.clock.now() + plan.delayMs;
  frame.status = 'SLEEPING';
  frame.wake = wake;
  frame.deadline = null;
  frame.retries = JSON.stringify(plan.counts);
  // Children that run again are not those that ran before: their steps get keys of their own.
  if (state.Type !== 'Task')
    frame.visits = JSON.stringify({ ...JSON.parse(frame.visits), [frame.state]: visitOf(frame) + 1 });
  saveFrame(core, run, frame);
  const retries = plan.counts.reduce((sum, n) => sum + n, 0);
  const details = JSON.stringify({ error: error.error, retry: retries, wakeAt: wake });
  core.record(run, `${state.Type}RetryScheduled`, frame.path, frame.state, details);
  return undefined;
}

export type Ending = { output: string } | { error: string; cause: string };

/** Ends the execution. The frames that still live are aborted first, where there are any. */
export function finish(
  core: Core,
  run: Run,
  status: 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT',
  how: Ending,
): void {
  const output = 'output' in how ? how.output : null;
  const [error, cause] = 'output' in how ? [null, null] : [how.error, how.cause];
  const type = { SUCCEEDED: 'Succeeded', FAILED: 'Failed', ABORTED: 'Aborted', TIMED_OUT: 'TimedOut' }[status];
  const details = 'output' in how ? outputDetails(how.output) : JSON.stringify(how);
  core.record(run, `Execution${type}`, '', undefined, details);
  core.db.run(
    'UPDATE execution SET status=?, output=?, error=?, cause=?, ended=?, deadline=NULL, events=? WHERE num=?',
    status,
    output,
    error,
    cause,
    core.host.clock.now(),
    run.seq,
    run.num,
  );
  core.ended(run);
}

/** Ends an execution from outside: stopped, or its time is over. */
export function cutOff(core: Core, run: Run, status: 'ABORTED' | 'TIMED_OUT', error: string, cause: string): void {
  const root = core.db.get<Frame>("SELECT * FROM frame WHERE exec = ? AND path = ''", run.num);
  if (root) abortFrame(core, run, root);
  finish(core, run, status, { error, cause });
}
