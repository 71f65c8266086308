/** Resident memory of a process, as the system counts it. */
import { readFileSync } from 'node:fs';

export interface Resident {
  /** Bytes now. */
  now: number;
  /** Most bytes so far. */
  peak: number;
}

/** Undefined where the system has no /proc, or no such process. */
export function residentOf(pid: number): Resident | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kib = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN);
    const now = kib('VmRSS') * 1024;
    return Number.isNaN(now) ? undefined : { now, peak: kib('VmHWM') * 1024 };
  } catch {
    return undefined;
  }
}
