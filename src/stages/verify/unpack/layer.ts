/** One layer of a file being unpacked: read once, as a stream or as a file, and closed however that went. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { GranaryError } from '../../../lib/errors.ts';
import type { CodecInput } from '../../../ports/codec.ts';

export interface LayerOptions {
  name: string;
  body: AsyncIterable<Uint8Array>;
  /** The same bytes as a local file. */
  file?: string;
}

export class Layer {
  readonly name: string;
  readonly #body: AsyncIterable<Uint8Array>;
  #file: string | undefined;
  #spoolFolder: string | undefined;
  #reading: AsyncGenerator<Uint8Array> | undefined;
  #readToEnd = false;

  constructor(options: LayerOptions) {
    this.name = options.name;
    this.#body = options.body;
    this.#file = options.file;
  }

  /** What a codec gets to see of this layer. It cannot close it: `finish` must be able to see what the codec left unread. */
  input(scratch: string): CodecInput {
    const stream = () => {
      const reading = this.stream();
      return { [Symbol.asyncIterator]: () => ({ next: () => reading.next() }) };
    };
    return { name: this.name, stream, file: () => this.#asFile(scratch) };
  }

  /** The bytes, once. */
  stream(): AsyncGenerator<Uint8Array> {
    if (this.#reading) throw new GranaryError('internal', `"${this.name}" was opened twice while being unpacked`);
    this.#reading = this.#read();
    return this.#reading;
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    yield* this.#body;
    this.#readToEnd = true;
  }

  async #asFile(scratch: string): Promise<string> {
    if (this.#file === undefined) {
      this.#spoolFolder = await mkdtemp(join(scratch, 'layer-'));
      const path = join(this.#spoolFolder, 'data');
      await spool(this.stream(), path, this.name);
      this.#file = path;
    }
    return this.#file;
  }

  /**
   * To be called when a codec is done with this layer. Reads on to the end, so that the checks of the layers around it take place,
   * and throws `codec.corrupt` when the codec has left something unread.
   */
  async finish(type: string): Promise<void> {
    if (!this.#reading) return;
    for await (const chunk of this.#reading) {
      if (chunk.length > 0)
        throw new GranaryError('codec.corrupt', `"${this.name}" is damaged: other bytes follow its ${type} data`, {
          where: { file: this.name },
          hint: 'Fetch the file again; if it stays like this, ask the sender for a new one.',
        });
    }
  }

  /** To be called when the consumer asks for the next member: what was not read was not checked either. */
  expectReadToEnd(): void {
    if (!this.#readToEnd)
      throw new GranaryError('internal', `"${this.name}" was not read to its end before the next member was asked for`);
  }

  async close(): Promise<void> {
    await this.#reading?.return(undefined);
    if (this.#spoolFolder) await rm(this.#spoolFolder, { recursive: true, force: true });
  }
}

async function spool(body: AsyncIterable<Uint8Array>, path: string, name: string): Promise<void> {
  try {
    await pipeline(body, createWriteStream(path, { flags: 'wx', highWaterMark: 2 ** 20 }));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
      throw new GranaryError('store.disk_full', `The disk filled up while "${name}" was being unpacked`, {
        where: { file: name },
        hint: 'Free some space, or set the scratch folder to a larger disk.',
        cause: error,
      });
    throw error;
  }
}
