/**
 * The transitions of frames. Each function runs within one transaction of the caller and either writes a frame with all events of its
 * transitions or, when it throws, nothing. A chain of states that need no one else (Pass, Choice, Succeed, the end of a child, the join
 * of its parent) is walked in one go.
 */
import {
  abortChildren,
  dropChildren,
  fanOf,
  fill,
  firstStatus,
  isComplete,
  openFan,
  type Plan,
  revive,
} from './children.ts';
import { contextOf } from './context.ts';
import type { Core, Fan, Frame, Run } from './core.ts';
import { frameById, retriesOf, saveFrame, stateIfKnown, stateOf } from './core.ts';
import { isDatabaseError } from './database.ts';
import { dataText, isDistributed, MAX_DATA_BYTES } from './document.ts';
import { finish, scheduleRetry } from './endings.ts';
import { errorDetails, outputDetails, recordEntered } from './history.ts';
import { inlineItems } from './items.ts';
import { mapRunArn } from './results.ts';
import {
  asStatesError,
  concurrencyOf,
  decide,
  effectiveInput,
  type FailurePlan,
  planFailure,
  toleratedOf,
  withResult,
} from './transitions.ts';
import type { Json, MapState, State } from './types.ts';
import { StatesError } from './types.ts';

/** Transitions in one transaction; a loop of Pass states must let others have their turn. */
const CHAIN = 100;

/** A frame that can go on at once, in memory only; undefined when it has been saved as something else. */
type Going = Frame | undefined;

/** Goes on with a READY frame, or one whose time has come. */
export function advance(core: Core, frame: Frame): void {
  walk(core, step(core, frame));
}

/** Goes on after a task has succeeded with `result`. */
export function succeeded(core: Core, frame: Frame, result: Json): void {
  const run = core.run(frame.exec);
  walk(
    core,
    attempt(core, run, frame, (state) => leave(core, run, frame, state, result)),
  );
}

/** Goes on after something that a frame had in flight has failed. */
export function failed(core: Core, frame: Frame, error: StatesError): void {
  walk(core, fail(core, core.run(frame.exec), frame, error, false));
}

/** Starts the children of a distributed Map whose items are in the table. */
export function itemsRead(core: Core, frame: Frame, total: number): void {
  const run = core.run(frame.exec);
  walk(
    core,
    attempt(core, run, frame, (state) => startMap(core, run, frame, state as MapState, total)),
  );
}

/** Brings the failed or aborted root of an execution back. */
export function bringBack(core: Core, frame: Frame): void {
  const run = core.run(frame.exec);
  walk(
    core,
    attempt(core, run, frame, () => {
      revive(core, run, frame);
      return undefined;
    }),
  );
}

function walk(core: Core, start: Going): void {
  let frame = start;
  for (let n = 0; frame; n++) {
    if (n >= CHAIN || core.paused.has(core.run(frame.exec).pipeline)) {
      frame.status = 'READY';
      saveFrame(core, core.run(frame.exec), frame);
      return;
    }
    frame = step(core, frame);
  }
}

/** `work` with its errors as failures of the state. */
function attempt(core: Core, run: Run, frame: Frame, work: (state: State) => Going): Going {
  try {
    return work(stateOf(run, frame));
  } catch (e) {
    if (isDatabaseError(e)) throw e;
    return fail(core, run, frame, asStatesError(e), true);
  }
}

function step(core: Core, frame: Frame): Going {
  const run = core.run(frame.exec);
  return attempt(core, run, frame, (state) => {
    const raw = JSON.parse(frame.input) as Json;
    const now = core.host.clock.now();
    switch (state.Type) {
      case 'Task':
        frame.status = 'QUEUED';
        frame.wake = frame.deadline;
        saveFrame(core, run, frame);
        return undefined;
      case 'Parallel':
      case 'Map':
        return enterFan(core, run, frame, state, raw);
      default: {
        const waited = state.Type === 'Wait' && frame.wake !== null && frame.wake <= now;
        const d = decide(state, raw, contextOf(core, run, frame), now, waited);
        if (d.kind === 'go') return move(core, run, frame, state, d.output, d.next);
        frame.status = 'SLEEPING';
        frame.wake = d.until;
        saveFrame(core, run, frame);
        core.record(run, 'WaitScheduled', frame.path, frame.state, `{"wakeAt":${d.until}}`);
        return undefined;
      }
    }
  });
}

