/** `granary run`. */
import { checkDatasets } from '../../runtime/names.ts';
import { type Call, EXIT, type ExitCode } from '../command.ts';
import { ownerOf, withRuntime } from '../open.ts';
import { usage } from '../parse.ts';
import { followAndTell, processAndTell } from '../processing.ts';
import { readParameters } from '../settings.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { options, terminal } = call;
  const sources = options.list('source');
  const pipeline = options.text('pipeline');
  const parameters = readParameters(options.list('parameter'));
  const failOn = options.list('fail-on');
  const request = {
    ...(pipeline !== undefined && { pipeline }),
    ...(sources.length > 0 && { sources }),
    skipCollect: options.on('skip-collect'),
    ...(Object.keys(parameters).length > 0 && { parameters }),
  };
  const owner = await ownerOf(call);
  if (owner) {
    const { run } = await owner.post<{ run: string }>('/v1/runs', { ...request, command: call.line });
    if (!options.on('detach')) return followAndTell(call, owner, run, failOn);
    terminal.document({ run });
    terminal.line(run);
    return EXIT.ok;
  }
  if (options.on('detach'))
    throw usage('Nothing runs that the run could be left to', 'Start `granary up`, or leave out --detach.');
  return withRuntime(call, (runtime) => {
    checkDatasets(sources, runtime.project);
    return processAndTell(call, runtime, { ...request, failOn });
  });
}
