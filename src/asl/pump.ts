/**
 * The pump makes everything go on that can: one turn takes what has come back, what is due, what is ready and what is queued, in one
 * transaction (a group commit: each transition in it is whole), and then starts what was decided. Between turns it sleeps until the
 * nearest point in time that is stored.
 */

import type { EngineHost } from './api.ts';
import type { Core, FrameStatus, Run } from './core.ts';
import { frameById, runsAndEvents, saveFrame, stateOf } from './core.ts';
import type { Database } from './database.ts';
import { cutOff } from './endings.ts';
import { advance } from './steps.ts';
import { type Attempts, attempts } from './tasks.ts';

/** Frames of one kind in a turn. */
const BATCH = 128;
/** The clock of the system may be set, and a laptop may sleep: no sleep is longer. */
const LONGEST_SLEEP_MS = 600_000;
const TROUBLE_MS = 1000;

export interface Pump {
  readonly core: Core;
  readonly attempts: Attempts;
  events(): number;
  forgetEvents(n: number): void;
  /** Runs `work` in a durable transaction, hands on its events, and turns. */
  change<T>(work: () => T): T;
  /** Turns soon. */
  wake(): void;
  /** Starts no more attempts. */
  drain(): void;
  stop(): void;
}

export interface PumpOptions {
  db: Database;
  host: EngineHost;
  maxInFlight: number;
  onEnded(run: Run): void;
}

