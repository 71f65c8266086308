/** Begin: the record of a run. Idempotent; a run that is continued is running again. */
import { redact } from '../../lib/redact.ts';
import { EMPTY_BOOKS } from '../../model/books.ts';
import { type EventDoc, toEmit } from '../../model/events.ts';
import { RUNS, type RunDoc, toPublishRun } from '../../model/runs.ts';
import { isoNow } from '../../ports/clock.ts';
import { putWrite } from '../../ports/state-store.ts';
import { tenantOf } from '../../project/pipelines.ts';
import type { StageContext } from '../context.ts';
import { plain } from '../verify/verify.ts';
import type { RunParameters } from './parameters.ts';

export interface BeginInput {
  run: string;
  pipeline: string;
  /** Input of the execution, as whoever started it gave it. */
  request: RunRequestInput | null;
}

/** What may be asked of a run. A schedule of AWS starts it with nothing. */
export interface RunRequestInput {
  /** As typed, for the record. */
  command?: string;
  /** `manual`, `schedule`, `arrival`, `event`, `backfill`. */
  trigger?: string;
  /** Also what gave up in earlier runs. */
  retry_dead_letters?: boolean;
  /** Only files with these paths. */
  paths?: string[];
  /** Only these objects of those that have landed. */
  objects?: string[];
  /** Only files and objects whose names have these parts. */
  parameters?: RunParameters;
}

/** What the states of the machine rely on. */
export interface BeginOutput {
  run: string;
  pipeline: string;
  /** What the run takes: `null` is all. */
  select: {
    retry_dead_letters: boolean;
    paths: string[] | null;
    objects: string[] | null;
    parameters: RunParameters | null;
  };
}

export async function begin({ run, pipeline, request }: BeginInput, context: StageContext): Promise<BeginOutput> {
  const known = await context.state.get(RUNS, run);
  const doc: RunDoc = known
    ? { ...plain<RunDoc>(known), status: 'running', endedAt: null, errors: [] }
    : {
        id: run,
        startedAt: isoNow(context.clock),
        endedAt: null,
        status: 'running',
        command: redact(request?.command ?? `pipeline ${pipeline}`),
        pipeline,
        trigger: request?.trigger ?? 'schedule',
        totals: EMPTY_BOOKS,
        landed: 0,
        quarantined: 0,
        errors: [],
      };
  await context.state.transact([
    putWrite(RUNS, doc),
    toPublishRun(run),
    ...(known ? [] : [toEmit(startedEvent(doc, tenantOf(pipeline, context.project)))]),
  ]);
  return {
    run,
    pipeline,
    select: {
      retry_dead_letters: request?.retry_dead_letters ?? false,
      paths: request?.paths ?? null,
      objects: request?.objects ?? null,
      parameters: request?.parameters ?? null,
    },
  };
}

/** Of a run that begins; one that is continued has begun before. */
function startedEvent({ id, pipeline, trigger, startedAt }: RunDoc, tenant: string): EventDoc {
  return {
    id: `run.started|${id}`,
    type: 'run.started',
    subject: pipeline,
    tenant,
    at: startedAt,
    data: { run: id, pipeline, trigger },
  };
}
