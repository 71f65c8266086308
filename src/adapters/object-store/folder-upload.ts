/**
 * A resumable upload is a folder with two files: `data`, the bytes, and `durable`, how many of them are known to be on disk. After a
 * power cut the length of `data` proves nothing (a file system may have grown the file before its bytes were written), so an
 * upload continues at the mark, which moves only after a sync.
 */
import { constants, createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectInfo, Upload } from '../../ports/object-store.ts';
import { FileWriter } from './file-writer.ts';
import { storeErrors } from './folder-errors.ts';
import { syncFolder } from './folder-files.ts';

/** While bytes keep coming, the mark is moved in the background each time this many are not yet durable: what a crash can cost. */
const MARK_EVERY_BYTES = 64 * 2 ** 20;

export interface UploadOptions {
  name: string;
  /** The upload's own folder; made if it is not there. */
  folder: string;
  /** Makes the synced file the object `key`, or throws `store.exists`. */
  publish(file: string, key: string): Promise<ObjectInfo>;
  /** Called once, when the upload is committed, suspended or aborted. */
  onClose(): void;
}

export class FolderUpload implements Upload {
  readonly #options: UploadOptions;
  readonly #data: FileHandle;
  readonly #mark: FileHandle;
  #writer: FileWriter;
  #offset: number;
  #durable: number;
  #marking: Promise<void> | undefined;
  #closed = false;

  static async open(options: UploadOptions): Promise<FolderUpload> {
    return storeErrors('open upload', options.name, async () => {
      const opened: FileHandle[] = [];
      try {
        await mkdir(options.folder, { recursive: true });
        await dropPublished(dataPath(options.folder));
        const data = await openOrCreate(dataPath(options.folder));
        opened.push(data);
        const mark = await openOrCreate(join(options.folder, 'durable'));
        opened.push(mark);
        const upload = new FolderUpload(options, data, mark, Math.min((await data.stat()).size, await readMark(mark)));
        await upload.#setMark(upload.#offset);
        await data.truncate(upload.#offset);
        return upload;
      } catch (e) {
        for (const handle of opened) await handle.close();
        throw e;
      }
    });
  }

  private constructor(options: UploadOptions, data: FileHandle, mark: FileHandle, offset: number) {
    this.#options = options;
    this.#data = data;
    this.#mark = mark;
    this.#offset = offset;
    this.#durable = offset;
    this.#writer = new FileWriter(data, offset);
  }

  get offset(): number {
    return this.#offset;
  }

  async *existing(): AsyncIterable<Uint8Array> {
    if (this.#offset === 0) return;
    yield* createReadStream(dataPath(this.#options.folder), { end: this.#offset - 1, highWaterMark: 2 ** 20 });
  }

  async restart(at = 0): Promise<void> {
    await this.#io('restart', async () => {
      await this.#writer.discard();
      await this.#marking;
      const kept = Math.min(at, this.#durable);
      await this.#setMark(kept);
      await this.#data.truncate(kept);
      this.#offset = kept;
    });
    this.#writer = new FileWriter(this.#data, this.#offset);
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#io('write', () => this.#writer.write(chunk));
    if (this.#marking === undefined && this.#writer.written - this.#durable >= MARK_EVERY_BYTES) {
      this.#marking = this.#moveMark().then(() => {
        this.#marking = undefined;
      });
      // A sync that failed once may succeed next time without having written: it stays failed, for `commit` to throw.
      this.#marking.catch(() => {});
    }
  }

  async commit(key: string): Promise<ObjectInfo> {
    const info = await this.#io('commit', async () => {
      await this.#writer.flush();
      await this.#marking;
      await this.#data.datasync();
      return await this.#options.publish(dataPath(this.#options.folder), key);
    });
    await this.#close();
    await this.#removeFolder();
    return info;
  }

  /** After a failed write it keeps what reached the disk. */
  async suspend(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#io('suspend', async () => {
        await this.#writer.flush().catch(() => {});
        await this.#marking;
        await this.#moveMark();
        await syncFolder(this.#options.folder);
      });
    } finally {
      await this.#close();
    }
  }

  async abort(): Promise<void> {
    if (this.#closed) return;
    await this.#writer.discard();
    await this.#close();
    await this.#removeFolder();
  }

  async #moveMark(): Promise<void> {
    const written = this.#writer.written;
    await this.#data.datasync();
    await this.#setMark(written);
  }

  /** The mark has a fixed width, so that moving it needs no space on a full disk. */
  async #setMark(bytes: number): Promise<void> {
    await this.#mark.write(String(bytes).padStart(MARK_WIDTH), 0);
    await this.#mark.datasync();
    this.#durable = bytes;
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#marking?.catch(() => {});
    await this.#data.close();
    await this.#mark.close();
    this.#options.onClose();
  }

  #removeFolder(): Promise<void> {
    return this.#io('remove', () => rm(this.#options.folder, { recursive: true, force: true }));
  }

  #io<T>(verb: string, operation: () => Promise<T>): Promise<T> {
    return storeErrors(`${verb} upload`, this.#options.name, operation);
  }
}

const MARK_WIDTH = 16;

function dataPath(folder: string): string {
  return join(folder, 'data');
}

/**
 * A kill between publishing and cleaning up leaves `data` as a second name of the object. Writing to it would change the
 * object, so the name is dropped.
 */
async function dropPublished(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && found.nlink > 1) await rm(path);
}

function openOrCreate(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_CREAT);
}

async function readMark(mark: FileHandle): Promise<number> {
  const { buffer, bytesRead } = await mark.read(Buffer.alloc(MARK_WIDTH), 0, MARK_WIDTH, 0);
  const bytes = Number(buffer.toString('ascii', 0, bytesRead));
  return Number.isSafeInteger(bytes) && bytes > 0 ? bytes : 0;
}
