/** `granary run`. */
import { checkDatasets } from '../../runtime/names.ts';
import type { Call, ExitCode } from '../command.ts';
import { withRuntime } from '../open.ts';
import { processAndTell } from '../processing.ts';

export async function execute(call: Call): Promise<ExitCode> {
  const { options } = call;
  const sources = options.list('source');
  return withRuntime(call, (runtime) => {
    checkDatasets(sources, runtime.project);
    return processAndTell(call, runtime, {
      ...(sources.length > 0 && { sources }),
      skipCollect: options.on('skip-collect'),
      failOn: options.list('fail-on'),
    });
  });
}