/** The state has its result. */
function leave(core: Core, run: Run, frame: Frame, state: State, result: Json): Going {
  const output = withResult(state as MapState, JSON.parse(frame.input) as Json, result, contextOf(core, run, frame));
  return move(core, run, frame, state, output, (state as MapState).Next);
}

/** Exits a state and enters `next`, or ends the frame. */
function move(core: Core, run: Run, frame: Frame, state: State, output: Json, next?: string, caught?: string): Going {
  const text = dataText(output, `the output of ${frame.state}`);
  const following = next === undefined ? undefined : stateOf(run, { scope: frame.scope, state: next });
  core.record(run, `${state.Type}StateExited`, frame.path, frame.state, outputDetails(text, caught));
  frame.wake = null;
  frame.deadline = null;
  frame.retries = null;
  if (next === undefined || !following) return end(core, run, frame, text);
  const visits = JSON.parse(frame.visits) as Record<string, number>;
  const before = Object.hasOwn(visits, next) ? visits[next] : undefined;
  frame.visits = JSON.stringify({ ...visits, [next]: (before ?? -1) + 1 });
  frame.state = next;
  frame.input = text;
  frame.entered = core.host.clock.now();
  recordEntered(core, run, frame.path, next, following, text);
  frame.status = firstStatus(following);
  if (frame.status === 'READY') return frame;
  saveFrame(core, run, frame);
  return undefined;
}

function end(core: Core, run: Run, frame: Frame, output: string): Going {
  if (frame.parent === null) {
    core.db.run('DELETE FROM frame WHERE exec = ?', run.num);
    finish(core, run, 'SUCCEEDED', { output });
    return undefined;
  }
  frame.status = 'DONE';
  frame.output = output;
  // Not read any more; a hundred thousand of them are a lot.
  frame.input = '';
  saveFrame(core, run, frame);
  const parent = frameById(core, frame.parent)!;
  if (stateOf(run, parent).Type === 'Map')
    core.record(run, 'MapIterationSucceeded', frame.path, parent.state, `{"index":${frame.idx}}`);
  const fan = fanOf(core, parent.id)!;
  fan.done++;
  return childEnded(core, run, parent, fan);
}

function childEnded(core: Core, run: Run, parent: Frame, fan: Fan): Going {
  fan.active--;
  return attempt(core, run, parent, (state) => {
    fill(core, run, parent, fan);
    return isComplete(fan) ? join(core, run, parent, state) : undefined;
  });
}

function enterFan(core: Core, run: Run, frame: Frame, state: State, raw: Json): Going {
  const fan = fanOf(core, frame.id);
  if (fan) return isComplete(fan) ? join(core, run, frame, state) : undefined;
  if (state.Type === 'Parallel') {
    const total = state.Branches.length;
    core.record(run, 'ParallelStateStarted', frame.path, frame.state, `{"length":${total}}`);
    return started(core, run, frame, state, { total, max: total, tolerated: 0 });
  }
  if (state.Type !== 'Map') return undefined;
  if (state.ItemReader) {
    if (!isDistributed(state)) throw new StatesError('States.Runtime', 'ItemReader needs a distributed Map');
    frame.status = 'FILLING';
    saveFrame(core, run, frame);
    core.launch({ kind: 'fill', frame: frame.id });
    return undefined;
  }
  const input = effectiveInput(state, raw, contextOf(core, run, frame));
  return startMap(core, run, frame, state, inlineItems(core, frame, state, input, contextOf(core, run, frame)));
}

function startMap(core: Core, run: Run, frame: Frame, state: MapState, total: number): Going {
  const distributed = isDistributed(state);
  const context = contextOf(core, run, frame);
  const input = effectiveInput(state, JSON.parse(frame.input) as Json, context);
  const max = concurrencyOf(state, distributed, input, context);
  const details = distributed ? { mapRunArn: mapRunArn(run, frame, state), length: total } : { length: total };
  core.record(run, distributed ? 'MapRunStarted' : 'MapStateStarted', frame.path, frame.state, JSON.stringify(details));
  return started(core, run, frame, state, { total, max, tolerated: toleratedOf(state, distributed, total) });
}

function started(core: Core, run: Run, frame: Frame, state: State, plan: Plan): Going {
  const fan = openFan(core, run, frame, plan);
  return isComplete(fan) ? join(core, run, frame, state) : undefined;
}

