/** `granary quarantine release`. */
import type { ObjectDoc } from '../../model/objects.ts';
import { release } from '../../runtime/replay.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime } from '../open.ts';
import { followAndTell, processAndTell } from '../processing.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const tell = (object: ObjectDoc) =>
    call.terminal.note(`${object.file} is released, in spite of: ${object.reasons.map((r) => r.code).join(', ')}.`);
  const owner = await ownerOf(call);
  if (owner) {
    const { objects, run } = await owner.post<{ objects: ObjectDoc[]; run: string | null }>('/v1/objects/release', {
      objects: call.arguments,
    });
    objects.forEach(tell);
    return run === null ? EXIT.ok : followAndTell(call, owner, run, []);
  }
  return withRuntime(call, async (runtime) => {
    for (const id of call.arguments) tell(await release(id, runtime.context));
    return processAndTell(call, runtime, { skipCollect: true, failOn: [] });
  });
}
