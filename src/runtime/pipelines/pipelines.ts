/** The pipelines of an open runtime: their orchestrator, what runs tell, and how a run begins and ends. */
import { randomBytes } from 'node:crypto';
import { openEmbeddedOrchestrator } from '../../adapters/orchestrator/embedded.ts';
import type { Json, JsonObject, Machine } from '../../asl/types.ts';
import { asGranaryError, GranaryError, type SerializedError } from '../../lib/errors.ts';
import { EVENTS } from '../../model/events.ts';
import { RUNS, type RunDoc } from '../../model/runs.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Execution, HistoryEvent, Orchestrator } from '../../ports/orchestrator.ts';
import type { LoadContext } from '../../stages/load.ts';
import { begin, type RunRequestInput } from '../../stages/run/begin.ts';
import { errorOf } from '../../stages/run/dead-letter.ts';
import { failRun } from '../../stages/run/finish.ts';
import { plain } from '../../stages/verify/verify.ts';
import { type StageWorkers, stageInvoker } from './invoke.ts';
import type { RunEvent } from './run-events.ts';

export interface PipelinesOptions {
  /** File of the orchestrator's state. */
  file: string;
  context: LoadContext;
  workers: StageWorkers;
  maxInFlight: number;
  /** Everything that runs tell, for the log. */
  onTold?(run: string, event: RunEvent): void;
  /** The state of runs cannot be written: nothing goes on until it can. Told at every try, about once a second. */
  onTrouble?(error: GranaryError): void;
  /** Every stage that was run, for metrics and logs. */
  onStage?(stage: string, seconds: number, error: SerializedError | undefined, run: string): void;
}

export interface RunStart {
  /** Made from the time if not given. */
  id?: string;
  pipeline: string;
  machine: Machine;
  /** See `RunRequestInput` of the stage `begin`. */
  input?: JsonObject;
}

type Listeners = Map<string, Set<(event: RunEvent) => void>>;

export class Pipelines {
  readonly orchestrator: Orchestrator;
  readonly #context: LoadContext;
  readonly #listeners: Listeners;

  private constructor(orchestrator: Orchestrator, context: LoadContext, listeners: Listeners) {
    this.orchestrator = orchestrator;
    this.#context = context;
    this.#listeners = listeners;
  }

  /** Opens the orchestrator: what was running when its last owner ended goes on at once. */
  static async open(options: PipelinesOptions): Promise<Pipelines> {
    const { context } = options;
    const listeners: Listeners = new Map();
    const tell = (run: string, event: RunEvent) => {
      options.onTold?.(run, event);
      for (const key of [run, ANY]) for (const listener of listeners.get(key) ?? []) listener(event);
    };
    const invoke = stageInvoker({ context, workers: options.workers, tell });
    const orchestrator = await openEmbeddedOrchestrator({
      file: options.file,
      clock: context.clock,
      objects: context.objects,
      state: context.state,
      maxInFlight: options.maxInFlight,
      async invoke(call) {
        const began = context.clock.now();
        let error: SerializedError | undefined;
        try {
          return await invoke(call);
        } catch (e) {
          error = asGranaryError(e).toJSON();
          throw e;
        } finally {
          options.onStage?.(call.stage, (context.clock.now() - began) / 1000, error, call.execution);
        }
      },
      publish: async () => undefined,
      onEvent: retryTeller(tell),
      onTrouble: (e) => options.onTrouble?.(asGranaryError(e)),
    });
    await keepHouse(orchestrator, context);
    return new Pipelines(orchestrator, context, listeners);
  }

