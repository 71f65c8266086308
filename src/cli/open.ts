/** What commands work on: the project, the state of its data directory, or the whole runtime. */
import type { Project } from '../project/project.ts';
import { findProject } from '../project/project-files.ts';
import { openContext, openProject, type ProjectOptions } from '../runtime/context.ts';
import { openRuntime, type Runtime } from '../runtime/runtime.ts';
import type { StageContext } from '../stages/context.ts';
import type { Call } from './command.ts';
import { findOwner, type OwnerClient } from './owner-client.ts';

/** The project that the call means. Errors: `config.not_found`. */
export async function projectOptions({ options }: Call): Promise<ProjectOptions> {
  const environment = options.text('env');
  const dir = await findProject(options.text('dir') ?? '.');
  return { dir, ...(environment !== undefined && { environment }) };
}

/** Reads state and objects. Takes no lock: it works while another process owns the data directory. */
export async function withState<T>(
  call: Call,
  use: (context: StageContext, project: Project) => Promise<T>,
): Promise<T> {
  const { project } = await openProject(await projectOptions(call));
  const opened = await openContext(project, { signal: call.signal });
  try {
    return await use(opened.context, project);
  } finally {
    await opened.close();
  }
}

/** Owns the data directory while `use` works. Errors: `owner.busy` when another process does for longer than --wait. */
export async function withRuntime<T>(call: Call, use: (runtime: Runtime) => Promise<T>): Promise<T> {
  const { terminal, options } = call;
  const runtime = await openRuntime({
    ...(await projectOptions(call)),
    command: call.line,
    waitSeconds: options.duration('wait') ?? 0,
    onWait: (holder) => {
      const who = holder ? `"${holder.command}" (process ${holder.pid})` : 'another granary process';
      terminal.note(`Waiting for ${who}, which owns the data directory.`);
    },
    onTrouble: (error) =>
      terminal.note(`Nothing goes on: ${error.message} It is tried again; make space, or end it with Ctrl-C.`),
    onProgress: (progress) => terminal.bars.update(progress),
    signal: call.signal,
  });
  try {
    const { length } = runtime.warnings;
    if (length > 0)
      terminal.note(`${length} ${length === 1 ? 'warning' : 'warnings'} in the project: \`granary check\` shows them.`);
    return await use(runtime);
  } finally {
    terminal.bars.clear();
    await runtime.close();
  }
}

/** The API of the process that owns the data directory, if one runs and has an API. */
export async function ownerOf(call: Call): Promise<OwnerClient | undefined> {
  const { project } = await openProject(await projectOptions(call));
  return findOwner(project.dataDir);
}
