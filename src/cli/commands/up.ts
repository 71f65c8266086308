/** `granary up`: the owner of the data directory in the foreground. */
import type { LogFields } from '../../lib/log.ts';
import { isoNow } from '../../ports/clock.ts';
import type { LogLine } from '../../runtime/operations.ts';
import { type Owner, startOwner } from '../../runtime/owner/owner.ts';
import { openRuntime, type Runtime } from '../../runtime/runtime.ts';
import { productVersion } from '../../runtime/version.ts';
import { type RunningServer, startServer } from '../../server/server.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { projectOptions } from '../open.ts';
import { eventLine } from '../run-lines.ts';
import type { Terminal } from '../terminal/terminal.ts';

const GRACE_S = 30;
/** With --once: how long nothing may happen before it ends, so that a watched folder has been looked at. */
const QUIET_MS = 1500;
const LOOK_MS = 250;

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal, options, signal } = call;
  const version = await productVersion();
  // Without the signal: stopping is done step by step below.
  const runtime = await openRuntime({
    ...(await projectOptions(call)),
    command: call.line,
    waitSeconds: options.duration('wait') ?? 0,
    onTrouble: (error) => terminal.note(`Nothing goes on: ${error.message} It is tried again; make space.`),
    onProgress: (progress) => terminal.bars.update(progress),
  });
  let owner: Owner | undefined;
  let server: RunningServer | undefined;
  try {
    const stopTelling = await tellRuns(runtime, terminal);
    owner = await startOwner({
      runtime,
      version,
      onProblem(what, error) {
        runtime.log('warn', `${what}: ${error.message}`, { code: error.code });
        terminal.note(`${what}: ${error.message}`);
      },
      onRun(run) {
        runtime.log(run.status === 'failed' ? 'error' : 'info', `run ${run.status}`, { run: run.id });
        terminal.line(outcomeLine(run, terminal));
      },
    });
    server = await serve(owner, runtime, version);
    runtime.log('info', `up: ${runtime.project.config.name}`, {});
    tellReady(runtime, server, terminal);
    await (options.on('once') ? untilIdle(owner, signal) : aborted(signal));
    stopTelling();
  } finally {
    terminal.bars.clear();
    await server?.close();
    await owner?.stop((options.duration('grace') ?? GRACE_S) * 1000);
    await runtime.close();
  }
  return EXIT.ok;
}

async function tellRuns(runtime: Runtime, terminal: Terminal): Promise<() => void> {
  const pipelines = await runtime.pipelines();
  return pipelines.follow(undefined, (event) => {
    if ('object' in event && typeof event.object === 'object') terminal.bars.finish(event.object.file);
    if (event.type === 'failed') terminal.bars.finish(event.what);
    const line = eventLine(event, terminal.style);
    if (line !== undefined) terminal.line(line);
  });
}

function serve(owner: Owner, runtime: Runtime, version: string): Promise<RunningServer> {
  const { project, context, log } = runtime;
  const { server } = project.config;
  return startServer(owner.operations, {
    dataDir: project.dataDir,
    listen: server.listen,
    expose: server.expose,
    hosts: server.hosts ?? [],
    version,
    state: context.state,
    clock: context.clock,
    log(line) {
      const { level, message, ...facts } = line as LogLine;
      log(level, message, facts as LogFields);
    },
  });
}

function tellReady({ project, context }: Runtime, server: RunningServer, terminal: Terminal): void {
  const { style } = terminal;
  const sources = project.sources.size;
  terminal.line(
    `${style.green('●')} ${style.bold(project.config.name)} is up since ${isoNow(context.clock).slice(11, 19)} UTC: ${sources} ${sources === 1 ? 'source' : 'sources'}${server.addresses.tcp ? `, API at ${server.addresses.tcp}` : ''}. ${style.dim('granary status · Ctrl-C stops it')}`,
  );
}

function outcomeLine(
  run: { id: string; pipeline: string; trigger: string; status: string; totals: { loaded: number; rejected: number } },
  { style }: Terminal,
): string {
  const paint = run.status === 'succeeded' ? style.green : run.status === 'failed' ? style.red : style.yellow;
  const rejected = run.totals.rejected > 0 ? `, ${run.totals.rejected} rejected` : '';
  return `${paint('■')} ${run.pipeline} ${paint(run.status)}  ${run.totals.loaded} rows loaded${rejected}  ${style.dim(`${run.trigger}, ${run.id}`)}`;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    // Signals are left alone while the process waits: something has to keep it.
    const alive = setInterval(() => undefined, 60_000);
    signal.addEventListener(
      'abort',
      () => {
        clearInterval(alive);
        done();
      },
      { once: true },
    );
  });
}

async function untilIdle(owner: Owner, signal: AbortSignal): Promise<void> {
  let quiet = 0;
  while (!signal.aborted && quiet < QUIET_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    quiet = (await owner.isIdle()) ? quiet + LOOK_MS : 0;
  }
}
