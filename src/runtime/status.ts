/** The status of a project as its state tells it: with what only a running owner knows, or without. */
import { statfs } from 'node:fs/promises';
import { DEAD_LETTERS, type DeadLetterDoc } from '../model/dead-letters.ts';
import { FEED_LAGS } from '../model/feeds.ts';
import { OBJECTS } from '../model/objects.ts';
import { RUNS, type RunDoc } from '../model/runs.ts';
import { isoNow } from '../ports/clock.ts';
import type { CurrentStep } from '../ports/orchestrator.ts';
import { pipelinesOf } from '../project/pipelines.ts';
import type { StageContext } from '../stages/context.ts';
import { plain } from '../stages/verify/verify.ts';
import type { Holder } from './lock.ts';
import type { ExpectationRow, LastRun, PipelineStatus, Readiness, Status } from './operations.ts';
import { pipelineStatus as scheduled } from './schedule/status.ts';

/** What the state store alone does not say. Without an owner all of it is unknown. */
export interface LiveFacts {
  owner?: Holder | undefined;
  readiness?: Readiness;
  /** Names of pipelines. */
  paused?: readonly string[];
  steps?(run: string): Promise<CurrentStep[]>;
  /** What is late, missed or unusual today. */
  late?: ExpectationRow[];
}

const NEWEST_LETTERS = 5;
/** Runs that are looked at for the last ones of each pipeline; a pipeline that has not run since counts as not run. */
const RECENT_RUNS = 200;

export async function statusOf(context: StageContext, version: string, live: LiveFacts = {}): Promise<Status> {
  const { project } = context;
  const running = await runsOf(context, { index: 'status', equals: ['running'] });
  const { bavail, blocks, bsize } = await statfs(project.dataDir);
  return {
    project: project.config.name,
    environment: project.environment ?? null,
    version,
    at: isoNow(context.clock),
    owner: live.owner ?? null,
    readiness: live.readiness ?? { ready: false, reasons: ['Nothing runs: `granary up` starts it.'] },
    running: await Promise.all(
      running.map(async ({ id, pipeline, trigger, startedAt }) => ({
        run: id,
        pipeline,
        trigger,
        startedAt,
        steps: (await live.steps?.(id)) ?? [],
      })),
    ),
    pipelines: await pipelineStatuses(context, live),
    deadLetters: await lettersOf(context),
    late: live.late ?? [],
    quarantined: await count(context.state.query(OBJECTS, { index: 'status', equals: ['quarantined'] })),
    behind: await behindOf(context),
    disk: { free: bavail * bsize, total: blocks * bsize },
  };
}

/** All of the project, in its order. Nothing fires next when nothing runs. */
export async function pipelineStatuses(context: StageContext, live: LiveFacts = {}): Promise<PipelineStatus[]> {
  const out: PipelineStatus[] = [];
  const pipelines = pipelinesOf(context.project);
  const schedules = await scheduled(context.state, pipelines, context.clock.now());
  for (const [i, { name, sources }] of pipelines.entries()) {
    const { schedule, nextDue, queued } = schedules[i]!;
    const runs = await runsOf(context, { index: 'pipeline', equals: [name], descending: true, limit: RECENT_RUNS });
    const last = runs.find((r) => r.status !== 'running');
    out.push({
      name,
      sources,
      schedule,
      paused: live.paused?.includes(name) ?? false,
      next: live.owner && live.readiness?.ready ? nextDue : null,
      running: runs.filter((r) => r.status === 'running').map((r) => r.id),
      queued,
      last: last ? lastRun(last) : null,
      lastSuccess: runs.find((r) => r.status === 'succeeded')?.endedAt ?? null,
    });
  }
  return out;
}

function lastRun(run: RunDoc): LastRun {
  return {
    run: run.id,
    status: run.status,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    landed: run.landed,
    loaded: run.totals.loaded,
    rejected: run.totals.rejected,
    quarantined: run.quarantined,
    error: run.errors[0]?.message ?? null,
  };
}

/** Feeds that are further behind than they may be. */
async function behindOf({ state }: StageContext): Promise<Status['behind']> {
  const out: Status['behind'] = [];
  for await (const { source, feed, since, problem } of state.query(FEED_LAGS))
    if (problem !== null && since !== null) out.push({ source, feed, since, problem });
  return out;
}

async function lettersOf({ state }: StageContext): Promise<Status['deadLetters']> {
  const newest: DeadLetterDoc[] = [];
  let open = 0;
  for await (const doc of state.query(DEAD_LETTERS, { index: 'status', equals: ['open'], descending: true })) {
    open++;
    if (newest.length < NEWEST_LETTERS) newest.push(plain<DeadLetterDoc>(doc));
  }
  const replaying = await count(state.query(DEAD_LETTERS, { index: 'status', equals: ['replaying'] }));
  return { open, replaying, newest };
}

async function runsOf(context: StageContext, query: Parameters<StageContext['state']['query']>[1]): Promise<RunDoc[]> {
  const out: RunDoc[] = [];
  for await (const doc of context.state.query(RUNS, query)) out.push(plain<RunDoc>(doc));
  return out;
}

async function count(found: AsyncIterable<unknown>): Promise<number> {
  let n = 0;
  for await (const _ of found) n++;
  return n;
}
