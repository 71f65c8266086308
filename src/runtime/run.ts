/** A run by hand: the machine of the project, or of some of its sources, from its start to its end. */
import { GranaryError } from '../lib/errors.ts';
import type { RunDoc } from '../model/runs.ts';
import { compilePipeline } from '../project/machines/compile.ts';
import { pipelinesOf } from '../project/pipelines.ts';
import { checkParameters } from '../stages/run/parameters.ts';
import type { RunEvent } from './pipelines/run-events.ts';
import type { Runtime } from './runtime.ts';

export type { RunEvent } from './pipelines/run-events.ts';

export interface RunRequest {
  /** As typed, for the record. */
  command: string;
  /** Name of a pipeline; the project’s if not given. */
  pipeline?: string;
  /** Names of sources; all if not given. */
  sources?: string[];
  /** Do not look for new files: only go on with what has landed. */
  skipCollect?: boolean;
  /** Only files whose names have these parts. */
  parameters?: Record<string, string>;
  /** Takes only these files and objects; see `backfillInput`. */
  only?: { trigger: string; paths: string[]; objects: string[] };
  onEvent?: (event: RunEvent) => void;
  signal?: AbortSignal;
}

/**
 * Runs once through everything, what gave up before included. Errors of single files and objects are in the result; the others go on.
 * What an earlier process has left unfinished is ended first. Errors: `run.not_found` for an unknown pipeline.
 */
export async function run(runtime: Runtime, request: RunRequest): Promise<RunDoc> {
  const pipelines = await runtime.pipelines();
  const stop = pipelines.follow(undefined, (event) => request.onEvent?.(event));
  try {
    await finishLeftovers(runtime, request.signal);
    const name = request.pipeline ?? 'daily';
    const pipeline = pipelinesOf(runtime.project).find((p) => p.name === name);
    if (!pipeline)
      throw new GranaryError('run.not_found', `The project has no pipeline ${name}.`, {
        hint: '`granary machine list` lists them.',
      });
    if (request.parameters) checkParameters(request.parameters, runtime.project, request.sources ?? pipeline.sources);
    const machine = compilePipeline(runtime.project, pipeline, {
      ...(request.sources && { sources: request.sources }),
      ...(request.skipCollect && { skipCollect: true }),
    });
    const { id } = await pipelines.start({
      pipeline: pipeline.name,
      machine,
      input: {
        command: request.command,
        trigger: 'manual',
        retry_dead_letters: true,
        ...(request.parameters && { parameters: request.parameters }),
        ...request.only,
      },
    });
    return await pipelines.finish(id, request.signal);
  } finally {
    stop();
  }
}

/** Runs of a process that was killed have gone on when the orchestrator was opened; they end before a new one begins. */
async function finishLeftovers(runtime: Runtime, signal: AbortSignal | undefined): Promise<void> {
  const pipelines = await runtime.pipelines();
  for (const { id } of await pipelines.orchestrator.list({ status: 'RUNNING', limit: 1000 }))
    await pipelines.finish(id, signal);
  await pipelines.closeStale();
}
