/** Limits of worker processes, from the project. */
import { availableParallelism } from 'node:os';
import type { Project } from '../../project/project.ts';
import type { ClassLimits, WorkerClass } from './protocol.ts';

export function workerLimits(project: Project): Record<WorkerClass, ClassLimits> {
  const { workers } = project.config;
  return { short: limitsOf(workers), long: limitsOf(workers.long) };
}

interface Configured {
  count: number;
  memory: number;
  threads: number | undefined;
  timeout: number;
  max_resident: number | undefined;
}

function limitsOf({ count, memory, threads = availableParallelism(), timeout, max_resident }: Configured): ClassLimits {
  return {
    count,
    engine: { memory, threads },
    timeoutSeconds: timeout,
    maxResidentBytes: max_resident ?? residentFor(memory),
  };
}

/** The engine may exceed its memory by 15 %; code, heap and buffers of a worker have taken 300 MB at most. */
const residentFor = (engineMemory: number): number => Math.round(1.25 * engineMemory + 750e6);
