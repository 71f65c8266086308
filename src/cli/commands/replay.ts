/** `granary replay`. */
import { checkDatasets } from '../../runtime/names.ts';
import { replay } from '../../runtime/replay.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { withRuntime } from '../open.ts';
import { usage } from '../parse.ts';
import { processAndTell } from '../processing.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { options, terminal } = call;
  const datasets = options.list('dataset');
  const quarantined = options.on('quarantined');
  const rejects = options.on('rejects');
  if (call.arguments.length === 0 && datasets.length === 0 && !quarantined && !rejects)
    throw usage('What is to be replayed?', 'Name objects, or use --dataset, --quarantined or --rejects.');
  return withRuntime(call, async (runtime) => {
    checkDatasets(datasets, runtime.project);
    const chosen = await replay(
      {
        ...(call.arguments.length > 0 && { objects: [...call.arguments] }),
        ...(datasets.length > 0 && { datasets }),
        quarantined,
        rejects,
      },
      runtime.context,
    );
    if (chosen.length === 0) {
      terminal.document({ objects: 0 });
      terminal.line('There is nothing to replay.');
      return EXIT.ok;
    }
    terminal.note(`Replaying ${chosen.length} ${chosen.length === 1 ? 'object' : 'objects'}.`);
    return processAndTell(call, runtime, { skipCollect: true, failOn: options.list('fail-on') });
  });
}
