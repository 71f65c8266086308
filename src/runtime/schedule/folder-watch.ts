/**
 * Notices changes in the folders of a local source. The kernel's notices are only a wake-up: in a burst it drops some. A look at the
 * folders' times every second finds what it dropped, and a folder that changed within the last two seconds counts as changed at the next
 * look too, since times are coarse.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface WatchedFolder {
  /** Relative to the root. */
  folder: string;
  /** Levels of folders below it that matter. */
  depth: number;
}

const HOT_MS = 2000;
/** Folders with a watcher of their own; the others are only looked at. */
const MOST_WATCHERS = 2000;

export class FolderWatch {
  readonly #root: string;
  readonly #folders: readonly WatchedFolder[];
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();
  /** Times of the folders when they were last looked at. */
  #times = new Map<string, number>();
  #hot = new Set<string>();
  #closed = false;

  /** `onChange`: the kernel says that something has changed; called often. */
  constructor(root: string, folders: readonly WatchedFolder[], onChange: () => void) {
    this.#root = root;
    this.#folders = folders;
    this.#onChange = onChange;
  }

  /** Whether files may have come, gone or been renamed since the last call; true at the first. */
  async changed(): Promise<boolean> {
    const times = new Map<string, number>();
    for (const { folder, depth } of this.#folders) await this.#walk(join(this.#root, folder), depth, times);
    const now = Date.now();
    const hot = new Set<string>();
    let changed = times.size !== this.#times.size;
    for (const [path, time] of times) {
      if (this.#times.get(path) !== time || this.#hot.has(path)) changed = true;
      if (Math.abs(now - time) < HOT_MS) hot.add(path);
    }
    this.#times = times;
    this.#hot = hot;
    for (const [path, watcher] of this.#watchers)
      if (!times.has(path)) {
        watcher.close();
        this.#watchers.delete(path);
      }
    return changed;
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  /** Folders that cannot be read are left out: the look at the source says what is wrong with them. */
  async #walk(path: string, depth: number, times: Map<string, number>): Promise<void> {
    const facts = await stat(path).catch(() => undefined);
    if (!facts?.isDirectory() || (times.has(path) && depth === 0)) return;
    this.#watch(path);
    const known = this.#times.get(path);
    times.set(path, facts.mtimeMs);
    if (depth === 0) return;
    // Folders appear and vanish only with the time of the one they are in.
    if (known === facts.mtimeMs && !this.#hot.has(path)) {
      const below = [...this.#times.keys()].filter(
        (p) => p.startsWith(`${path}/`) && !p.slice(path.length + 1).includes('/'),
      );
      for (const child of below) await this.#walk(child, depth - 1, times);
      return;
    }
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => []))
      if (entry.isDirectory()) await this.#walk(join(path, entry.name), depth - 1, times);
  }

  #watch(path: string): void {
    if (this.#closed || this.#watchers.has(path) || this.#watchers.size >= MOST_WATCHERS) return;
    try {
      const watcher = watch(path, { persistent: false }, () => this.#onChange());
      // No watches left, or the folder went away: the looks go on.
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(path);
      });
      this.#watchers.set(path, watcher);
    } catch {
      // As above.
    }
  }
}
