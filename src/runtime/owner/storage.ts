/** Whether the data directory can take more: a disk that is full stops everything, and a probe should say so before a person finds out. */
import { statfs } from 'node:fs/promises';
import { asGranaryError } from '../../lib/errors.ts';
import { formatBytes } from '../../lib/units.ts';
import type { Collection } from '../../ports/state-store.ts';
import type { StageContext } from '../../stages/context.ts';

/** Below this nothing of use can be loaded. */
const LEAST_FREE_BYTES = 100e6;
const PROBES: Collection<{ id: string; at: number }> = { name: 'probes', indexes: {} };

/** Sentences; none when all is well. */
export async function storageProblems({ project, state, clock }: StageContext): Promise<string[]> {
  const problems: string[] = [];
  const disk = await statfs(project.dataDir).catch(() => undefined);
  const free = disk && disk.bavail * disk.bsize;
  if (free !== undefined && free < LEAST_FREE_BYTES)
    problems.push(`The disk of ${project.dataDir} has ${formatBytes(free)} left.`);
  try {
    await state.put(PROBES, { id: 'ready', at: clock.now() });
  } catch (e) {
    problems.push(`The state store cannot be written: ${asGranaryError(e).message}`);
  }
  return problems;
}
