/** The memory of tags.as, which passes tags for the count of elements. */
import { WASM } from './tags.wasm.ts';

/** Parents beyond these are not known here. */
export const NO_PARENT = -1;

/** What `pass` has stopped at: more bytes are needed; a start tag that the caller wants to see; markup that is no tag. */
export const MORE = 0;
export const CHILD = 1;

/** As in tags.as. */
const INPUT = 65536;
const KNOWN = 4096;
const MOST_KNOWN = 16;
const ENTRY_BYTES = 48;
const LONGEST_NAME = 39;
const HITS = 40;
const PARENT = 44;
const PARENTS = 32768;
export const MOST_PARENTS = 32;
const MOST_DEPTHS = 4096;
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

  /** Says that the element at depth `depth`, which the caller knows, is `parent`. */
  setParent(depth: number, parent: number): void {
    if (depth < MOST_DEPTHS) new Int32Array(this.#wasm.memory.buffer, PARENTS, MOST_DEPTHS)[depth] = parent;
  }

  /** The parent at a depth that `pass` has come to. */
  parentAt(depth: number): number {
    return new Int32Array(this.#wasm.memory.buffer, PARENTS, MOST_DEPTHS)[depth]!;
  }

  /** Passes children of this name from now on, and counts them; those that are parents themselves become known. False when there is no room. */
  know(parent: number, nth: number, name: Uint8Array, asParent: number): boolean {
    if (parent < 0 || parent >= MOST_PARENTS || nth >= MOST_KNOWN || name.length > LONGEST_NAME) return false;
    const { buffer } = this.#wasm.memory;
    const at = KNOWN + (parent * MOST_KNOWN + nth) * ENTRY_BYTES;
    const entry = new Uint8Array(buffer, at, ENTRY_BYTES);
    entry[0] = name.length;
    entry.set(name, 1);
    new DataView(buffer).setInt32(at + PARENT, asParent, true);
    return true;
  }

  /** How often a child that `know` was told of has come since. */
  hits(parent: number, nth: number): number {
    const { buffer } = this.#wasm.memory;
    return new DataView(buffer).getInt32(KNOWN + (parent * MOST_KNOWN + nth) * ENTRY_BYTES + HITS, true);
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
