/**
 * The owner of a data directory that runs by itself: schedules and arrivals start pipelines, events join them, problems are told. Everything is
 * built here from its parts; when it stops, attempts in flight end or are handed back, and the next owner goes on.
 */
import { asGranaryError, type GranaryError } from '../../lib/errors.ts';
import { RUNS, type RunDoc } from '../../model/runs.ts';
import { compilePipeline } from '../../project/machines/compile.ts';
import { findPipeline, type Pipeline, pipelinesOf } from '../../project/pipelines.ts';
import { poll } from '../../stages/collect/poll.ts';
import { plain } from '../../stages/verify/verify.ts';
import { EventDispatcher } from '../events/dispatcher.ts';
import { boardOf } from '../expectations/board.ts';
import { Watchdog } from '../expectations/watchdog.ts';
import { LagWatch } from '../feeds/lag-watch.ts';
import { openChannels } from '../notifications/channels.ts';
import { Notifier } from '../notifications/notifier.ts';
import type { Operations } from '../operations.ts';
import type { Pipelines } from '../pipelines/pipelines.ts';
import { RunEventLog } from '../run-event-log.ts';
import type { Runtime } from '../runtime.ts';
import { Arrivals, localFolder } from '../schedule/arrivals.ts';
import { subscribeTriggers } from '../schedule/event-triggers.ts';
import { Scheduler } from '../schedule/scheduler.ts';
import { AutoRetry } from './auto-retry.ts';
import { startFirstRuns } from './first-runs.ts';
import { OwnerOperations } from './operations.ts';

export interface OwnerOptions {
  runtime: Runtime;
  version: string;
  /** Something went wrong that no run tells of: a source that cannot be looked at, a message that cannot be sent. */
  onProblem(what: string, error: GranaryError): void;
  /** A run has begun or ended. */
  onRun?(run: RunDoc): void;
}

export interface Owner {
  operations: Operations;
  /** Nothing runs, waits to be started, or is to be sent. */
  isIdle(): Promise<boolean>;
  /** Starts nothing more; attempts in flight have `graceMs` to end. The runtime stays open. */
  stop(graceMs: number): Promise<void>;
}

export async function startOwner(options: OwnerOptions): Promise<Owner> {
  const { runtime, onProblem } = options;
  const { context, project } = runtime;
  const { state, clock } = context;
  const all = pipelinesOf(project);
  const pipelines = await runtime.pipelines();
  const runs = new Runs(pipelines, runtime, options);
  const stopping = new AbortController();
  const ending = new AbortController();

  const dispatcher = new EventDispatcher({
    state,
    clock,
    onError: (error, _event, subscriber) => onProblem(`events for ${subscriber}`, error),
  });
  runs.onEnded(() => dispatcher.notify());

  const scheduler = new Scheduler({
    state,
    clock,
    pipelines: all,
    start: (pipeline, { id, input }) => runs.start(pipeline, id, input),
    isRunning: (pipeline) => runs.isRunning(pipeline),
    stopRunning: (pipeline, cause) => runs.stopAll(pipeline, cause),
    isPaused: async (pipeline) => (await pipelines.orchestrator.paused()).includes(pipeline),
    onError: (error, pipeline) => onProblem(`pipeline ${pipeline}`, error),
  });
  runs.onEnded((run) => void scheduler.ended(run.pipeline).catch((e) => onProblem('the scheduler', asGranaryError(e))));

  const arrivals = new Arrivals({
    state,
    clock,
    pipelines: all,
    sources: [...project.sources.values()],
    scheduler,
    isRunning: (pipeline) => runs.isRunning(pipeline),
    async look(source) {
      const seen = await poll({ run: '', source, list: null }, { ...context, signal: stopping.signal });
      return {
        found: seen.found,
        datasets: seen.datasets,
        ...(seen.soonestMs !== null && { soonestMs: seen.soonestMs }),
        ...(seen.reached !== undefined && { reached: seen.reached }),
      };
    },
    folderOf: (source) => localFolder(project.dir, source),
    onError: (error, source) => onProblem(`source ${source}`, error),
  });
  runs.onEnded((run) => arrivals.ended(run.pipeline));

  const retries = new AutoRetry({ state, clock, scheduler, pipelines: all, onProblem });
  subscribeTriggers({ dispatcher, scheduler, pipelines: all });
  const telling = await openNotifications(options, dispatcher, stopping.signal);

  const watchdog = new Watchdog({
    state,
    clock,
    project,
    onEvents: () => dispatcher.notify(),
    onError: (error, what) => onProblem(what, error),
  });
  dispatcher.subscribe('watchdog', (event) => watchdog.onEvent(event));

  const lags = new LagWatch({ context, onEvents: () => dispatcher.notify(), onProblem });

  dispatcher.start();
  await scheduler.start();
  await runs.adopt();
  await startFirstRuns({ state, clock, scheduler, pipelines: all });
  arrivals.start();
  retries.start();
  watchdog.start();
  lags.start();

  return {
    operations: new OwnerOperations({
      ...options,
      pipelines,
      runs,
      scheduler,
      arrivals,
      dispatcher,
      watchdog,
      stopping: ending.signal,
    }),
    async isIdle() {
      const { running } = await pipelines.orchestrator.stats();
      if (running > 0 || all.some((p) => scheduler.queued(p.name) > 0)) return false;
      await dispatcher.drain();
      return (await telling?.notifier.health())?.overdueSince == null;
    },
    async stop(graceMs) {
      ending.abort();
      await arrivals.stop();
      await scheduler.stop();
      await retries.stop();
      await watchdog.stop();
      await lags.stop();
      await pipelines.shutdown(graceMs);
      await dispatcher.drain().catch(() => undefined);
      await dispatcher.stop();
      stopping.abort();
      await telling?.stopped;
      await runs.settled();
    },
  };
}

