/** `granary replay`. */
import { checkDatasets } from '../../runtime/names.ts';
import { replay } from '../../runtime/replay.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime } from '../open.ts';
import { usage } from '../parse.ts';
import { followAndTell, processAndTell } from '../processing.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { options } = call;
  const datasets = options.list('dataset');
  const quarantined = options.on('quarantined');
  const rejects = options.on('rejects');
  if (call.arguments.length === 0 && datasets.length === 0 && !quarantined && !rejects)
    throw usage('What is to be replayed?', 'Name objects, or use --dataset, --quarantined or --rejects.');
  const selection = {
    ...(call.arguments.length > 0 && { objects: [...call.arguments] }),
    ...(datasets.length > 0 && { datasets }),
    quarantined,
    rejects,
  };
  const failOn = options.list('fail-on');
  const owner = await ownerOf(call);
  if (owner) {
    const { objects, run } = await owner.post<{ objects: unknown[]; run: string | null }>(
      '/v1/objects/replay',
      selection,
    );
    if (!tellChosen(objects.length, call) || run === null) return EXIT.ok;
    return followAndTell(call, owner, run, failOn);
  }
  return withRuntime(call, async (runtime) => {
    checkDatasets(datasets, runtime.project);
    const chosen = await replay(selection, runtime.context);
    if (!tellChosen(chosen.length, call)) return EXIT.ok;
    return processAndTell(call, runtime, { skipCollect: true, failOn });
  });
}

/** Says how many there are; false when there are none. */
function tellChosen(objects: number, { terminal }: Call): boolean {
  if (objects === 0) {
    terminal.document({ objects: 0 });
    terminal.line('There is nothing to replay.');
    return false;
  }
  terminal.note(`Replaying ${objects} ${objects === 1 ? 'object' : 'objects'}.`);
  return true;
}
