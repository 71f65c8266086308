/** Limits on what a received file may unpack to, held against the bytes that really come out. */
import { stat } from 'node:fs/promises';
import { GranaryError } from '../../../lib/errors.ts';
import { formatBytes } from '../../../lib/units.ts';
import type { Member } from '../../../ports/codec.ts';

export interface UnpackLimits {
  /** Most bytes any one layer may unpack to, over all its members. */
  maxBytes: number;
  /** Most bytes any one layer may unpack to, for each byte received. Held once more than 10 MB came out. */
  maxRatio: number;
  /** Most members any one layer may unpack to. */
  maxMembers: number;
}

/**
 * Tables as text shrink 5 to 20 times, the most repetitive logs 50 to 100 times; bombs of one layer use what deflate gives at best, 1032
 * times, and nested ones millions. 500 lies clear of both. 100 GB is more than one file of one night should hold and less than a
 * server's disk. A file beyond the limits is refused whole and can be unpacked after raising them.
 */
export const DEFAULT_LIMITS: UnpackLimits = { maxBytes: 100e9, maxRatio: 500, maxMembers: 100_000 };

/** Below this a high ratio does no harm, and the smallest of files would exceed it. */
const RATIO_FROM_BYTES = 10e6;

export interface MeterOptions {
  name: string;
  bytes?: number;
  file?: string;
  limits: UnpackLimits;
  signal?: AbortSignal;
}

/** Counts the bytes of one file as they pass through its layers; a layer is numbered by its depth, 0 the outermost codec. */
export class Meter {
  readonly #options: MeterOptions;
  /** Size of the received file, where it is known from the start. */
  readonly #fileBytes: number | undefined;
  #inputBytes = 0;
  readonly #outputs: { bytes: number; members: number }[] = [];

  private constructor(options: MeterOptions, fileBytes: number | undefined) {
    this.#options = options;
    this.#fileBytes = fileBytes;
  }

  static async start(options: MeterOptions): Promise<Meter> {
    const { bytes, file } = options;
    if (bytes !== undefined || file === undefined) return new Meter(options, bytes);
    return new Meter(options, (await stat(file)).size);
  }

  /** The received bytes, counted. */
  async *countInput(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of open()) {
      this.#expectNotCancelled();
      this.#inputBytes += chunk.length;
      yield chunk;
    }
  }

  /** The body of a member that came out of the codec at `depth`. Throws `codec.bomb` beyond a limit, `cancelled` on request. */
  countOutput(member: Member, depth: number): AsyncIterable<Uint8Array> {
    this.#outputs[depth] ??= { bytes: 0, members: 0 };
    const output = this.#outputs[depth];
    output.members += 1;
    const { maxMembers } = this.#options.limits;
    if (output.members > maxMembers) throw this.#bomb(`to more than ${maxMembers} files`);
    return this.#countBody(member.body, output);
  }

  async *#countBody(body: AsyncIterable<Uint8Array>, output: { bytes: number }): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      this.#expectNotCancelled();
      output.bytes += chunk.length;
      this.#expectWithin(output.bytes);
      yield chunk;
    }
  }

  #expectWithin(bytes: number): void {
    const { maxBytes, maxRatio } = this.#options.limits;
    if (bytes > maxBytes) throw this.#bomb(`to more than ${formatBytes(maxBytes)}`);
    const received = this.#fileBytes ?? this.#inputBytes;
    if (bytes > RATIO_FROM_BYTES && bytes > maxRatio * received)
      throw this.#bomb(`to more than ${maxRatio} times its size`);
  }

  #bomb(problem: string): GranaryError {
    return new GranaryError('codec.bomb', `"${this.#options.name}" unpacks ${problem}`, {
      where: { file: this.#options.name },
      hint: "If its sender is trusted and this is no mistake, raise the dataset's limits for unpacking.",
    });
  }

  #expectNotCancelled(): void {
    if (this.#options.signal?.aborted)
      throw new GranaryError('cancelled', `Unpacking "${this.#options.name}" was stopped`, {
        where: { file: this.#options.name },
      });
  }
}
