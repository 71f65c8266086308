/** `granary quarantine release`. */
import { release } from '../../runtime/replay.ts';
import type { Call, ExitCode } from '../command.ts';
import { withRuntime } from '../open.ts';
import { processAndTell } from '../processing.ts';

export async function execute(call: Call): Promise<ExitCode> {
  return withRuntime(call, async (runtime) => {
    for (const id of call.arguments) {
      const object = await release(id, runtime.context);
      call.terminal.note(`${object.file} is released, in spite of: ${object.reasons.map((r) => r.code).join(', ')}.`);
    }
    return processAndTell(call, runtime, { skipCollect: true, failOn: [] });
  });
}
