/** `granary dlq discard`. */
import { discardDeadLetters } from '../../runtime/dead-letters.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { chosenLetters } from '../dead-letter-choice.ts';
import { withState } from '../open.ts';
import { usage } from '../parse.ts';
import { visible } from '../terminal/style.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const filter = chosenLetters(call);
  const reason = call.options.text('reason');
  if (reason === undefined) throw usage('Why are they discarded?', 'Add --reason "…": it stays in the history.');
  const ended = await withState(call, (context) => discardDeadLetters(filter, reason, whoAmI(), context));
  terminal.document(ended);
  for (const d of ended) terminal.line(`${terminal.style.dim('–')} ${visible(d.name || d.pipeline)}  discarded`);
  if (ended.length === 0) terminal.line('There was nothing to discard.');
  return EXIT.ok;
}

/** Who typed it, for the history. */
export function whoAmI(): string {
  return (
    process.env['SUDO_USER'] ?? process.env['USER'] ?? process.env['LOGNAME'] ?? `uid ${process.getuid?.() ?? '?'}`
  );
}