  /** Hears what a run tells, or with no run what all do. Returns how to stop. */
  follow(run: string | undefined, listener: (event: RunEvent) => void): () => void {
    const key = run ?? ANY;
    const of = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, of.add(listener));
    return () => {
      of.delete(listener);
      if (of.size === 0) this.#listeners.delete(key);
    };
  }

  /** Errors: `run.conflict`. */
  async start({ id = runId(this.#context.clock), pipeline, machine, input = {} }: RunStart): Promise<Execution> {
    const known = await this.orchestrator.get(id);
    // Before the first step, so that a run that is stopped at once has a record to say so in.
    if (!known) await begin({ run: id, pipeline, request: input as RunRequestInput }, this.#context);
    return this.orchestrator.start({ id, pipeline, machine, input });
  }

  /** Waits for a run and returns its record. When `signal` aborts, the run is stopped. */
  async finish(id: string, signal?: AbortSignal): Promise<RunDoc> {
    let execution: Execution | undefined;
    try {
      execution = await this.orchestrator.wait(id, signal);
    } catch (e) {
      if (!signal?.aborted) throw e;
      await this.orchestrator.cancel(id, 'Stopped by request.');
      execution = await this.orchestrator.get(id);
    }
    return this.close(id, execution);
  }

  /** Ends the record of a run whose machine did not: it was stopped, timed out, or could not even say that it failed. */
  async close(id: string, execution: Execution | undefined): Promise<RunDoc> {
    const doc = await this.#context.state.get(RUNS, id);
    if (doc && doc.status !== 'running') return plain<RunDoc>(doc);
    const { pipeline = doc?.pipeline ?? '' } = execution ?? {};
    if (!doc) throw new GranaryError('run.failed', causeOf(execution).message);
    const interrupted = execution === undefined || execution.status === 'ABORTED';
    await failRun({ run: id, pipeline, error: causeOf(execution), interrupted }, this.#context);
    return plain<RunDoc>((await this.#context.state.get(RUNS, id))!);
  }

  /** Runs that say they are running and are not: their owner was killed before they had begun, or their state was removed. */
  async closeStale(): Promise<void> {
    const stale: string[] = [];
    for await (const doc of this.#context.state.query(RUNS, { index: 'status', equals: ['running'] }))
      stale.push(doc.id);
    for (const id of stale) {
      const execution = await this.orchestrator.get(id);
      if (execution?.status !== 'RUNNING') await this.close(id, execution);
    }
  }

  async shutdown(graceMs?: number): Promise<void> {
    await this.orchestrator.close(graceMs);
  }
}

const ANY = '*';

/** Sorts by time. */
export function runId(clock: Clock): string {
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${stamp}-${randomBytes(3).toString('hex')}`;
}

function causeOf(execution: Execution | undefined): SerializedError {
  if (!execution?.error) return { code: 'run.failed', message: 'The run ended without saying why.', transient: false };
  return errorOf({ Error: execution.error, Cause: execution.cause ?? '' });
}

/** Lines about retries, from the history: an attempt failed, and another one will be made. */
function retryTeller(tell: (run: string, event: RunEvent) => void): (execution: string, event: HistoryEvent) => void {
  const failures = new Map<string, { error: SerializedError; attempts: number }>();
  return (execution, event) => {
    if (!event.type.startsWith('Task')) return;
    const key = `${execution} ${event.path}`;
    if (event.type === 'TaskFailed' || event.type === 'TaskTimedOut') {
      const { error, cause } = (event.details ?? {}) as Record<string, Json>;
      const attempts = (failures.get(key)?.attempts ?? 0) + 1;
      failures.set(key, { error: errorOf({ Error: String(error), Cause: String(cause ?? '') }), attempts });
    } else if (event.type === 'TaskRetryScheduled') {
      const failure = failures.get(key);
      if (!failure) return;
      tell(execution, {
        type: 'retry',
        what: event.state ?? event.path,
        error: failure.error,
        attempt: failure.attempts,
      });
    } else if (event.type === 'TaskStateExited') failures.delete(key);
  };
}

const HISTORY_MS = 30 * 86_400_000;
const EVENTS_MS = 7 * 86_400_000;

/** Histories of long ago go, and events that nobody has taken for a week: where no owner ever runs by itself, nobody does. */
async function keepHouse(orchestrator: Orchestrator, { state, clock }: LoadContext): Promise<void> {
  const now = clock.now();
  await orchestrator.prune(now - HISTORY_MS);
  const oldest = new Date(now - EVENTS_MS).toISOString();
  for await (const event of state.query(EVENTS, { index: 'at' })) {
    if (event.at >= oldest) break;
    await state.remove(EVENTS, event.id);
  }
}
