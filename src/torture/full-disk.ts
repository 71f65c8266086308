/** A disk that runs full in the middle of a run: a small file system in memory, mounted as the data directory of a copy. */
import { execFileSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Child, stillRuns } from './children.ts';

/** Room for the stores to open in, in MiB, before data comes. */
const TIGHT_MIB = 8;
const AMPLE_MIB = 4096;
/** How long it may find the disk full: longer than its own tries take. One that cannot even record that a step failed waits for space. */
const FULL_MS = 60_000;

/**
 * Runs once with hardly any space, then gives it space, in which it goes on or is run again, and lets the copy have what it has written.
 * Returns why it could not be done, or undefined. The caller completes the run and compares.
 */
export async function fullDisk(dir: string, start: (dir: string) => Child): Promise<string | undefined> {
  const data = join(dir, '.granary');
  await mkdir(data, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${TIGHT_MIB}m`, 'tmpfs', data], { stdio: 'ignore' });
  } catch {
    return 'mounting a small file system needs root on Linux';
  }
  try {
    const full = start(dir);
    await stillRuns(full, FULL_MS);
    execFileSync('mount', ['-o', `remount,size=${AMPLE_MIB}m`, data], { stdio: 'ignore' });
    await full.ended;
    await start(dir).ended;
    const kept = `${data}.kept`;
    execFileSync('cp', ['-a', data, kept]);
    execFileSync('umount', ['-l', data]);
    await rm(data, { recursive: true, force: true });
    execFileSync('mv', [kept, data]);
  } catch (e) {
    execFileSync('umount', ['-l', data], { stdio: 'ignore' });
    throw e;
  }
  return undefined;
}