/** Messages about problems, where the project says how they are sent. */
async function openNotifications(
  { runtime, onProblem }: OwnerOptions,
  dispatcher: EventDispatcher,
  signal: AbortSignal,
): Promise<{ notifier: Notifier; stopped: Promise<void> } | undefined> {
  const { context, project } = runtime;
  const settings = project.config.notifications as typeof project.config.notifications | undefined;
  if (!settings || Object.keys(settings.channels ?? {}).length === 0) return undefined;
  const channels = await openChannels(settings.channels, { projectDir: project.dir, clock: context.clock });
  const notifier = new Notifier({
    state: context.state,
    clock: context.clock,
    project: project.config.name,
    settings,
    channels,
    timeZone: project.config.time_zone,
    expectations: async () =>
      (await boardOf(context)).map(({ dataset, state, note }) => ({ dataset, state, note: note ?? '' })),
    onProblem: (error, entry) => onProblem(entry ? `notifications to ${entry.channel}` : 'notifications', error),
  });
  dispatcher.subscribe('notifications', (event) => notifier.onEvent(event));
  const stopped = notifier.deliver(signal).then(async () => {
    for (const channel of channels.values()) await channel.close();
  });
  return { notifier, stopped };
}

/** The runs of this owner: started, followed, and known to those who wait for their end. */
export class Runs {
  readonly events = new RunEventLog();
  readonly #pipelines: Pipelines;
  readonly #runtime: Runtime;
  readonly #options: OwnerOptions;
  readonly #ended: ((run: RunDoc) => void)[] = [];
  readonly #following = new Map<string, Promise<void>>();

  constructor(pipelines: Pipelines, runtime: Runtime, options: OwnerOptions) {
    this.#pipelines = pipelines;
    this.#runtime = runtime;
    this.#options = options;
  }

  onEnded(listener: (run: RunDoc) => void): void {
    this.#ended.push(listener);
  }

  /** Starting an id again is the same run. */
  async start(pipeline: Pipeline, id: string, input: Record<string, unknown>): Promise<string> {
    const { sources, skipCollect, datasets, ...request } = input as {
      sources?: string[];
      skipCollect?: boolean;
      datasets?: string[];
    };
    const machine = compilePipeline(this.#runtime.project, pipeline, {
      ...(sources && { sources }),
      ...(datasets && { datasets }),
      ...(skipCollect && { skipCollect }),
    });
    await this.#pipelines.start({ id, pipeline: pipeline.name, machine, input: request as never });
    this.follow(id);
    return id;
  }

  /** Runs that the last owner left: they have gone on when the orchestrator was opened. */
  async adopt(): Promise<void> {
    for (const { id } of await this.#pipelines.orchestrator.list({ status: 'RUNNING', limit: 10_000 })) this.follow(id);
    await this.#pipelines.closeStale();
  }

  follow(id: string): void {
    if (this.#following.has(id)) return;
    const stop = this.#pipelines.follow(id, (event) => this.events.add(id, event));
    const work = this.#pipelines
      .finish(id)
      .then((doc) => {
        this.events.end(doc);
        this.#options.onRun?.(doc);
        this.#following.delete(id);
        for (const listener of this.#ended) listener(doc);
      })
      .catch((e) => {
        const error = asGranaryError(e);
        if (error.code !== 'cancelled') this.#options.onProblem(`run ${id}`, error);
      })
      .finally(() => {
        this.#following.delete(id);
        stop();
      });
    this.#following.set(id, work);
  }

  async isRunning(pipeline: string): Promise<boolean> {
    return (await this.running(pipeline)).length > 0;
  }

  async running(pipeline: string): Promise<string[]> {
    return (await this.#pipelines.orchestrator.list({ pipeline, status: 'RUNNING', limit: 100 })).map((e) => e.id);
  }

  async stopAll(pipeline: string, cause: string): Promise<void> {
    for (const id of await this.running(pipeline)) await this.cancel(id, cause);
  }

  async cancel(id: string, cause: string): Promise<RunDoc> {
    const { orchestrator } = this.#pipelines;
    const execution = await orchestrator.get(id);
    if (execution?.status === 'RUNNING') await orchestrator.cancel(id, cause);
    await this.#following.get(id);
    return this.#pipelines.close(id, await orchestrator.get(id));
  }

  async record(id: string): Promise<RunDoc | undefined> {
    const doc = await this.#runtime.context.state.get(RUNS, id);
    return doc && plain<RunDoc>(doc);
  }

  pipeline(name: string): Pipeline | undefined {
    return findPipeline(this.#runtime.project, name);
  }

  /** After the orchestrator was closed: followers have let go. */
  async settled(): Promise<void> {
    await Promise.race([Promise.allSettled(this.#following.values()), new Promise((r) => setImmediate(r))]);
  }
}
