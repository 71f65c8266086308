/** `granary dlq replay`. */
import { replayDeadLetters } from '../../runtime/dead-letters.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { chosenLetters } from '../dead-letter-choice.ts';
import { ownerOf, withRuntime } from '../open.ts';
import { followAndTell, processAndTell } from '../processing.ts';
import { whoAmI } from './dlq-discard.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const filter = chosenLetters(call);
  const owner = await ownerOf(call);
  if (owner) {
    const { letters, runs } = await owner.post<{ letters: unknown[]; runs: string[] }>(
      '/v1/dead-letters/replay',
      filter,
    );
    tellChosen(letters.length, call);
    let worst: ExitCode = EXIT.ok;
    for (const run of runs) {
      const code = await followAndTell(call, owner, run, []);
      if (code !== EXIT.ok) worst = code;
    }
    return worst;
  }
  return withRuntime(call, async (runtime) => {
    const plan = await replayDeadLetters(filter, whoAmI(), runtime.context);
    if (!tellChosen(plan.letters.length, call)) return EXIT.ok;
    const { orchestrator } = await runtime.pipelines();
    for (const run of plan.redrive) await orchestrator.redrive(run);
    return processAndTell(call, runtime, {
      ...(plan.sources.length > 0 && { sources: plan.sources }),
      skipCollect: !plan.collect,
      failOn: [],
    });
  });
}

/** Says how many there are; false when there are none. */
function tellChosen(letters: number, { terminal }: Call): boolean {
  if (letters === 0) {
    terminal.document({ letters: 0 });
    terminal.line('There is nothing to replay.');
    return false;
  }
  terminal.note(`Trying ${letters} dead ${letters === 1 ? 'letter' : 'letters'} again.`);
  return true;
}
