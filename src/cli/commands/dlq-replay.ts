/** `granary dlq replay`. */
import { replayDeadLetters } from '../../runtime/dead-letters.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { chosenLetters } from '../dead-letter-choice.ts';
import { withRuntime } from '../open.ts';
import { processAndTell } from '../processing.ts';
import { whoAmI } from './dlq-discard.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { terminal } = call;
  const filter = chosenLetters(call);
  return withRuntime(call, async (runtime) => {
    const plan = await replayDeadLetters(filter, whoAmI(), runtime.context);
    if (plan.letters.length === 0) {
      terminal.document({ letters: 0 });
      terminal.line('There is nothing to replay.');
      return EXIT.ok;
    }
    terminal.note(`Trying ${plan.letters.length} dead ${plan.letters.length === 1 ? 'letter' : 'letters'} again.`);
    const { orchestrator } = await runtime.pipelines();
    for (const run of plan.redrive) await orchestrator.redrive(run);
    return processAndTell(call, runtime, {
      ...(plan.sources.length > 0 && { sources: plan.sources }),
      skipCollect: !plan.collect,
      failOn: [],
    });
  });
}
