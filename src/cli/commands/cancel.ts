/** `granary cancel`. */
import { GranaryError } from '../../lib/errors.ts';
import type { RunDoc } from '../../model/runs.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime } from '../open.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const owner = await ownerOf(call);
  const stopped: RunDoc[] = [];
  if (owner)
    for (const id of call.arguments)
      stopped.push(await owner.post<RunDoc>(`/v1/runs/${encodeURIComponent(id)}/cancel`));
  else
    await withRuntime(call, async (runtime) => {
      const pipelines = await runtime.pipelines();
      for (const id of call.arguments) {
        const execution = await pipelines.orchestrator.get(id);
        if (!execution)
          throw new GranaryError('run.not_found', `There is no run ${id}.`, { hint: '`granary runs` lists them.' });
        if (execution.status === 'RUNNING') await pipelines.orchestrator.cancel(id, 'Stopped by request.');
        stopped.push(await pipelines.close(id, await pipelines.orchestrator.get(id)));
      }
    });
  terminal.document(stopped);
  for (const run of stopped)
    terminal.line(run.status === 'interrupted' ? `${run.id} is stopped.` : `${run.id} was over: ${run.status}.`);
  return EXIT.ok;
}
