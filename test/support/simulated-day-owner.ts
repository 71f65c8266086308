/** An owner in simulated time: real stores, workers and warehouse; the clock moves only when nothing can go on without it. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { addDays } from '../../src/model/calendar.ts';
import { slotsOf } from '../../src/model/expectation-slots.ts';
import { INCIDENTS, NOTIFICATIONS } from '../../src/model/notifications.ts';
import type { RunDoc } from '../../src/model/runs.ts';
import { SCHEDULES, SOURCE_HEALTH } from '../../src/model/schedules.ts';
import { wallTime } from '../../src/model/time-zone.ts';
import { expectationRules } from '../../src/project/expectations.ts';
import { pipelinesOf } from '../../src/project/pipelines.ts';
import { type Owner, startOwner } from '../../src/runtime/owner/owner.ts';
import { openRuntime, type Runtime } from '../../src/runtime/runtime.ts';
import type { LeapingClock } from './simulated-day-clock.ts';

export interface DayOwner {
  runtime: Runtime;
  owner: Owner;
  /** Lasts until nothing goes on: whatever happens next happens because time passes. */
  settle(): Promise<void>;
  /** The next instant, in milliseconds, at which something is due that the stores know of: the clock may leap there. */
  nextDue(): Promise<number>;
  stop(): Promise<void>;
}

export interface DayOwnerOptions {
  dir: string;
  clock: LeapingClock;
  onRun(run: RunDoc): void;
  onProblem(what: string, code: string): void;
}

/** Of the places of a run: those where it waits for something else than time or its own parts. */
const GOES_ON = new Set(['READY', 'QUEUED', 'RUNNING', 'FILLING', 'WRITING']);
/** `remind_every`, as it is when it is not given. */
const REMIND_MS = 12 * 3_600_000;
/** A day after the last of the plan. */
const LAST_DAY = '2026-10-26';
/** Turns of the event loop for which everything must rest. */
const TURNS = 3;
/** Real time after which a day that does not come to rest is a failure. */
const LIMIT_MS = 120_000;

export async function startDayOwner({ dir, clock, onRun, onProblem }: DayOwnerOptions): Promise<DayOwner> {
  const runtime = await openRuntime({ dir, command: 'granary up', clock });
  const owner = await startOwner({
    runtime,
    version: 'test',
    onRun,
    onProblem: (what, error) => onProblem(what, error.code),
  });
  const { orchestrator } = await runtime.pipelines();
  const loops = loopsOf(runtime);
  /** When deliveries become late and missed. */
  const fixed = expectationRules(runtime.project)
    .flatMap((rule) => slotsOf(rule, addDays(wallTime(clock.now(), rule.timeZone).date, -1), LAST_DAY))
    .flatMap((slot) => [slot.lateAt, slot.missedAt]);

  /** What goes on; undefined when all loops of the owner are asleep and no step of a run can be taken. */
  const busy = async (): Promise<string | undefined> => {
    const asleep = clock.asleep();
    for (const [loop, count] of loops)
      if ((asleep.get(loop) ?? 0) < count) return `${loop}: ${asleep.get(loop) ?? 0} of ${count} asleep`;
    for (const [lane, { busy: working, queued }] of Object.entries(runtime.workers.stats))
      if (working + queued > 0) return `${lane} workers: ${working} busy, ${queued} queued`;
    const { running, inFlight, readyFrames } = await orchestrator.stats();
    if (inFlight + readyFrames > 0) return `steps: ${inFlight} in flight, ${readyFrames} ready`;
    if (running === 0) return undefined;
    for (const { id } of await orchestrator.list({ status: 'RUNNING', limit: 1000 }))
      for (const { state, status } of await orchestrator.current(id))
        if (GOES_ON.has(status)) return `run ${id}: ${state} is ${status}`;
    return undefined;
  };

  return {
    runtime,
    owner,
    async settle() {
      const since = performance.now();
      for (let still = 0; still < TURNS; ) {
        await new Promise((resolve) => setImmediate(resolve));
        const what = await busy();
        still = what === undefined ? still + 1 : 0;
        if (what === undefined) continue;
        assert.ok(performance.now() - since < LIMIT_MS, `at ${clock.iso()} it does not come to rest: ${what}`);
        await delay(1);
      }
    },
    async nextDue() {
      const { state } = runtime.context;
      const due: (string | null)[] = [];
      for await (const { nextDue } of state.query(SCHEDULES)) due.push(nextDue);
      for await (const { told } of state.query(INCIDENTS, { index: 'open', equals: [1] }))
        for (const { at } of Object.values(told)) due.push(new Date(Date.parse(at) + REMIND_MS).toISOString());
      for await (const health of state.query(SOURCE_HEALTH)) if (health.errors > 0) due.push(health.nextLookAt);
      for (const status of ['pending', 'sending'])
        for await (const n of state.query(NOTIFICATIONS, { index: 'status', equals: [status] })) due.push(n.dueAt);
      const known = due.flatMap((d) => (d === null ? [] : [Date.parse(d)]));
      const now = clock.now();
      // What is overdue waits for something that is done in the next round.
      const times = [...known, ...fixed].map((time, i) => (time <= now && i < known.length ? now + 1 : time));
      return Math.min(...times.filter((time) => time > now));
    },
    async stop() {
      let stopped = false;
      const stopping = owner.stop(10_000).finally(() => {
        stopped = true;
      });
      // Who gathers files of a burst ends that first.
      for (; !stopped; clock.leap(clock.now() + 1)) await delay(1);
      await stopping;
      await runtime.close();
    },
  };
}

/** Everything in an owner that waits for time, and how many of it there are. */
function loopsOf({ project }: Runtime): Map<string, number> {
  const arrival = pipelinesOf(project).filter((p) => p.schedule.enabled && p.schedule.trigger.kind === 'arrival');
  return new Map([
    ['runtime/events/dispatcher.ts', 1],
    ['runtime/schedule/scheduler.ts', 1],
    ['runtime/schedule/arrivals.ts', new Set(arrival.flatMap((p) => p.sources)).size],
    ['runtime/owner/auto-retry.ts', 1],
    ['runtime/expectations/watchdog.ts', 1],
    ['runtime/notifications/notifier.ts', 1],
  ]);
}
