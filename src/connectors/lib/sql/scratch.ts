/** Files that an extraction keeps for a while. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { GranaryError } from '../../../lib/errors.ts';
import { codeOf } from '../network.ts';

export class ScratchFile {
  readonly path: string;
  readonly #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  static async create(path: string): Promise<ScratchFile> {
    return new ScratchFile(path, await open(path, 'w'));
  }

  /** Errors: `store.disk_full`, `store.io`. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at, bytes.length - at)).bytesWritten;
    } catch (e) {
      if (codeOf(e) === 'ENOSPC')
        throw new GranaryError('store.disk_full', 'The disk is full.', {
          hint: 'Free space, or give more to the data directory, and run again.',
          cause: e,
        });
      throw new GranaryError('store.io', `"${this.path}" cannot be written`, { cause: e });
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export async function copyFile(path: string, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) await write(chunk as Buffer);
}
