/** What `granary status` says of pipelines and sources: read from the state, with or without an owner. */
import { nextFire } from '../../model/schedule.ts';
import { FIRES, type FireMark, SCHEDULES, SOURCE_HEALTH, type SourceHealthDoc } from '../../model/schedules.ts';
import type { StateStore } from '../../ports/state-store.ts';
import type { Pipeline } from '../../project/pipelines.ts';
import { scheduleText } from './schedule-text.ts';

export interface PipelineStatus {
  pipeline: string;
  kind: Pipeline['kind'];
  /** For people: `cron 0 5 * * * (Europe/Berlin)`. */
  schedule: string;
  /** ISO 8601, UTC. */
  nextDue: string | null;
  lastStarted: FireMark | null;
  lastSkipped: FireMark | null;
  queued: number;
}

/** In the order of the pipelines. `now` in milliseconds. */
export async function pipelineStatus(
  state: StateStore,
  pipelines: readonly Pipeline[],
  now: number,
): Promise<PipelineStatus[]> {
  const queued = new Map<string, number>();
  for await (const { pipeline } of state.query(FIRES, { index: 'status', equals: ['queued'] }))
    queued.set(pipeline, (queued.get(pipeline) ?? 0) + 1);
  const out: PipelineStatus[] = [];
  for (const pipeline of pipelines) {
    const doc = await state.get(SCHEDULES, pipeline.name);
    const next = nextFire(pipeline.schedule, now);
    out.push({
      pipeline: pipeline.name,
      kind: pipeline.kind,
      schedule: scheduleText(pipeline),
      nextDue: next === undefined ? null : new Date(next).toISOString(),
      lastStarted: doc?.lastStarted ?? null,
      lastSkipped: doc?.lastSkipped ?? null,
      queued: queued.get(pipeline.name) ?? 0,
    });
  }
  return out;
}

export async function sourceHealth(state: StateStore): Promise<SourceHealthDoc[]> {
  const out: SourceHealthDoc[] = [];
  for await (const { rev: _, ...doc } of state.query(SOURCE_HEALTH)) out.push(doc);
  return out;
}
