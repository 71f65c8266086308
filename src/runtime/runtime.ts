/** The owner of a data directory for its lifetime: lock, stores, warehouse, workers. */
import { availableParallelism } from 'node:os';
import { systemClock } from '../adapters/clock/system.ts';
import { openFolderStore } from '../adapters/object-store/folder.ts';
import { openDuckDbWarehouse } from '../adapters/warehouse/duckdb/duckdb.ts';
import type { GranaryError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Clock } from '../ports/clock.ts';
import type { Problem } from '../project/problems.ts';
import type { Project } from '../project/project.ts';
import type { Progress } from '../stages/context.ts';
import type { LoadContext } from '../stages/load.ts';
import { dataPaths, openContext, openProject, type ProjectOptions, removeScratchOf } from './context.ts';
import { acquireDataDir, type Holder } from './lock.ts';
import { LogFiles } from './logs/log-files.ts';
import { Meter } from './metrics.ts';
import { logFieldsOf } from './pipelines/invoke.ts';
import { logRunEvent } from './pipelines/log-events.ts';
import { Pipelines } from './pipelines/pipelines.ts';
import { workerLimits } from './workers/limits.ts';
import { WorkerPool } from './workers/pool.ts';

export interface RuntimeOptions extends ProjectOptions {
  /** For those who find the directory busy: `granary run`. */
  command: string;
  waitSeconds?: number;
  onWait?: (holder: Holder | undefined) => void;
  onProgress?: (progress: Progress) => void;
  /** Nothing goes on until it is over: the disk of the state is full. */
  onTrouble?: (error: GranaryError) => void;
  signal?: AbortSignal;
  /** Of the owner, and of the stages in its workers; the system's if not given. */
  clock?: Clock;
}

export interface Runtime {
  project: Project;
  warnings: Problem[];
  context: LoadContext;
  workers: WorkerPool;
  log: Log;
  /** Who owns the data directory: this process. */
  holder: Holder;
  /** Durations of stages. */
  meter: Meter;
  /** Opened when first asked for: then unfinished runs go on. */
  pipelines(): Promise<Pipelines>;
  close(): Promise<void>;
}

/** Attempts of all runs that go on at once: transfers mostly wait for servers; computing waits for a worker. */
const MAX_IN_FLIGHT = 16;

const TROUBLE_EVERY_MS = 60_000;

/** Calls `tell` at most once a minute. */
function seldom<T>(tell: (value: T) => void): (value: T) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (value) => {
    if (performance.now() - last < TROUBLE_EVERY_MS) return;
    last = performance.now();
    tell(value);
  };
}

/** Errors: those of the project; `owner.busy`; those of the stores. */
export async function openRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { project, warnings } = await openProject(options);
  const lock = await acquireDataDir(project.dataDir, {
    command: options.command,
    ...(options.waitSeconds !== undefined && { waitSeconds: options.waitSeconds }),
    ...(options.onWait && { onWait: options.onWait }),
    ...(options.signal && { signal: options.signal }),
  });
  const closers: (() => Promise<void>)[] = [async () => lock.release()];
  // What was opened last is closed first; one that fails keeps none of the others open.
  const close = async () => {
    const failed: unknown[] = [];
    for (const closer of closers.splice(0).reverse()) await closer().catch((e: unknown) => failed.push(e));
    if (failed.length > 0) throw failed[0];
  };
  try {
    const paths = dataPaths(project);
    const objects = await openFolderStore(paths.objects);
    const logs = new LogFiles({
      folder: paths.logs,
      config: project.config.logs,
      clock: options.clock ?? systemClock,
      objects,
    });
    closers.push(() => logs.close());
    const { log } = logs;
    const opened = await openContext(project, {
      log,
      ...(options.clock && { clock: options.clock }),
      ...(options.onProgress && { progress: options.onProgress }),
      ...(options.signal && { signal: options.signal }),
    });
    closers.push(() => opened.close());
    const { memory, threads = availableParallelism() } = project.config.warehouse;
    const warehouse = await openDuckDbWarehouse({
      path: paths.warehouse,
      memoryLimit: memory,
      threads,
      scratch: `${paths.scratch}/warehouse`,
      folders: [paths.objects],
    });
    closers.push(() => warehouse.close());
    const workers = new WorkerPool({
      dir: project.dir,
      environment: project.environment,
      classes: workerLimits(project),
      // Processes live in the time of the machine; what they write is dated by the owner's.
      clock: systemClock,
      now: () => opened.context.clock.now(),
      log,
      logLevel: project.config.logs.level,
      onGone: (pid) => void removeScratchOf(project, pid),
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
    closers.push(() => workers.close());
    const context: LoadContext = { ...opened.context, warehouse };
    const meter = new Meter();
    let pipelines: Promise<Pipelines> | undefined;
    closers.push(async () => void (await (await pipelines)?.shutdown()));
    return {
      project,
      warnings,
      context,
      workers,
      log,
      holder: lock.holder,
      meter,
      pipelines() {
        pipelines ??= Pipelines.open({
          file: paths.orchestrator,
          context,
          workers: {
            run: (stage, input, call) =>
              workers.run(stage, input, {
                class: call.class,
                signal: call.signal,
                onHeartbeat: call.heartbeat,
                context: logFieldsOf(call),
              }),
          },
          maxInFlight: MAX_IN_FLIGHT,
          onTrouble: seldom((error) => {
            log('error', `The state of runs cannot be written: ${error.message}`, { code: error.code });
            options.onTrouble?.(error);
          }),
          onTold: (run, event) => logRunEvent(log, run, event),
          onStage: (stage, seconds, error) => meter.record(stage, seconds, error?.code ?? 'ok'),
        });
        return pipelines;
      },
      close,
    };
  } catch (e) {
    await close();
    throw e;
  }
}
