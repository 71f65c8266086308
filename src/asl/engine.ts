/** The interpreter: durable executions of state machines in one SQLite file. */
import type { Engine, EngineOptions, Execution, StartRequest } from './api.ts';
import { firstStatus } from './children.ts';
import { type Frame, type Run, stateOf } from './core.ts';
import { type Database, openDatabase } from './database.ts';
import { canonical, checkDocument, hashOf, MAX_DATA_BYTES, ROOT_SCOPE } from './document.ts';
import { cutOff } from './endings.ts';
import { EngineError } from './errors.ts';
import { inputDetails, recordEntered } from './history.ts';
import { lockFile } from './lock.ts';
import { type Pump, startPump } from './pump.ts';
import * as queries from './queries.ts';
import { recover } from './recover.ts';
import { bringBack } from './steps.ts';

const MAX_IN_FLIGHT = 64;
const PRUNE_AT_ONCE = 100;

/** Opens the file, which is made if it is not there, and continues what was running. Errors: `EngineBusy`; those of SQLite. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const release = await lockFile(options.file);
  try {
    const db = await openDatabase(options.file);
    return makeEngine(db, options, release);
  } catch (e) {
    release();
    throw e;
  }
}

interface Waiter {
  resolve(execution: Execution): void;
  reject(e: unknown): void;
}

function makeEngine(db: Database, options: EngineOptions, release: () => void): Engine {
  const waiters = new Map<string, Set<Waiter>>();
  let closing: Promise<void> | undefined;
  let closed = false;
  const maxInFlight = options.maxInFlight ?? MAX_IN_FLIGHT;
  const pump = startPump({ db, host: options, maxInFlight, onEnded: tellWaiters });
  const { core } = pump;
  pump.forgetEvents(-queries.countEvents(db));
  pump.change(() => recover(core));

  function tellWaiters(run: Run): void {
    const those = waiters.get(run.id);
    if (!those) return;
    waiters.delete(run.id);
    const execution = queries.toExecution(queries.executionRow(db, run.id)!);
    for (const waiter of those) waiter.resolve(execution);
  }

  function open(): void {
    if (closed) throw new EngineError('EngineClosed', 'the engine is closed');
  }

  function rowOf(id: string): queries.ExecutionRow {
    open();
    const row = queries.executionRow(db, id);
    if (!row) throw new EngineError('ExecutionDoesNotExist', `there is no execution ${id}`);
    return row;
  }

  function hold(pipeline: string, held: 0 | 1): void {
    db.run(
      `UPDATE frame SET held = ? WHERE status IN ('READY', 'QUEUED', 'SLEEPING') AND status NOT IN ('DONE', 'FAILED', 'ABORTED')
       AND exec IN (SELECT num FROM execution WHERE pipeline = ? AND status = 'RUNNING')`,
      held,
      pipeline,
    );
  }

  return {
    start(request) {
      open();
      return start(db, pump, request);
    },
    get(id) {
      open();
      const row = queries.executionRow(db, id);
      return row && queries.toExecution(row);
    },
    definition(hash) {
      open();
      return queries.definition(db, hash);
    },
    list(request) {
      open();
      return queries.list(db, request);
    },
    history(id, range) {
      open();
      return queries.history(db, id, range);
    },
    current(id) {
      open();
      return queries.current(db, id);
    },
    async wait(id, signal) {
      const row = rowOf(id);
      if (row.status !== 'RUNNING') return queries.toExecution(row);
      signal?.throwIfAborted();
      return new Promise((resolve, reject) => {
        const those = waiters.get(id) ?? new Set();
        const leave = () => {
          those.delete(waiter);
          reject(signal?.reason);
        };
        const quiet = () => signal?.removeEventListener('abort', leave);
        const waiter: Waiter = {
          resolve(execution) {
            quiet();
            resolve(execution);
          },
          reject(e) {
            quiet();
            reject(e);
          },
        };
        waiters.set(id, those.add(waiter));
        signal?.addEventListener('abort', leave, { once: true });
      });
    },
    stop(id, error = 'Stopped', cause = '') {
      const row = rowOf(id);
      if (row.status !== 'RUNNING') return;
      pump.change(() => cutOff(core, core.run(row.num), 'ABORTED', error, cause));
    },
    redrive(id) {
      const row = rowOf(id);
      if (row.status === 'RUNNING' || row.status === 'SUCCEEDED')
        throw new EngineError('NotRedrivable', `execution ${id} is ${row.status}`);
      pump.change(() => redrive(db, pump, row));
      return queries.toExecution(rowOf(id));
    },
    pause(pipeline) {
      open();
      if (core.paused.has(pipeline)) return;
      pump.change(() => {
        db.run('INSERT INTO paused VALUES(?)', pipeline);
        hold(pipeline, 1);
        core.after(() => core.paused.add(pipeline));
      });
    },
    resume(pipeline) {
      open();
      if (!core.paused.has(pipeline)) return;
      pump.change(() => {
        db.run('DELETE FROM paused WHERE pipeline = ?', pipeline);
        hold(pipeline, 0);
        core.after(() => core.paused.delete(pipeline));
      });
    },
    paused: () => [...core.paused].sort(),
    stats() {
      open();
      return { ...queries.frameCounts(db), inFlight: pump.attempts.count(), events: pump.events() };
    },
    prune(endedBefore) {
      open();
      let removed = 0;
      for (;;) {
        const old = queries.prunable(db, endedBefore, PRUNE_AT_ONCE);
        if (old.length === 0) break;
        db.transaction(() => {
          for (const { num } of old) queries.removeExecution(db, num);
        });
        for (const { events } of old) pump.forgetEvents(events);
        removed += old.length;
      }
      if (removed > 0) db.transaction(() => queries.removeUnusedDefinitions(db));
      return removed;
    },
    close(graceMs = 0) {
      closing ??= close(graceMs);
      return closing;
    },
  };

  async function close(graceMs: number): Promise<void> {
    pump.drain();
    if (graceMs > 0) {
      const over = new AbortController();
      const grace = options.clock.sleep(graceMs, over.signal).catch(() => {});
      await Promise.race([pump.attempts.idle(), grace]);
      over.abort();
    }
    closed = true;
    pump.stop();
    pump.attempts.abortAll();
    for (const those of waiters.values())
      for (const waiter of those) waiter.reject(new EngineError('EngineClosed', 'the engine was closed'));
    waiters.clear();
    db.close();
    release();
  }
}

function start(db: Database, pump: Pump, request: StartRequest): Execution {
  const { id, pipeline, machine } = request;
  const document = JSON.stringify(machine);
  const hash = hashOf(document);
  const input = JSON.stringify(request.input ?? null);
  const existing = queries.executionRow(db, id);
  if (existing) {
    const same = canonical(JSON.parse(existing.input)) === canonical(request.input ?? null);
    if (same && existing.pipeline === pipeline) return queries.toExecution(existing);
    throw new EngineError(
      'ExecutionAlreadyExists',
      `execution ${id} exists with another ${same ? 'pipeline' : 'input'}`,
    );
  }
  checkDocument(machine);
  if (Buffer.byteLength(input) > MAX_DATA_BYTES)
    throw new EngineError('InvalidExecutionInput', `the input is larger than ${MAX_DATA_BYTES} bytes`);
  const { core } = pump;
  pump.change(() => {
    const now = core.host.clock.now();
    db.run('INSERT OR IGNORE INTO definition VALUES(?,?)', hash, document);
    const num = db.insert(
      "INSERT INTO execution(id, pipeline, definition, status, input, started, deadline) VALUES(?,?,?,'RUNNING',?,?,?)",
      id,
      pipeline,
      hash,
      input,
      now,
      deadlineOf(machine, now),
    );
    const run = core.run(num);
    core.record(run, 'ExecutionStarted', '', undefined, inputDetails(input));
    const { StartAt: state } = machine;
    const first = stateOf(run, { scope: ROOT_SCOPE, state });
    db.run(
      "INSERT INTO frame(exec, path, idx, scope, started, state, status, held, input, entered, visits) VALUES(?,'',0,?,?,?,?,?,?,?,?)",
      num,
      ROOT_SCOPE,
      now,
      state,
      firstStatus(first),
      core.paused.has(pipeline) ? 1 : 0,
      input,
      now,
      JSON.stringify({ [state]: 0 }),
    );
    recordEntered(core, run, '', state, first, input);
  });
  return queries.toExecution(queries.executionRow(db, id)!);
}

function deadlineOf(machine: { TimeoutSeconds?: number }, now: number): number | null {
  return machine.TimeoutSeconds === undefined ? null : now + Math.round(machine.TimeoutSeconds * 1000);
}

/** The time limit of the execution begins anew, as do retries; the document is the one it was started with. */
function redrive(db: Database, { core }: Pump, row: queries.ExecutionRow): void {
  const deadline = deadlineOf(core.run(row.num).machine, core.host.clock.now());
  db.run(
    `UPDATE execution SET status = 'RUNNING', redrives = redrives + 1, output = NULL, error = NULL, cause = NULL, ended = NULL, deadline = ?
     WHERE num = ?`,
    deadline,
    row.num,
  );
  const run: Run = core.renew(row.num);
  core.record(run, 'ExecutionRedriven', '', undefined, `{"redriveCount":${run.redrives}}`);
  const root = db.get<Frame>("SELECT * FROM frame WHERE exec = ? AND path = ''", row.num)!;
  bringBack(core, root);
}
