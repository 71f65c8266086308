/** `granary metrics`: what /metrics of the API says. */
import { renderOpenMetrics } from '../../lib/openmetrics.ts';
import { Figures } from '../../runtime/figures.ts';
import { Meter } from '../../runtime/metrics.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime } from '../open.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const owner = await ownerOf(call);
  const text = owner
    ? await owner.text('/metrics')
    : await withRuntime(call, async ({ context }) =>
        renderOpenMetrics(await new Figures({ context, meter: new Meter() }).collect()),
      );
  await call.terminal.write(text);
  return EXIT.ok;
}
