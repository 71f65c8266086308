/** An owner with an API in this process: a real runtime of a project, and the operations that commands ask for. */
import type { TestContext } from 'node:test';
import { GranaryError } from '../../src/lib/errors.ts';
import type { ObjectDoc } from '../../src/model/objects.ts';
import { RUNS, type RunDoc } from '../../src/model/runs.ts';
import { compilePipeline } from '../../src/project/machines/compile.ts';
import { findPipeline } from '../../src/project/pipelines.ts';
import { findBooks } from '../../src/runtime/books.ts';
import { Figures } from '../../src/runtime/figures.ts';
import { findRuns } from '../../src/runtime/inventory.ts';
import { readHolder } from '../../src/runtime/lock.ts';
import { Meter } from '../../src/runtime/metrics.ts';
import type { Operations } from '../../src/runtime/operations.ts';
import { type Pipelines, runId } from '../../src/runtime/pipelines/pipelines.ts';
import { release, replay } from '../../src/runtime/replay.ts';
import { RunEventLog } from '../../src/runtime/run-event-log.ts';
import { openRuntime, type Runtime } from '../../src/runtime/runtime.ts';
import { pipelineStatuses, statusOf } from '../../src/runtime/status.ts';
import { trace } from '../../src/runtime/trace.ts';
import { type RunningServer, startServer } from '../../src/server/server.ts';
import { begin } from '../../src/stages/run/begin.ts';
import { plain } from '../../src/stages/verify/verify.ts';

export interface ApiOwner {
  runtime: Runtime;
  pipelines: Pipelines;
  server: RunningServer;
  operations: Operations;
}

export async function startApiOwner(t: Pick<TestContext, 'after'>, dir: string): Promise<ApiOwner> {
  const runtime = await openRuntime({ dir, command: 'granary up' });
  const pipelines = await runtime.pipelines();
  const operations = operationsOf(runtime, pipelines);
  const { state, clock } = runtime.context;
  const server = await startServer(operations, {
    dataDir: runtime.project.dataDir,
    version: '0.1.0',
    state,
    clock,
    log: () => undefined,
  });
  t.after(async () => {
    await server.close(100);
    await runtime.close();
  });
  return { runtime, pipelines, server, operations };
}

function operationsOf(runtime: Runtime, pipelines: Pipelines): Operations {
  const { context, project } = runtime;
  const { orchestrator } = pipelines;
  const { clock } = context;
  const log = new RunEventLog();
  /** One place closes the record of a run; others wait for it. */
  const finishing = new Map<string, Promise<RunDoc>>();
  const missing = (): never => {
    throw new GranaryError('internal', 'This owner has no such operation.');
  };
  const find = async (id: string): Promise<RunDoc> => {
    const doc = await context.state.get(RUNS, id);
    if (!doc) throw new GranaryError('run.not_found', `There is no run ${id}.`);
    return plain<RunDoc>(doc);
  };
  const ready = { ready: true, reasons: [] };
  const live = async () => ({
    owner: await readHolder(project.dataDir),
    readiness: ready,
    paused: await orchestrator.paused(),
    steps: (run: string) => orchestrator.current(run),
  });
  const paused = async (name: string) => {
    const all = await pipelineStatuses(context, await live());
    return all.find((p) => p.name === name) ?? missing();
  };
  const start: Operations['startRun'] = async ({
    command,
    pipeline: name = 'daily',
    sources,
    skipCollect,
    parameters,
  }) => {
    const pipeline = findPipeline(project, name);
    if (!pipeline) throw new GranaryError('run.not_found', `The project has no pipeline ${name}.`);
    const machine = compilePipeline(project, pipeline, {
      ...(sources && { sources }),
      ...(skipCollect && { skipCollect }),
    });
    const input = { command, trigger: 'manual', retry_dead_letters: true, ...(parameters && { parameters }) };
    const id = runId(clock);
    // The record comes first: a run that is stopped before its first step has one, too.
    await begin({ run: id, pipeline: name, request: input }, context);
    const unfollow = pipelines.follow(id, (event) => log.add(id, event));
    await pipelines.start({ id, pipeline: name, machine, input });
    const finished = pipelines.finish(id).then((doc) => {
      unfollow();
      log.end(doc);
      return doc;
    });
    // Runs that go on with the next owner end nowhere here.
    finished.catch(() => undefined);
    finishing.set(id, finished);
    return { run: id };
  };
  return {
    readiness: async () => ready,
    status: async () => statusOf(context, '0.1.0', await live()),
    metrics: () => new Figures({ context, meter: new Meter(), orchestrator }).collect(),
    pipelines: async () => pipelineStatuses(context, await live()),
    async pausePipeline(name) {
      await orchestrator.pause(name);
      return paused(name);
    },
    async resumePipeline(name) {
      await orchestrator.resume(name);
      return paused(name);
    },
    startRun: start,
    runs: ({ limit = 20 }) => findRuns(limit, context),
    run: async (id) => ({
      run: await find(id),
      execution: (await orchestrator.get(id)) ?? null,
      steps: await orchestrator.current(id),
    }),
    history: (id, options) => orchestrator.history(id, options),
    followRun: (id, options) =>
      log.follow(id, {
        ...options,
        over: async () => {
          const doc = await find(id);
          return doc.status === 'running' ? undefined : doc;
        },
      }),
    async cancelRun(id) {
      if ((await orchestrator.get(id))?.status === 'RUNNING') await orchestrator.cancel(id, 'Stopped by request.');
      return (await finishing.get(id)) ?? find(id);
    },
    redriveRun: missing,
    deadLetters: missing,
    replayDeadLetters: missing,
    discardDeadLetters: missing,
    expectations: missing,
    forgive: missing,
    async replay(selection, by) {
      const objects = await replay(selection, context);
      if (objects.length === 0) return { objects, run: null };
      return { objects, run: (await start({ command: 'granary replay', skipCollect: true }, by)).run };
    },
    async release(ids, by) {
      const objects: ObjectDoc[] = [];
      for (const id of ids) objects.push(await release(id, context));
      return { objects, run: (await start({ command: 'granary quarantine release', skipCollect: true }, by)).run };
    },
    planBackfill: missing,
    startBackfill: missing,
    query: (sql, options) => context.warehouse.query(sql, options),
    books: (filter) => findBooks(filter, context),
    trace: (table, words) => trace(table, words, runtime),
    logs: missing,
  };
}
