/** The memory of tags.as, which passes tags for the count of elements. */
import { WASM } from './tags.wasm.ts';

/** What `pass` has stopped at: more bytes are needed; a start tag that the caller wants to see; markup that is no tag. */
export const MORE = 0;
export const CHILD = 1;

const INPUT = 65536;
const PAGE = 65536;
/** A scan looks at so many bytes at once, and so beyond the end. */
const OVERSHOOT = 32;

interface Exports {
  memory: WebAssembly.Memory;
  pass(from: number, size: number, open: number, within: number): number;
  atNow(): number;
  depthNow(): number;
  interestNow(): number;
}

let compiled: WebAssembly.Module | undefined;

export class TagInput {
  bytes: Buffer;
  readonly #wasm: Exports;

  constructor() {
    compiled ??= new WebAssembly.Module(Buffer.from(WASM, 'base64'));
    this.#wasm = new WebAssembly.Instance(compiled, {}).exports as Exports;
    this.bytes = this.#view();
  }

  #view(): Buffer {
    const { buffer } = this.#wasm.memory;
    return Buffer.from(buffer, INPUT, buffer.byteLength - INPUT - OVERSHOOT);
  }

  /** Makes `bytes` at least so long; what is in it stays. */
  reserve(size: number): void {
    if (size <= this.bytes.length) return;
    const missing = Math.max(size, 2 * this.bytes.length) - this.bytes.length;
    this.#wasm.memory.grow(Math.ceil(missing / PAGE));
    this.bytes = this.#view();
  }

  /**
   * Goes on at `from`, with `open` elements open of which the caller knows the first `within`. It stops behind the `<` of a child of the
   * last of those (`CHILD`), or at the `<` of a comment and the like.
   */
  pass(from: number, size: number, open: number, within: number): number {
    return this.#wasm.pass(from, size, open, within);
  }

  get at(): number {
    return this.#wasm.atNow();
  }

  get depth(): number {
    return this.#wasm.depthNow();
  }

  get within(): number {
    return this.#wasm.interestNow();
  }
}
