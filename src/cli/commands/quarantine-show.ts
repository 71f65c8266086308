/** `granary quarantine show`. */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { findObject } from '../../runtime/replay.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { objectLines } from '../object-lines.ts';
import { withState } from '../open.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const to = call.options.text('to');
  const object = await withState(call, async (context) => {
    const found = await findObject(call.arguments[0]!, context);
    if (to !== undefined) await pipeline(await context.objects.get(found.key), createWriteStream(to, { flags: 'wx' }));
    return found;
  });
  terminal.document(object);
  terminal.lines(objectLines(object, terminal.style));
  if (to !== undefined) terminal.note(`Its ${object.bytes} bytes are in ${to}.`);
  return EXIT.ok;
}
