/** A disk that runs full in the middle of a run: a small file system in memory, mounted as the data directory of a copy. */
import { execFileSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Child } from './children.ts';

/** Room for the stores to open in, in MiB, before data comes. */
const TIGHT_MIB = 8;
const AMPLE_MIB = 4096;

/**
 * Runs once with hardly any space, then lets the copy have what it has written and all the space of the real disk. Returns why it could not be
 * done, or undefined. The caller completes the run and compares.
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
    await start(dir).ended;
    execFileSync('mount', ['-o', `remount,size=${AMPLE_MIB}m`, data], { stdio: 'ignore' });
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
