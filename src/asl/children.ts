/**
 * Children of Parallel and Map: spawning within MaxConcurrency, counting, aborting, removing. A child that ends costs the same however
 * many there are: the counters of its parent's `fan` say whether to spawn or to join. Everything runs within the caller's transaction.
 */
import { contextOf } from './context.ts';
import type { Core, Fan, Frame, Run } from './core.ts';
import { frameById, processorOf, saveFrame, stateOf, visitOf } from './core.ts';
import { dataText, isDistributed, pathStep, scopeOf } from './document.ts';
import { recordEntered } from './history.ts';
import { evaluate } from './template.ts';
import { branchInput, effectiveInput } from './transitions.ts';
import type { Json, MapState, ParallelState, State } from './types.ts';

export interface Plan {
  total: number;
  max: number;
  tolerated: number;
}

export const childPath = (frame: Frame, idx: number): string =>
  `${frame.path}/${pathStep(frame.state)}#${visitOf(frame)}/${idx}`;

/** Makes the frame a parent of `total` children and starts the first. Throws `StatesError` when an item cannot be selected. */
export function openFan(core: Core, run: Run, frame: Frame, plan: Plan): Fan {
  core.db.run(
    'INSERT INTO fan(frame, parent, total, max, tolerated) VALUES(?,?,?,?,?)',
    frame.id,
    frame.parent,
    plan.total,
    plan.max,
    plan.tolerated,
  );
  frame.status = 'JOINING';
  frame.wake = null;
  saveFrame(core, run, frame);
  const fan: Fan = { frame: frame.id, ...plan, next: 0, pending: 0, active: 0, done: 0, failed: 0 };
  fill(core, run, frame, fan);
  return fan;
}

export const fanOf = (core: Core, frame: number): Fan | undefined =>
  core.db.get<Fan>('SELECT * FROM fan WHERE frame = ?', frame);

export const isComplete = (fan: Fan): boolean => fan.done + fan.failed >= fan.total;

export function saveFan(core: Core, fan: Fan): void {
  core.db.run(
    'UPDATE fan SET next=?, pending=?, active=?, done=?, failed=? WHERE frame=?',
    fan.next,
    fan.pending,
    fan.active,
    fan.done,
    fan.failed,
    fan.frame,
  );
}

/** Starts children while there is room: first those that a redrive brings back, then new ones. */
export function fill(core: Core, run: Run, frame: Frame, fan: Fan): void {
  if (fan.active >= fan.max || (fan.pending === 0 && fan.next >= fan.total)) {
    saveFan(core, fan);
    return;
  }
  try {
    const state = stateOf(run, frame) as ParallelState | MapState;
    const spawn = spawner(core, run, frame, state);
    while (fan.active < fan.max && fan.pending > 0) {
      const child = core.db.get<Frame>(
        "SELECT * FROM frame WHERE parent = ? AND status = 'PENDING' ORDER BY idx LIMIT 1",
        frame.id,
      )!;
      fan.pending--;
      fan.active++;
      revive(core, run, child);
    }
    while (fan.active < fan.max && fan.next < fan.total) {
      spawn(fan.next);
      fan.next++;
      fan.active++;
    }
  } finally {
    // Also when an item cannot be selected: those before it are there.
    saveFan(core, fan);
  }
}

function spawner(core: Core, run: Run, frame: Frame, state: ParallelState | MapState): (idx: number) => void {
  const raw = JSON.parse(frame.input) as Json;
  const now = core.host.clock.now();
  const own = isDistributed(state);
  let shared: string | undefined;
  let input: Json | undefined;

  function inputOf(idx: number): string {
    if (state.Type === 'Parallel') {
      shared ??= dataText(branchInput(state, raw, contextOf(core, run, frame)), 'the input of the branches');
      return shared;
    }
    const item = core.db.get<{ first: number; input: string }>(
      'SELECT first, input FROM item WHERE frame = ? AND idx = ?',
      frame.id,
      idx,
    )!;
    input ??= effectiveInput(state, raw, contextOf(core, run, frame));
    const select = (value: Json, index: number): Json =>
      state.ItemSelector === undefined
        ? value
        : evaluate(state.ItemSelector, input!, contextOf(core, run, frame, { Index: index, Value: value }));
    const value = JSON.parse(item.input) as Json;
    const { ItemBatcher: batcher } = state;
    if (!batcher) return dataText(select(value, item.first), `item ${idx}`);
    const batch: { [key: string]: Json } = {};
    if (batcher.BatchInput !== undefined)
      batch['BatchInput'] = evaluate(batcher.BatchInput, input, contextOf(core, run, frame));
    batch['Items'] = (value as Json[]).map((v, i) => select(v, item.first + i));
    return dataText(batch, `batch ${idx}`);
  }

  return (idx) => {
    const text = inputOf(idx);
    const scope = scopeOf(frame.scope, frame.state, state.Type === 'Parallel' ? idx : undefined);
    const start = processorOf(run, scope).StartAt;
    const path = childPath(frame, idx);
    const first = { scope, state: start };
    const status = firstStatus(stateOf(run, first));
    core.db.run(
      'INSERT INTO frame(exec, path, parent, idx, scope, owner, origin, started, state, status, held, input, entered, visits) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?)',
      run.num,
      path,
      frame.id,
      idx,
      scope,
      frame.origin !== null ? frame.id : frame.owner,
      own ? text : null,
      now,
      start,
      status,
      core.paused.has(run.pipeline) ? 1 : 0,
      text,
      now,
      JSON.stringify({ [start]: 0 }),
    );
    if (state.Type === 'Map') core.record(run, 'MapIterationStarted', path, frame.state, `{"index":${idx}}`);
    recordEntered(core, run, path, start, stateOf(run, first), text);
    if (state.Type === 'Map') core.db.run('DELETE FROM item WHERE frame = ? AND idx = ?', frame.id, idx);
    core.readied();
  };
}

