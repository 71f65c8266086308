/**
 * Codecs unpack one layer of a received file: decompression, decryption, archives. They stream: memory is bounded whatever the size.
 * A codec's module holds its spec and imports no driver; `decode` loads it.
 */
import type { ObjectSpec } from '../lib/spec/spec.ts';

export interface Codec<C> {
  type: string;
  title: string;
  /** Lower-case name endings it is inferred from, with the dot: `.gz`. */
  extensions: readonly string[];
  spec: ObjectSpec<C>;
  /**
   * Yields the members inside, in order, one for all but archives. The caller reads each body to its end before asking for the next.
   * A body ends only after its integrity checks (CRC, MDC, signature) have passed; a failed check throws instead of ending.
   * Errors: `codec.*`, terminal.
   */
  decode(input: CodecInput, config: C, context: CodecContext): AsyncIterable<Member>;
}

export interface CodecInput {
  /** Name without folders, as it stands at this layer: `sales.csv.gz`. */
  name: string;
  /** Reads once, from the start. */
  stream(): AsyncIterable<Uint8Array>;
  /** The whole layer as a local file, spooled to scratch if it is not one yet: for formats that need to seek. */
  file(): Promise<string>;
}

export interface Member {
  /** Name without the layer's own ending; within archives the entry's path, checked to be relative and without `..`. */
  name: string;
  body: AsyncIterable<Uint8Array>;
}

export interface CodecContext {
  /** Folder for temporary files, removed by the caller. */
  scratch: string;
  signal?: AbortSignal;
}

// biome-ignore lint/suspicious/noExplicitAny: codecs of every configuration stand in one list.
export type AnyCodec = Codec<any>;
