/** `granary up` in the process of the demo, in the time of the story, and the commands that people type beside it. */
import { type CommandSpec, EXIT } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/commands.ts';
import { parseCommandLine } from '../../src/cli/parse.ts';
import type { Terminal } from '../../src/cli/terminal/terminal.ts';
import { formatCount } from '../../src/lib/units.ts';
import type { RunDoc } from '../../src/model/runs.ts';
import type { Operations } from '../../src/runtime/operations.ts';
import { startOwner } from '../../src/runtime/owner/owner.ts';
import { openRuntime, type Runtime } from '../../src/runtime/runtime.ts';
import { productVersion } from '../../src/runtime/version.ts';
import { startServer } from '../../src/server/server.ts';
import type { StoryClock } from './clock.ts';

export interface Up {
  runtime: Runtime;
  operations: Operations;
  /** Runs that have ended, oldest first. */
  runs: readonly RunDoc[];
  /** By path: how much of a file was there already when it was landed. */
  resumedAt: ReadonlyMap<string, number>;
  /** What went wrong outside of runs: nothing of it is part of the story. */
  problems: readonly string[];
  isIdle(): Promise<boolean>;
  /** Ends as Ctrl-C ends `granary up`. */
  stop(): Promise<void>;
}

const GRACE_MS = 10_000;
const WAIT_MS = 600_000;
const LOOK_MS = 200;

/** The owner, its schedules and its API, as `granary up` starts them. Tells of runs that files have started. */
export async function up(dir: string, clock: StoryClock, terminal: Terminal): Promise<Up> {
  const version = await productVersion();
  const runtime = await openRuntime({
    dir,
    clock,
    command: 'npm run demo',
    onProgress: (progress) => terminal.bars.update(progress),
  });
  const runs: RunDoc[] = [];
  const resumedAt = new Map<string, number>();
  const problems: string[] = [];
  try {
    (await runtime.pipelines()).follow(undefined, (event) => {
      if ('object' in event && typeof event.object === 'object') terminal.bars.finish(event.object.file);
      if (event.type === 'landed') resumedAt.set(event.path, event.output.resumedAt);
      if (event.type === 'failed') terminal.bars.finish(event.what);
    });
    const owner = await startOwner({
      runtime,
      version,
      onProblem: (what, error) => problems.push(`${what}: ${error.message}`),
      onRun(run) {
        runs.push(run);
        if (run.trigger === 'arrival') terminal.line(outcomeLine(run, terminal));
      },
    });
    const { project, context, log } = runtime;
    const server = await startServer(owner.operations, {
      dataDir: project.dataDir,
      version,
      state: context.state,
      clock,
      log: ({ level, message, ...facts }) => log(level as 'info', String(message), facts as Record<string, string>),
    });
    return {
      runtime,
      operations: owner.operations,
      runs,
      resumedAt,
      problems,
      isIdle: () => owner.isIdle(),
      async stop() {
        terminal.bars.clear();
        await server.close();
        await owner.stop(GRACE_MS);
        await runtime.close();
      },
    };
  } catch (e) {
    await runtime.close();
    throw e;
  }
}

function outcomeLine({ pipeline, status, landed, totals }: RunDoc, { style }: Terminal): string {
  const paint = status === 'succeeded' ? style.green : style.yellow;
  const count = (n: number, what: string) => `${formatCount(n).padStart(what === 'landed' ? 4 : 9)} ${what}`;
  return `  ${paint('■')} ${pipeline.padEnd(8)} ${paint(status.padEnd(9))} ${count(landed, 'landed')} ${count(totals.loaded, 'rows loaded')}`;
}

/** Waits until it is so. Errors: what is waited for, when it has not come after ten minutes. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const began = performance.now(); !(await isSo()); ) {
    if (performance.now() - began > WAIT_MS) throw new Error(`The demo has waited in vain: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/**
 * A command as it is typed. Those that change anything ask the owner over its API, and wait for the run that they start. What it tells goes to
 * `told`; its line is on `terminal` in any case. Errors: those of the command.
 */
export async function granary(line: string, dir: string, terminal: Terminal, told = terminal): Promise<void> {
  terminal.line();
  terminal.line(`  ${terminal.style.cyan(`granary ${line}`)}`);
  const words = [...line.split(' '), '--dir', dir];
  const { command, arguments: given, options } = parseCommandLine(words, COMMANDS as readonly CommandSpec[]);
  const { execute } = await command!.load();
  const { signal } = new AbortController();
  const call = { line: `granary ${line}`, arguments: given, options, commands: COMMANDS, terminal: told, signal };
  const code = await execute(call);
  if (code !== EXIT.ok) throw new Error(`granary ${line} has ended with ${code}.`);
}
