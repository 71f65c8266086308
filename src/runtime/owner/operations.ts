/** What an owner can be asked and told, done on its runtime. */
import { GranaryError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import type { MetricFamily } from '../../lib/openmetrics.ts';
import type { BooksDoc } from '../../model/books.ts';
import type { DeadLetterDoc } from '../../model/dead-letters.ts';
import type { ObjectDoc } from '../../model/objects.ts';
import type { RunDoc } from '../../model/runs.ts';
import { RUNS } from '../../model/runs.ts';
import type { HistoryEvent } from '../../ports/orchestrator.ts';
import type { QueryOptions, QueryResult } from '../../ports/warehouse.ts';
import { DAILY, pipelinesOf } from '../../project/pipelines.ts';
import { checkParameters } from '../../stages/run/parameters.ts';
import { plain } from '../../stages/verify/verify.ts';
import { executeBackfill } from '../backfill.ts';
import { type BooksFilter, findBooks } from '../books.ts';
import { dataPaths } from '../context.ts';
import { type DeadLetterFilter, discardDeadLetters, findDeadLetters, replayDeadLetters } from '../dead-letters.ts';
import type { EventDispatcher } from '../events/dispatcher.ts';
import { boardOf, forgive } from '../expectations/board.ts';
import type { Watchdog } from '../expectations/watchdog.ts';
import { Figures } from '../figures.ts';
import { readLogs } from '../logs/read.ts';
import { checkDatasets } from '../names.ts';
import type * as api from '../operations.ts';
import { type Pipelines, runId } from '../pipelines/pipelines.ts';
import { type ReplaySelection, release, replay } from '../replay.ts';
import type { Runtime } from '../runtime.ts';
import type { Arrivals } from '../schedule/arrivals.ts';
import type { Scheduler } from '../schedule/scheduler.ts';
import { pipelineStatuses, statusOf } from '../status.ts';
import { type Traced, trace } from '../trace.ts';
import { itemsOf, plansOf } from './backfills.ts';
import type { Runs } from './owner.ts';
import { storageProblems } from './storage.ts';

export interface OperationsOptions {
  runtime: Runtime;
  version: string;
  pipelines: Pipelines;
  runs: Runs;
  scheduler: Scheduler;
  arrivals: Pick<Arrivals, 'ended'>;
  /** Aborted when it starts nothing more. */
  stopping: AbortSignal;
  dispatcher: EventDispatcher;
  watchdog: Watchdog;
}

const HISTORY_LIMIT = 1000;
const RUNS_LIMIT = 20;

export class OwnerOperations implements api.Operations {
  readonly #o: OperationsOptions;
  readonly #figures: Figures;

  constructor(options: OperationsOptions) {
    this.#o = options;
    const { context, meter } = options.runtime;
    const { orchestrator } = options.pipelines;
    const workers = () => {
      const { short, long } = options.runtime.workers.stats;
      return { count: short.processes + long.processes, busy: short.busy + long.busy };
    };
    this.#figures = new Figures({ context, meter, orchestrator, workers, startedAt: context.clock.now() });
  }

  get #context() {
    return this.#o.runtime.context;
  }

  async readiness(): Promise<api.Readiness> {
    const reasons = this.#o.stopping.aborted ? ['It is stopping: it starts nothing more.'] : [];
    reasons.push(...(await storageProblems(this.#context)));
    return { ready: reasons.length === 0, reasons };
  }

  async status(): Promise<api.Status> {
    return statusOf(this.#context, this.#o.version, await this.#live());
  }

  metrics(): Promise<MetricFamily[]> {
    return this.#figures.collect();
  }

  async pipelines(): Promise<api.PipelineStatus[]> {
    return pipelineStatuses(this.#context, await this.#live());
  }

  async pausePipeline(pipeline: string): Promise<api.PipelineStatus> {
    this.#pipeline(pipeline);
    await this.#o.pipelines.orchestrator.pause(pipeline);
    return this.#statusOf(pipeline);
  }

  async resumePipeline(pipeline: string): Promise<api.PipelineStatus> {
    this.#pipeline(pipeline);
    await this.#o.pipelines.orchestrator.resume(pipeline);
    await this.#o.scheduler.ended(pipeline);
    this.#o.arrivals.ended(pipeline);
    return this.#statusOf(pipeline);
  }

  async startRun(request: api.StartRun): Promise<{ run: string }> {
    const { runs, runtime } = this.#o;
    const pipeline = this.#pipeline(request.pipeline ?? DAILY);
    if (request.sources) checkDatasets(request.sources, runtime.project);
    if (request.parameters) checkParameters(request.parameters, runtime.project, request.sources ?? pipeline.sources);
    const run = await runs.start(pipeline, runId(this.#context.clock), {
      command: request.command,
      trigger: 'manual',
      retry_dead_letters: true,
      ...(request.sources && { sources: request.sources }),
      ...(request.skipCollect && { skipCollect: true }),
      ...(request.parameters && { parameters: request.parameters }),
    });
    return { run };
  }

  async runs({ pipeline, status, limit = RUNS_LIMIT }: api.RunFilter): Promise<RunDoc[]> {
    const out: RunDoc[] = [];
    const by = pipeline === undefined ? { index: 'started' } : { index: 'pipeline', equals: [pipeline] };
    for await (const doc of this.#context.state.query(RUNS, { ...by, descending: true })) {
      if (status !== undefined && doc.status !== status) continue;
      out.push(plain<RunDoc>(doc));
      if (out.length === limit) break;
    }
    return out;
  }

  async run(id: string): Promise<api.RunDetail> {
    const { orchestrator } = this.#o.pipelines;
    const run = await this.#record(id);
    const execution = (await orchestrator.get(id)) ?? null;
    return { run, execution, steps: execution?.status === 'RUNNING' ? await orchestrator.current(id) : [] };
  }

  async history(id: string, options: { after?: number; limit?: number }): Promise<HistoryEvent[]> {
    await this.#record(id);
    return this.#o.pipelines.orchestrator.history(id, { limit: HISTORY_LIMIT, ...options });
  }

  async *followRun(
    id: string,
    { after, signal }: { after?: number; signal: AbortSignal },
  ): AsyncIterable<api.FollowedEvent> {
    await this.#record(id);
    const over = async () => {
      const doc = await this.#o.runs.record(id);
      return doc?.status === 'running' ? undefined : doc;
    };
    yield* this.#o.runs.events.follow(id, { ...(after !== undefined && { after }), signal, over });
  }

  async cancelRun(id: string, by: string): Promise<RunDoc> {
    await this.#record(id);
    return this.#o.runs.cancel(id, `Stopped by ${by}.`);
  }

  async redriveRun(id: string): Promise<{ run: string }> {
    await this.#record(id);
    await this.#o.pipelines.orchestrator.redrive(id);
    const doc = await this.#record(id);
    await this.#context.state.put(RUNS, { ...doc, status: 'running', endedAt: null });
    this.#o.runs.follow(id);
    return { run: id };
  }

  deadLetters(filter: DeadLetterFilter): Promise<DeadLetterDoc[]> {
    return findDeadLetters(filter, this.#context);
  }

  async replayDeadLetters(
    selection: DeadLetterFilter,
    by: string,
  ): Promise<{ letters: DeadLetterDoc[]; runs: string[] }> {
    const plan = await replayDeadLetters(selection, by, this.#context);
    const started: string[] = [];
    for (const id of plan.redrive) started.push((await this.redriveRun(id)).run);
    if (plan.sources.length > 0) {
      const { run } = await this.startRun({
        command: `dlq replay by ${by}`,
        // Of one source its own pipeline: its success ends what its failure has told.
        ...(plan.sources.length === 1 && { pipeline: plan.sources[0]! }),
        sources: plan.sources,
        skipCollect: !plan.collect,
      });
      started.push(run);
    }
    return { letters: plan.letters, runs: started };
  }

  async discardDeadLetters(selection: DeadLetterFilter, reason: string, by: string): Promise<DeadLetterDoc[]> {
    const ended = await discardDeadLetters(selection, reason, by, this.#context);
    this.#o.dispatcher.notify();
    return ended;
  }

  expectations(date?: string): Promise<api.ExpectationRow[]> {
    return boardOf(this.#context, date);
  }

  async forgive(request: { dataset: string; date: string; reason: string }, by: string): Promise<api.ExpectationRow> {
    const row = await forgive(this.#context, request, by);
    this.#o.watchdog.wake(row.dataset);
    this.#o.dispatcher.notify();
    return row;
  }

  async replay(selection: ReplaySelection, by: string): Promise<{ objects: ObjectDoc[]; run: string | null }> {
    const objects = await replay(selection, this.#context);
    return { objects, run: await this.#take(objects, `replay by ${by}`) };
  }

  async release(ids: readonly string[], by: string): Promise<{ objects: ObjectDoc[]; run: string | null }> {
    const objects: ObjectDoc[] = [];
    for (const id of ids) objects.push(await release(id, this.#context));
    return { objects, run: await this.#take(objects, `quarantine release by ${by}`) };
  }

  async planBackfill(request: api.BackfillRequest): Promise<api.BackfillPlan> {
    return { items: (await plansOf(request, this.#context)).flatMap(itemsOf) };
  }

  async startBackfill(request: api.BackfillRequest): Promise<{ plan: api.BackfillPlan; runs: string[] }> {
    const plans = await plansOf(request, this.#context);
    const runs: string[] = [];
    for (const plan of plans) {
      const run = await executeBackfill(plan, (pipeline, input) =>
        this.#o.runs.start(this.#pipeline(pipeline), runId(this.#context.clock), {
          ...input,
          ...(request.command !== undefined && { command: request.command }),
        }),
      );
      if (run !== undefined) runs.push(run);
    }
    return { plan: { items: plans.flatMap(itemsOf) }, runs };
  }

  query(sql: string, options: QueryOptions): Promise<QueryResult> {
    return this.#context.warehouse.query(sql, options);
  }

  books(filter: BooksFilter): Promise<BooksDoc[]> {
    return findBooks(filter, this.#context);
  }

  trace(table: string, words: readonly string[]): Promise<Traced[]> {
    return trace(table, words, this.#o.runtime);
  }

  async *logs({ run, level, since, tail, follow }: api.LogFilter, signal: AbortSignal): AsyncIterable<api.LogLine> {
    const query = {
      ...(run !== undefined && { run }),
      ...(level !== undefined && { level }),
      ...(since !== undefined && { since: Date.parse(since) }),
      ...(tail !== undefined && { tail }),
      ...(follow !== undefined && { follow }),
    };
    const { logs } = dataPaths(this.#o.runtime.project);
    yield* readLogs(logs, this.#context.objects, query, signal) as AsyncIterable<api.LogLine>;
  }

  /** A run for objects that are as if they had just landed. */
  async #take(objects: readonly ObjectDoc[], command: string): Promise<string | null> {
    if (objects.length === 0) return null;
    const sources = [...new Set(objects.map((o) => o.dataset.split('/')[1]!))];
    return (await this.startRun({ command, sources, skipCollect: true })).run;
  }

  async #live() {
    const { pipelines, runtime } = this.#o;
    return {
      owner: runtime.holder,
      readiness: await this.readiness(),
      paused: await pipelines.orchestrator.paused(),
      steps: (run: string) => pipelines.orchestrator.current(run),
      late: (await this.expectations()).filter(
        (row) => row.state === 'late' || row.state === 'missed' || row.note !== null,
      ),
    };
  }

  async #statusOf(pipeline: string): Promise<api.PipelineStatus> {
    return (await this.pipelines()).find((p) => p.name === pipeline)!;
  }

  #pipeline(name: string) {
    const found = this.#o.runs.pipeline(name);
    if (found) return found;
    const known = pipelinesOf(this.#o.runtime.project).map((p) => p.name);
    const near = nearest(name, known);
    throw new GranaryError('run.not_found', `The project has no pipeline ${name}.`, {
      hint: near ? `Did you mean ${near}?` : '`granary status` lists them.',
    });
  }

  async #record(id: string): Promise<RunDoc> {
    const doc = await this.#o.runs.record(id);
    if (doc) return doc;
    // Between its start and its first step a run has no record yet.
    const execution = await this.#o.pipelines.orchestrator.get(id);
    if (!execution)
      throw new GranaryError('run.not_found', `There is no run ${id}.`, { hint: '`granary runs` lists them.' });
    return {
      id,
      pipeline: execution.pipeline,
      trigger: '',
      command: '',
      startedAt: new Date(execution.startedAt).toISOString(),
      endedAt: null,
      status: 'running',
      totals: { received: 0, loaded: 0, filtered: 0, deduplicated: 0, rejected: 0 },
      landed: 0,
      quarantined: 0,
      errors: [],
    };
  }
}