/** All children have ended, few enough of them badly. */
function join(core: Core, run: Run, frame: Frame, state: State): Going {
  if (state.Type === 'Map' && state.ResultWriter) {
    frame.status = 'WRITING';
    saveFrame(core, run, frame);
    core.launch({ kind: 'write', frame: frame.id });
    return undefined;
  }
  const { bytes } = core.db.get<{ bytes: number }>(
    "SELECT coalesce(sum(octet_length(output) + 1), 0) AS bytes FROM frame WHERE parent = ? AND status = 'DONE'",
    frame.id,
  )!;
  if (bytes > MAX_DATA_BYTES)
    throw new StatesError('States.DataLimitExceeded', `the results are larger than ${MAX_DATA_BYTES} bytes`);
  const rows = core.db.all<{ output: string }>(
    "SELECT output FROM frame WHERE parent = ? AND status = 'DONE' ORDER BY idx",
    frame.id,
  );
  return joined(core, run, frame, state, JSON.parse(`[${rows.map((r) => r.output).join(',')}]`) as Json);
}

function joined(core: Core, run: Run, frame: Frame, state: State, result: Json): Going {
  const type = isDistributed(state) ? 'MapRunSucceeded' : `${state.Type}StateSucceeded`;
  const output = withResult(state as MapState, JSON.parse(frame.input) as Json, result, contextOf(core, run, frame));
  dataText(output, `the output of ${frame.state}`);
  core.record(run, type, frame.path, frame.state);
  dropChildren(core, frame.id);
  return move(core, run, frame, state, output, (state as MapState).Next);
}

/** The results of a distributed Map are stored. */
export function resultsWritten(core: Core, frame: Frame, result: Json): void {
  const run = core.run(frame.exec);
  walk(
    core,
    attempt(core, run, frame, (state) => joined(core, run, frame, state, result)),
  );
}

/**
 * Retry, Catch, or failure of the frame and then of its parent. `tell`: the history does not know of the error yet.
 */
function fail(core: Core, run: Run, from: Frame, cause: StatesError, tell: boolean): Going {
  let frame = from;
  let error = cause;
  for (let known = !tell; ; known = false) {
    const state = stateIfKnown(run, frame);
    if (state && !known && state.Type !== 'Fail') {
      const type = isDistributed(state) && fanOf(core, frame.id) ? 'MapRunFailed' : `${state.Type}StateFailed`;
      core.record(run, type, frame.path, frame.state, errorDetails(error));
    }
    const random = core.host.random ?? Math.random;
    const plan: FailurePlan = state
      ? planFailure(state, JSON.parse(frame.input) as Json, error, retriesOf(frame), random)
      : { kind: 'fail' };
    if (plan.kind === 'fail') error = plan.error ?? error;
    else if (state) {
      abortChildren(core, run, frame);
      dropChildren(core, frame.id);
      if (plan.kind === 'retry') return scheduleRetry(core, run, frame, state, error, plan);
      try {
        return move(core, run, frame, state, plan.output, plan.next, error.error);
      } catch (e) {
        if (isDatabaseError(e)) throw e;
        error = asStatesError(e);
      }
    }
    abortChildren(core, run, frame);
    frame.status = 'FAILED';
    frame.output = JSON.stringify({ Error: error.error, Cause: error.causeText });
    frame.wake = null;
    frame.deadline = null;
    saveFrame(core, run, frame);
    if (frame.parent === null) {
      finish(core, run, 'FAILED', { error: error.error, cause: error.causeText });
      return undefined;
    }
    const parent = frameById(core, frame.parent)!;
    const above = stateOf(run, parent);
    const type = above.Type === 'Map' ? 'MapIterationFailed' : 'ParallelBranchFailed';
    core.record(run, type, frame.path, parent.state, errorDetails(error, { index: frame.idx }));
    const fan = fanOf(core, parent.id)!;
    fan.failed++;
    if (fan.failed <= fan.tolerated) return childEnded(core, run, parent, fan);
    fan.active--;
    core.db.run('UPDATE fan SET failed = ?, active = ? WHERE frame = ?', fan.failed, fan.active, fan.frame);
    if (isDistributed(above))
      error = new StatesError(
        'States.ExceedToleratedFailureThreshold',
        `${fan.failed} of ${fan.total} items failed; the last: ${error.error}: ${error.causeText}`.slice(0, 32_768),
      );
    frame = parent;
  }
}