/** Where a frame begins at a state: a Task waits for a place, all else can go on at once. */
export const firstStatus = (state: State): 'QUEUED' | 'READY' => (state.Type === 'Task' ? 'QUEUED' : 'READY');

/**
 * Brings a failed or aborted frame back to where it was, its retries forgotten; what has finished below it stays. A Wait keeps its time.
 */
export function revive(core: Core, run: Run, frame: Frame): void {
  const state = stateOf(run, frame);
  frame.output = null;
  frame.retries = null;
  frame.deadline = null;
  const fan = fanOf(core, frame.id);
  if (!fan) {
    frame.status = state.Type === 'Wait' && frame.wake !== null ? 'SLEEPING' : firstStatus(state);
    if (frame.status !== 'SLEEPING') frame.wake = null;
    saveFrame(core, run, frame);
    return;
  }
  frame.wake = null;
  fan.active = 0;
  fan.failed = 0;
  fan.pending = core.db.run(
    "UPDATE frame SET status = 'PENDING' WHERE parent = ? AND status IN ('FAILED', 'ABORTED', 'PENDING')",
    frame.id,
  );
  // A READY frame whose children are all there joins.
  frame.status = isComplete(fan) ? 'READY' : 'JOINING';
  saveFrame(core, run, frame);
  fill(core, run, frame, fan);
}

/** Ends what lives below a frame, and tells it in the history. The frames stay for a redrive. */
export function abortChildren(core: Core, run: Run, frame: Frame): void {
  if (!fanOf(core, frame.id)) return;
  const state = stateOf(run, frame);
  const live = core.db.all<{ id: number }>(
    "SELECT id FROM frame WHERE parent = ? AND status NOT IN ('DONE', 'FAILED', 'ABORTED', 'PENDING') ORDER BY idx",
    frame.id,
  );
  for (const { id } of live) {
    const child = frameById(core, id)!;
    abortFrame(core, run, child);
    const type = state.Type === 'Map' ? 'MapIterationAborted' : 'ParallelBranchAborted';
    core.record(run, type, child.path, frame.state, `{"index":${child.idx}}`);
  }
}

export function abortFrame(core: Core, run: Run, frame: Frame): void {
  abortChildren(core, run, frame);
  core.abort(frame.id);
  const state = stateOf(run, frame);
  core.record(run, `${state.Type}StateAborted`, frame.path, frame.state);
  if (frame.status === 'FILLING') core.db.run('DELETE FROM item WHERE frame = ?', frame.id);
  frame.status = 'ABORTED';
  frame.deadline = null;
  // The time of a Wait is kept for a redrive; `held` keeps it out of the index of those to wake.
  if (state.Type !== 'Wait') frame.wake = null;
  saveFrame(core, run, frame);
  core.db.run('UPDATE frame SET held = 1 WHERE id = ?', frame.id);
}

/** Removes everything below a frame. */
export function dropChildren(core: Core, frame: number): void {
  for (const { frame: inner } of core.db.all<{ frame: number }>('SELECT frame FROM fan WHERE parent = ?', frame))
    dropChildren(core, inner);
  core.db.run('DELETE FROM frame WHERE parent = ?', frame);
  core.db.run('DELETE FROM item WHERE frame = ?', frame);
  core.db.run('DELETE FROM fan WHERE frame = ?', frame);
}
