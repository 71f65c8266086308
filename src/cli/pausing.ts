/** What `pause` and `resume` share. */
import { GranaryError } from '../lib/errors.ts';
import { nearest } from '../lib/nearest.ts';
import { pipelinesOf } from '../project/pipelines.ts';
import { type Call, EXIT, type ExitCode } from './command.ts';
import { ownerOf, withRuntime } from './open.ts';

/** Durable: it holds for an owner that is started later, too. Errors: `run.not_found`. */
export async function setPaused(call: Call, paused: boolean): Promise<ExitCode> {
  const { terminal } = call;
  const names = call.arguments;
  const owner = await ownerOf(call);
  if (owner)
    for (const name of names)
      await owner.post(`/v1/pipelines/${encodeURIComponent(name)}/${paused ? 'pause' : 'resume'}`);
  else
    await withRuntime(call, async (runtime) => {
      const known = pipelinesOf(runtime.project).map((p) => p.name);
      for (const name of names) {
        if (known.includes(name)) continue;
        const near = nearest(name, known);
        throw new GranaryError('run.not_found', `The project has no pipeline ${name}.`, {
          hint: near ? `Did you mean ${near}?` : '`granary status --all` lists them.',
        });
      }
      const { orchestrator } = await runtime.pipelines();
      for (const name of names) await (paused ? orchestrator.pause(name) : orchestrator.resume(name));
    });
  terminal.document({ pipelines: names, paused });
  for (const name of names)
    terminal.line(
      paused ? `${name} is paused: steps in flight end, no new ones begin. granary resume ${name}` : `${name} goes on.`,
    );
  return EXIT.ok;
}
