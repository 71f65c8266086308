/**
 * Unpacks a received file through a chain of codecs, such as OpenPGP, then gzip, then tar, as one stream with limits on what comes out.
 * Codecs come in as values: this module knows none of them.
 */
import type { AnyCodec, Member } from '../../../ports/codec.ts';
import { Layer } from './layer.ts';
import { DEFAULT_LIMITS, Meter, type UnpackLimits } from './limits.ts';

export { DEFAULT_LIMITS, type UnpackLimits };

export interface UnpackStep {
  codec: AnyCodec;
  /** As parsed by `codec.spec`. */
  config: unknown;
}

export interface UnpackOptions {
  /** Name of the received file, without folders. */
  name: string;
  /** Opens the received file from its start; called at most once. */
  open(): AsyncIterable<Uint8Array>;
  /**
   * Size of the received file, where it is known. Without it and without `file` the ratio is that of the bytes read so far, and a
   * file whose beginning shrinks better than its rest may be refused wrongly.
   */
  bytes?: number;
  /** The received file as a local path, where it is one: spares a copy for codecs that seek. */
  file?: string;
  /** Outermost first. None: the file is its own only member. */
  steps: readonly UnpackStep[];
  /** An existing folder for temporary files. What is put there is removed again. */
  scratch: string;
  limits: UnpackLimits;
  /** Looked at between chunks; unpacking then ends with `cancelled`. */
  signal?: AbortSignal;
}

/**
 * The members inside, in order. Each body must be read to its end before the next member is asked for. A body ends only after the
 * checks of its own layers have passed; checks that cover several members (the CRC around a tar archive) pass only when the whole
 * iteration ends, so nothing counts before that. Memory is bounded; disk is used only for layers that must be seekable and are not
 * a local file already. Leaving early closes everything.
 *
 * Throws `codec.*`, `cancelled`, `store.disk_full`, and what `open` throws.
 */
export async function* unpack(options: UnpackOptions): AsyncGenerator<Member> {
  const meter = await Meter.start(options);
  const root = new Layer({ name: options.name, body: meter.countInput(options.open), file: options.file });
  yield* unpackLayer(root, 0, options, meter);
}

async function* unpackLayer(layer: Layer, depth: number, options: UnpackOptions, meter: Meter): AsyncGenerator<Member> {
  const step = options.steps[depth];
  try {
    if (!step) {
      yield { name: layer.name, body: layer.stream() };
      layer.expectReadToEnd();
      return;
    }
    const context = { scratch: options.scratch, ...(options.signal && { signal: options.signal }) };
    for await (const member of step.codec.decode(layer.input(options.scratch), step.config, context)) {
      const inner = new Layer({ name: member.name, body: meter.countOutput(member, depth) });
      yield* unpackLayer(inner, depth + 1, options, meter);
    }
    await layer.finish(step.codec.type);
  } finally {
    await layer.close();
  }
}
