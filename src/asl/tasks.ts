/**
 * What is in flight outside of the database: attempts of tasks, reading of items, writing of results. Results come back through a queue
 * that the pump empties within its transactions, so a result that cannot be stored now (a full disk) waits.
 *
 * Limits of an attempt are stored as points in time when it starts. When the engine ends meanwhile, the attempt runs again under the same
 * key and with what is left of TimeoutSeconds; when that is over it has timed out. A heartbeat is expected anew from the second start on,
 * as nobody could hear one in between.
 */
import type { TaskCall } from './api.ts';
import { contextOf } from './context.ts';
import type { Core, Frame, SideWork } from './core.ts';
import { frameById, retryCount, saveFrame, stateOf, visitOf } from './core.ts';
import { dataText, pathStep } from './document.ts';
import { errorDetails } from './history.ts';
import { readItems } from './items.ts';
import { writeResults } from './results.ts';
import { failed, itemsRead, resultsWritten, succeeded } from './steps.ts';
import { evaluate } from './template.ts';
import { asStatesError, asTaskError, effectiveInput, planTask } from './transitions.ts';
import type { Json, MapState, TaskState } from './types.ts';
import { StatesError } from './types.ts';

type Outcome = { ok: true; value: Json } | { ok: false; error: StatesError };

interface Live {
  kind: 'task' | 'fill' | 'write';
  /** At the end of its execution. */
  last: boolean;
  controller: AbortController;
  /** When the attempt is given up, and when the next heartbeat is due. */
  deadline: number | null;
  heartbeatMs: number | undefined;
  beat: number | null;
  /** The heartbeat as stored. */
  storedBeat: number | null;
}

export interface Attempts {
  /** Attempts of tasks in flight. */
  count(): number;
  /** Starts the attempt of a QUEUED frame, within a transaction; it runs after the commit. */
  start(frame: Frame): void;
  launch(work: SideWork): void;
  abort(frame: number): void;
  abortAll(): void;
  /** Takes at most `limit` results within a transaction; returns how many, and how many attempts of tasks end by that. */
  take(limit: number): { results: number; tasks: number };
  /** Results there are. */
  waiting(): number;
  /** Whether one of the next `limit` results is likely to end an execution. */
  ending(limit: number): boolean;
  /** The stored time of a RUNNING frame has come: times it out, or stores a later time. */
  due(frame: Frame): void;
  /** Stores heartbeats, within a transaction. */
  storeBeats(): void;
  /** Resolves when nothing is in flight and no result waits. */
  idle(): Promise<void>;
}