export function startPump({ db, host, maxInFlight, onEnded }: PumpOptions): Pump {
  const log = runsAndEvents(db, host);
  const paused = new Set(db.all<{ pipeline: string }>('SELECT pipeline FROM paused').map((row) => row.pipeline));
  let after: (() => void)[] = [];
  let ended: Run[] = [];
  let again = false;
  let scheduled = false;
  let draining = false;
  let stopped = false;
  /** Nothing that is stored is due before; the database is asked again once it has come. */
  let horizon = 0;
  let timer: { at: number; controller: AbortController } | undefined;

  const core: Core = {
    db,
    host,
    paused,
    run: log.run,
    renew(num) {
      log.forget(num);
      return log.run(num);
    },
    record: log.record,
    after: (work) => void after.push(work),
    readied: () => {
      again = true;
    },
    due: (at) => {
      horizon = Math.min(horizon, at);
    },
    abort: (frame) => void after.push(() => flight.abort(frame)),
    launch: (work) => void after.push(() => flight.launch(work)),
    ended: (run) => void ended.push(run),
  };
  const flight = attempts(core, wake);

  /** A transaction with all that belongs to it. */
  function commit<T>(work: () => T, durable: boolean): T {
    let result: T;
    try {
      result = db.transaction(work, durable);
    } catch (e) {
      after = [];
      ended = [];
      log.rolledBack();
      throw e;
    }
    if (ended.length > 0 && !durable) flush();
    const [works, runs] = [after, ended];
    after = [];
    ended = [];
    for (const work_ of works) work_();
    for (const run of runs) log.forget(run.num);
    log.committed();
    for (const run of runs) onEnded(run);
    return result;
  }

  /** What is committed stays so, and goes on, when it cannot be flushed: the next flush carries it. */
  function flush(): void {
    try {
      db.flush();
    } catch (e) {
      host.onTrouble?.(e as Error);
    }
  }

  function wake(): void {
    if (scheduled || stopped) return;
    scheduled = true;
    setImmediate(turn);
  }

  function turn(): void {
    scheduled = false;
    if (stopped) return;
    try {
      // An end is flushed with its transaction, where it can be foreseen, or after it.
      const more = commit(work, flight.ending(BATCH));
      if (more || again || flight.waiting() > 0) wake();
      else rest();
    } catch (e) {
      host.onTrouble?.(e as Error);
      sleepUntil(host.clock.now() + TROUBLE_MS);
    }
  }

  /** One turn's work; true when there may be more of it. */
  function work(): boolean {
    const now = host.clock.now();
    again = false;
    const back = flight.take(BATCH);
    flight.storeBeats();
    let more = back.results >= BATCH;
    if (horizon <= now) more = whatIsDue(now) || more;
    again = false;
    const ready = db.all<{ id: number }>(
      "SELECT id FROM frame WHERE status = 'READY' AND held = 0 ORDER BY entered, id LIMIT ?",
      BATCH,
    );
    for (const { id } of ready) {
      // Read again: the one before may have ended its whole execution.
      const frame = frameById(core, id);
      if (frame?.status === 'READY') advance(core, frame);
    }
    more ||= ready.length >= BATCH;
    if (draining) return more;
    const free = Math.min(BATCH, maxInFlight - flight.count() + back.tasks);
    if (free <= 0) return more;
    const queued = db.all<{ id: number }>(
      "SELECT id FROM frame WHERE status = 'QUEUED' AND held = 0 ORDER BY entered, id LIMIT ?",
      free,
    );
    for (const { id } of queued) {
      const frame = frameById(core, id);
      if (frame?.status !== 'QUEUED') continue;
      flight.start(frame);
      // One that could not start may have led to another that can.
      if ((frame.status as FrameStatus) !== 'RUNNING') more = true;
    }
    return more || queued.length >= BATCH;
  }

  function whatIsDue(now: number): boolean {
    const late = db.all<{ num: number }>(
      'SELECT num FROM execution WHERE deadline IS NOT NULL AND deadline <= ? ORDER BY deadline LIMIT ?',
      now,
      BATCH,
    );
    for (const { num } of late)
      cutOff(core, core.run(num), 'TIMED_OUT', 'States.Timeout', 'the execution took longer than TimeoutSeconds');
    const due = db.all<{ id: number }>(
      'SELECT id FROM frame WHERE wake IS NOT NULL AND held = 0 AND wake <= ? ORDER BY wake LIMIT ?',
      now,
      BATCH,
    );
    for (const { id } of due) wakeFrame(id);
    return late.length >= BATCH || due.length >= BATCH;
  }

  function wakeFrame(id: number): void {
    const frame = frameById(core, id);
    if (!frame) return;
    if (frame.status !== 'SLEEPING') flight.due(frame);
    else if (stateOf(core.run(frame.exec), frame).Type === 'Task') {
      frame.status = 'QUEUED';
      frame.wake = null;
      saveFrame(core, core.run(frame.exec), frame);
    } else advance(core, frame);
  }

  function rest(): void {
    if (horizon <= host.clock.now()) horizon = nearest();
    if (horizon === Number.POSITIVE_INFINITY) cancelTimer();
    else if (horizon <= host.clock.now()) wake();
    else sleepUntil(horizon);
  }

  function nearest(): number {
    const frame = db.get<{ at: number }>(
      'SELECT wake AS at FROM frame WHERE wake IS NOT NULL AND held = 0 ORDER BY wake LIMIT 1',
    );
    const run = db.get<{ at: number }>(
      'SELECT deadline AS at FROM execution WHERE deadline IS NOT NULL ORDER BY deadline LIMIT 1',
    );
    return Math.min(frame?.at ?? Number.POSITIVE_INFINITY, run?.at ?? Number.POSITIVE_INFINITY);
  }

  function cancelTimer(): void {
    timer?.controller.abort();
    timer = undefined;
  }

  function sleepUntil(at: number): void {
    if (timer?.at === at) return;
    cancelTimer();
    const controller = new AbortController();
    const mine = { at, controller };
    timer = mine;
    const ms = Math.min(at - host.clock.now(), LONGEST_SLEEP_MS);
    host.clock.sleep(Math.max(ms, 0), controller.signal).then(
      () => {
        if (timer !== mine) return;
        timer = undefined;
        wake();
      },
      () => {},
    );
  }

  return {
    core,
    attempts: flight,
    events: () => log.count,
    forgetEvents(n) {
      log.count -= n;
    },
    change(work_) {
      const result = commit(work_, true);
      // A new deadline, frames that are no longer held: asked for.
      if (horizon > host.clock.now()) horizon = Math.min(horizon, nearest());
      wake();
      return result;
    },
    wake,
    drain() {
      draining = true;
    },
    stop() {
      stopped = true;
      cancelTimer();
    },
  };
}
