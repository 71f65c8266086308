/** A disk that fills up fast. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** Folder of a file system of `mib` MiB. Undefined, and the test skipped (failed under CI), where this user cannot mount one. */
export async function smallDisk(t: TestContext, mib: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'granary-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    await rmdir(folder);
    if (process.env['CI']) assert.fail('CI must be able to mount a small tmpfs for the disk-full tests');
    t.skip('needs the right to mount a tmpfs');
    return undefined;
  }
  t.after(async () => {
    execFileSync('umount', [folder]);
    await rmdir(folder);
  });
  return folder;
}