export function attempts(core: Core, wakePump: () => void): Attempts {
  const live = new Map<number, Live>();
  const results: { frame: number; of: Live; outcome: Outcome }[] = [];
  const beaten = new Set<number>();
  let tasks = 0;
  let idlers: (() => void)[] = [];

  function add(frame: number, of: Live): void {
    remove(frame);
    live.set(frame, of);
    if (of.kind === 'task') tasks++;
  }
  function remove(frame: number, only?: Live): void {
    const of = live.get(frame);
    if (!of || (only && of !== only)) return;
    live.delete(frame);
    beaten.delete(frame);
    if (of.kind === 'task') tasks--;
    if (live.size === 0) {
      for (const tell of idlers) tell();
      idlers = [];
    }
  }
  function abort(frame: number): void {
    const of = live.get(frame);
    remove(frame);
    of?.controller.abort(new StatesError('States.TaskAborted', 'the attempt is over'));
  }
  function run(frame: number, of: Live, work: () => Promise<Json>): void {
    add(frame, of);
    const put = (outcome: Outcome) => {
      results.push({ frame, of, outcome });
      wakePump();
    };
    // A host that throws at once is treated as one that rejects. Through text, so that what goes on is what a restart would read.
    Promise.resolve()
      .then(work)
      .then((value) => JSON.parse(dataText(value, 'the result of the task')) as Json)
      .then(
        (value) => put({ ok: true, value }),
        (e: unknown) => put({ ok: false, error: of.kind === 'task' ? asTaskError(e) : asStatesError(e) }),
      );
  }

  function start(frame: Frame): void {
    const run_ = core.run(frame.exec);
    const now = core.host.clock.now();
    if (frame.deadline !== null && frame.deadline <= now) {
      timedOut(frame, 'States.Timeout');
      return;
    }
    let call: Omit<TaskCall, 'signal' | 'heartbeat'>;
    let plan: ReturnType<typeof planTask>;
    const state = stateOf(run_, frame) as TaskState;
    try {
      plan = planTask(state, JSON.parse(frame.input) as Json, contextOf(core, run_, frame));
      dataText(plan.parameters, `the parameters of ${frame.state}`);
      const key = `${run_.id}${frame.path}/${pathStep(frame.state)}#${visitOf(frame)}`;
      const { id: execution, pipeline } = run_;
      const at = { path: frame.path, state: frame.state, attempt: retryCount(frame) + 1 };
      call = { resource: state.Resource, parameters: plan.parameters, key, execution, pipeline, ...at };
    } catch (e) {
      const error = asStatesError(e);
      core.record(run_, 'TaskStateFailed', frame.path, frame.state, errorDetails(error));
      failed(core, frame, error);
      return;
    }
    frame.deadline ??= plan.timeoutMs === undefined ? null : now + plan.timeoutMs;
    const beat = plan.heartbeatMs === undefined ? null : now + plan.heartbeatMs;
    frame.status = 'RUNNING';
    frame.wake = earliest(frame.deadline, beat);
    saveFrame(core, run_, frame);
    const details = JSON.stringify({ attempt: call.attempt, key: call.key, resource: call.resource });
    core.record(run_, 'TaskStarted', frame.path, frame.state, details);
    const controller = new AbortController();
    const { heartbeatMs } = plan;
    const last = frame.parent === null && state.End === true;
    const of: Live = { kind: 'task', last, controller, deadline: frame.deadline, heartbeatMs, beat, storedBeat: beat };
    const heartbeat = () => {
      if (of.heartbeatMs === undefined || live.get(frame.id) !== of) return;
      of.beat = core.host.clock.now() + of.heartbeatMs;
      // A tenth of the interval more or less does not pay a write.
      if (of.beat - (of.storedBeat ?? 0) < of.heartbeatMs / 10) return;
      beaten.add(frame.id);
      wakePump();
    };
    core.after(() => run(frame.id, of, () => core.host.runTask({ ...call, signal: controller.signal, heartbeat })));
  }

  function timedOut(frame: Frame, name: 'States.Timeout' | 'States.HeartbeatTimeout'): void {
    const what =
      name === 'States.Timeout'
        ? 'the attempt took longer than TimeoutSeconds'
        : 'no heartbeat within HeartbeatSeconds';
    const error = new StatesError(name, what);
    const details = errorDetails(error, { attempt: retryCount(frame) + 1 });
    core.record(core.run(frame.exec), 'TaskTimedOut', frame.path, frame.state, details);
    core.after(() => abort(frame.id));
    failed(core, frame, error);
  }

  function due(frame: Frame): void {
    const now = core.host.clock.now();
    const of = live.get(frame.id);
    // Without a live attempt it waits in the queue for its second start.
    const deadline = of ? of.deadline : frame.deadline;
    if (deadline !== null && deadline <= now) timedOut(frame, 'States.Timeout');
    else if (of?.beat != null && of.beat <= now) timedOut(frame, 'States.HeartbeatTimeout');
    else {
      const at = earliest(deadline, of?.beat ?? null);
      core.db.run('UPDATE frame SET wake = ? WHERE id = ?', at, frame.id);
      if (at !== null) core.due(at);
      if (of) of.storedBeat = of.beat;
    }
  }

  function launch({ kind, frame: id }: SideWork): void {
    const controller = new AbortController();
    const of: Live = {
      kind,
      last: false,
      controller,
      deadline: null,
      heartbeatMs: undefined,
      beat: null,
      storedBeat: null,
    };
    run(id, of, async () => {
      const frame = frameById(core, id)!;
      const run_ = core.run(frame.exec);
      const state = stateOf(run_, frame) as MapState;
      const context = contextOf(core, run_, frame);
      const input = effectiveInput(state, JSON.parse(frame.input) as Json, context);
      const given = (kind === 'fill' ? state.ItemReader : state.ResultWriter)?.Parameters;
      const parameters = given === undefined ? {} : evaluate(given, input, context);
      const alive = () => live.get(id) === of;
      if (kind === 'fill') return readItems(core, frame, state, parameters, alive);
      return writeResults(core, run_, frame, state, parameters, alive);
    });
  }

  function settle(frame: Frame, kind: Live['kind'], outcome: Outcome): void {
    if (kind === 'task') settleTask(frame, outcome);
    else if (!outcome.ok) {
      const type = kind === 'fill' ? 'MapStateFailed' : 'MapRunFailed';
      core.record(core.run(frame.exec), type, frame.path, frame.state, errorDetails(outcome.error));
      failed(core, frame, outcome.error);
    } else if (kind === 'fill') itemsRead(core, frame, outcome.value as number);
    else resultsWritten(core, frame, outcome.value);
  }

  function settleTask(frame: Frame, outcome: Outcome): void {
    const attempt = retryCount(frame) + 1;
    const tell = (type: string, details: string) =>
      core.record(core.run(frame.exec), type, frame.path, frame.state, details);
    if (outcome.ok) {
      tell('TaskSucceeded', `{"attempt":${attempt}}`);
      succeeded(core, frame, outcome.value);
      return;
    }
    const { error } = outcome;
    tell(error.error === 'States.Timeout' ? 'TaskTimedOut' : 'TaskFailed', errorDetails(error, { attempt }));
    failed(core, frame, error);
  }

  return {
    count: () => tasks,
    start,
    launch,
    abort,
    abortAll() {
      for (const frame of [...live.keys()]) abort(frame);
    },
    take(limit) {
      const batch = results.slice(0, limit);
      let ended = 0;
      // One by one, as one may end the execution of another.
      for (const { frame: id, of, outcome } of batch) {
        if (live.get(id) !== of) continue;
        const frame = frameById(core, id);
        const status = { task: 'RUNNING', fill: 'FILLING', write: 'WRITING' }[of.kind];
        core.after(() => remove(id, of));
        if (of.kind === 'task') ended++;
        if (frame?.status === status) settle(frame, of.kind, outcome);
      }
      core.after(() => void results.splice(0, batch.length));
      return { results: batch.length, tasks: ended };
    },
    waiting: () => results.length,
    ending: (limit) => results.slice(0, limit).some((result) => result.of.last),
    due,
    storeBeats() {
      for (const id of beaten) {
        const of = live.get(id);
        if (!of) continue;
        core.db.run(
          "UPDATE frame SET wake = ? WHERE id = ? AND status = 'RUNNING'",
          earliest(of.deadline, of.beat),
          id,
        );
        of.storedBeat = of.beat;
      }
      core.after(() => beaten.clear());
    },
    idle: () => (live.size === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve))),
  };
}

function earliest(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b);
}
