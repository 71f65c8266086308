/** `granary notifications resend`. */
import { plural } from '../../lib/units.ts';
import { resendFailed } from '../../runtime/notifications/review.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withState } from '../open.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const messages = await withState(call, ({ state, clock }) => resendFailed(state, clock.now()));
  terminal.document({ messages });
  terminal.line(
    messages === 0
      ? 'No message was given up.'
      : `${plural(messages, 'message')} will go out within a minute while \`granary up\` runs.`,
  );
  return EXIT.ok;
}
