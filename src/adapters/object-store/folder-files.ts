/** Names in folders: made durable (they survive a kill of the process and a power cut), looked up, measured, removed. */
import type { Dirent, Stats } from 'node:fs';
import { link, mkdir, open, readdir, rename, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode } from './folder-errors.ts';

/** Gives a finished, synced file a second, final name. False when that name is taken: of two callers one wins. */
export async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await inFolderOf(to, () => link(from, to));
  } catch (e) {
    if (errorCode(e) === 'EEXIST' && (await stat(to)).isFile()) return false;
    throw e;
  }
  await syncFolder(dirname(to));
  return true;
}

/** Moves a finished, synced file to its final name, over what was there. The caller syncs the folder (`syncFolder`). */
export async function renameOver(from: string, to: string): Promise<void> {
  await inFolderOf(to, () => rename(from, to));
}

/** Runs `place` once the folder of `path` is there, again if someone removed the folder, empty as it was, in between. */
async function inFolderOf(path: string, place: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    await makeFolder(dirname(path));
    try {
      return await place();
    } catch (e) {
      if (errorCode(e) !== 'ENOENT' || attempt === 10) throw e;
    }
  }
}

/** Makes a folder and its parents, durably. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let folder = path; folder.length >= first.length; folder = dirname(folder)) await syncFolder(dirname(folder));
}

/** Makes new names in a folder durable. A folder that is gone needs no syncing. */
export async function syncFolder(path: string): Promise<void> {
  try {
    await syncFile(path);
  } catch (e) {
    if (errorCode(e) !== 'ENOENT') throw e;
  }
}

/** Makes what others wrote to a file durable. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Undefined when nothing is there. */
export async function statOrNothing(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (e) {
    if (errorCode(e) === 'ENOENT' || errorCode(e) === 'ENOTDIR') return undefined;
    throw e;
  }
}

/** Entries of a folder; none when it is not there. */
export async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (e) {
    if (errorCode(e) === 'ENOENT' || errorCode(e) === 'ENOTDIR') return [];
    throw e;
  }
}

/** False when the folder holds something. One that is gone counts as removed. */
export async function removeIfEmpty(path: string): Promise<boolean> {
  try {
    await rmdir(path);
  } catch (e) {
    if (errorCode(e) === 'ENOTEMPTY' || errorCode(e) === 'EEXIST') return false;
    if (errorCode(e) !== 'ENOENT') throw e;
  }
  return true;
}

/** Bytes and time of last change (ms since 1970) of a file, or of a folder and all within. Undefined when it has gone meanwhile. */
export async function measure(path: string): Promise<{ bytes: number; changedAt: number } | undefined> {
  const top = await statOrNothing(path);
  if (!top) return undefined;
  let bytes = top.isFile() ? top.size : 0;
  let changedAt = top.mtimeMs;
  if (top.isDirectory()) {
    for (const entry of await readFolder(path)) {
      const inner = await measure(join(path, entry.name));
      bytes += inner?.bytes ?? 0;
      changedAt = Math.max(changedAt, inner?.changedAt ?? 0);
    }
  }
  return { bytes, changedAt };
}
