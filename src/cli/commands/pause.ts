/** `granary pause`. */
import type { Call, ExitCode } from '../command.ts';
import { setPaused } from '../pausing.ts';

export async function execute(call: Call): Promise<ExitCode> {
  return setPaused(call, true);
}
