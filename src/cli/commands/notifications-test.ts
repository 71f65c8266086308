/** `granary notifications test`. */
import { channelsOf, testChannel } from '../../runtime/notifications/review.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const sent = await withState(call, async (context, project) => {
    const [named] = call.arguments;
    const names = named === undefined ? Object.keys(channelsOf(project)) : [named];
    for (const name of names) {
      await testChannel(name, context);
      terminal.line(`${terminal.style.green('✓')} ${name}  sent`);
    }
    return names;
  });
  if (sent.length === 0) terminal.line('There is no channel: `notifications` in granary.yaml declares them.');
  terminal.document({ sent });
  return EXIT.ok;
}
