/**
 * What is due at a period and has never been read is read as soon as the project is up: nobody who starts it for the first time wants to wait for the
 * next full hour to see a row.
 */
import { RUNS } from '../../model/runs.ts';
import { type Clock, isoNow } from '../../ports/clock.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Pipeline } from '../../project/pipelines.ts';
import { runIdOfTime } from '../schedule/run-ids.ts';
import { inputOf, type Scheduler } from '../schedule/scheduler.ts';

export interface FirstRunOptions {
  state: StateStore;
  clock: Clock;
  scheduler: Pick<Scheduler, 'fire'>;
  pipelines: readonly Pipeline[];
}

/** A source that a run by hand has read has been read. */
export async function startFirstRuns({ state, clock, scheduler, pipelines }: FirstRunOptions): Promise<void> {
  // All of them before any is fired: a run that begins has read.
  const never: Pipeline[] = [];
  for (const pipeline of pipelines) {
    const { enabled, trigger } = pipeline.schedule;
    if (enabled && trigger.kind === 'every' && !(await areRead(pipeline.sources))) never.push(pipeline);
  }
  for (const pipeline of never) {
    const due = clock.now();
    await scheduler.fire({
      id: runIdOfTime(pipeline.name, due),
      pipeline: pipeline.name,
      trigger: 'schedule',
      due,
      reason: 'It has never run.',
      input: inputOf(pipeline, 'schedule', { due: isoNow(clock) }),
      coalesce: true,
    });
  }

  async function areRead(sources: readonly string[]): Promise<boolean> {
    for (const source of sources) if (!(await isRead(source))) return false;
    return true;
  }

  async function isRead(source: string): Promise<boolean> {
    for (const { name, sources } of pipelines)
      if (sources.includes(source))
        for await (const _ of state.query(RUNS, { index: 'pipeline', equals: [name], limit: 1 })) return true;
    return false;
  }
}
