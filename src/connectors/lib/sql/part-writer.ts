/** Where a part goes that is read while others are. */
import { rm } from 'node:fs/promises';
import { copyFile, ScratchFile } from './scratch.ts';

/** To a file while parts before it are not done, and from then on to its place. */
export class PartWriter {
  readonly #path: string;
  readonly #place: (bytes: Uint8Array) => Promise<void>;
  readonly #isNext: () => boolean;
  #file: ScratchFile | undefined;

  /** `isNext`: the parts before it are done. `place` is used from then on only. */
  constructor(path: string, place: (bytes: Uint8Array) => Promise<void>, isNext: () => boolean) {
    this.#path = path;
    this.#place = place;
    this.#isNext = isNext;
  }

  /** One call after the other. Errors: `store.disk_full`, `store.io`, and those of `place`. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#isNext()) {
      await this.flush();
      await this.#place(bytes);
      return;
    }
    this.#file ??= await ScratchFile.create(this.#path);
    await this.#file.write(bytes);
  }

  /** What is in the file goes to its place. */
  async flush(): Promise<void> {
    if (!this.#file) return;
    await this.close();
    this.#file = undefined;
    await copyFile(this.#path, this.#place);
    await rm(this.#path);
  }

  /** The file is closed, and stays. */
  async close(): Promise<void> {
    await this.#file?.close();
  }
}
