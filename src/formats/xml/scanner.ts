/**
 * The memory that the parser shares with scanner.as, which passes the usual tokens fast: the window, what is open, and copies of the
 * tables of names, symbols and states, as far as they fit. What does not fit is left to the parser.
 */
import { HASH_SEED, NAME_BYTES, type NameTable } from './names.ts';
import type { Scope } from './namespaces.ts';
import type { Automaton } from './plan.ts';
import { WASM } from './scanner.wasm.ts';

/** Deeper than any document that means something; what is open is kept in memory. */
export const MOST_LEVELS = 10_000;

/** Where things are in the memory; as in scanner.as. */
const AT = {
  nameBytes: 2048,
  flags: 2560,
  levels: 4096,
  symbols: 8192,
  special: 12288,
  starts: 16384,
  hashes: 20992,
  slots: 28672,
  pool: 65536,
  transitions: 131072,
  states: 204800,
  open: 245760,
  contents: 286720,
  keep: 327680,
  events: 344064,
  window: 655360,
};
const NAMES = 1024;
const POOL_BYTES = 65536;
const SLOTS = 4096;
const STATES = 256;
const SYMBOLS = 64;
const DEPTHS = MOST_LEVELS + 2;
const PAGE = 65536;
/** A scan looks at so many bytes at once, and so beyond the end. */
const OVERSHOOT = 32;

/** Kinds of events, and how many numbers each takes: its kind, and what scanner.as says. */
export const EVENT = { opened: 1, attribute: 2, value: 3, closed: 4, size: 6 } as const;

interface Exports {
  memory: WebAssembly.Memory;
  scan(from: number, depth: number, leaf: number, special: number, own: number, seed: number): number;
  countLines(to: number): void;
  setLine(line: number, counted: number): void;
  positionNow(): number;
  depthNow(): number;
  leafNow(): number;
  lineNow(): number;
  countedNow(): number;
  eventsEnd(): number;
}

let compiled: WebAssembly.Module | undefined;

export class Scanner {
  /** Views of the memory; made anew when it grows. */
  states!: Int32Array;
  open!: Int32Array;
  contents!: Int32Array;
  keep!: Uint8Array;
  events!: Int32Array;
  window!: Buffer;
  readonly #wasm: Exports;
  #names = 0;
  #hasAllNames = true;
  #scope: Scope | undefined;
  #scopeVersion = -1;
  #automatonVersion = -1;

  constructor() {
    compiled ??= new WebAssembly.Module(Buffer.from(WASM, 'base64'));
    this.#wasm = new WebAssembly.Instance(compiled, {}).exports as Exports;
    this.#view();
    new Uint8Array(this.#wasm.memory.buffer).set(NAME_BYTES, AT.nameBytes);
    this.#wasm.setLine(1, 0);
  }

  #view(): void {
    const { buffer } = this.#wasm.memory;
    this.states = new Int32Array(buffer, AT.states, DEPTHS);
    this.open = new Int32Array(buffer, AT.open, DEPTHS);
    this.contents = new Int32Array(buffer, AT.contents, DEPTHS);
    this.keep = new Uint8Array(buffer, AT.keep, DEPTHS);
    this.events = new Int32Array(buffer, AT.events, (AT.window - AT.events) / 4);
    this.window = Buffer.from(buffer, AT.window, buffer.byteLength - AT.window - OVERSHOOT);
  }

  /** Makes room in the window; what is in it stays. */
  enlarge(bytes: number): void {
    const missing = Math.max(bytes, 2 * this.window.length) - this.window.length;
    this.#wasm.memory.grow(Math.ceil(missing / PAGE));
    this.#view();
  }

  /** Physical line of a place in the window. */
  lineAt(position: number): number {
    if (position > this.#wasm.countedNow()) this.#wasm.countLines(position);
    return this.#wasm.lineNow();
  }

  shiftLines(by: number): void {
    this.#wasm.setLine(this.#wasm.lineNow(), this.#wasm.countedNow() - by);
  }

  /** Brings the copies of the tables up to date. */
  sync(names: NameTable, scope: Scope, automaton: Automaton): void {
    if (names.count > this.#names && this.#hasAllNames) this.#syncNames(names);
    if (scope !== this.#scope || scope.version !== this.#scopeVersion) this.#syncScope(scope);
    if (automaton.version !== this.#automatonVersion) this.#syncAutomaton(automaton);
  }

  #syncNames(names: NameTable): void {
    const { buffer } = this.#wasm.memory;
    const starts = new Int32Array(buffer, AT.starts, NAMES + 1);
    const hashes = new Int32Array(buffer, AT.hashes, NAMES);
    const slots = new Int32Array(buffer, AT.slots, SLOTS);
    const bytes = new Uint8Array(buffer);
    for (; this.#names < names.count; this.#names++) {
      const name = this.#names;
      const [from, to] = [names.starts[name]!, names.starts[name + 1]!];
      if (name === NAMES || to > POOL_BYTES) {
        this.#hasAllNames = false;
        return;
      }
      starts[name] = from;
      starts[name + 1] = to;
      const hash = names.hash(name);
      hashes[name] = hash;
      bytes[AT.special + name] = names.special[name]!;
      bytes.set(names.pool.subarray(from, to), AT.pool + from);
      let slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (SLOTS - 1);
      slots[slot] = name + 1;
    }
  }

  #syncScope(scope: Scope): void {
    const symbols = new Int32Array(this.#wasm.memory.buffer, AT.symbols, NAMES).fill(-1);
    const known = Math.min(NAMES, scope.symbols.length);
    for (let name = 0; name < known; name++) {
      const symbol = scope.symbols[name]!;
      if (symbol < SYMBOLS) symbols[name] = symbol;
    }
    this.#scope = scope;
    this.#scopeVersion = scope.version;
  }

  #syncAutomaton({ flags, level, transitions, width, version }: Automaton): void {
    const { buffer } = this.#wasm.memory;
    const states = Math.min(STATES, flags.length);
    new Uint8Array(buffer).set(flags.subarray(0, states), AT.flags);
    new Int32Array(buffer, AT.levels, STATES).set(level.subarray(0, states));
    const copy = new Int32Array(buffer, AT.transitions, STATES * SYMBOLS).fill(-1);
    for (let state = 0; state < states; state++)
      for (let symbol = 0; symbol < Math.min(width, SYMBOLS); symbol++) {
        const next = transitions[state * width + symbol]!;
        if (next < STATES) copy[state * SYMBOLS + symbol] = next;
      }
    this.#automatonVersion = version;
  }

  /**
   * Passes tokens from `position` on, within the root element. Returns true when the events are full; else the parser must do the token
   * at `position`. An element at depth `special` is left to the parser when it ends.
   */
  scan(position: number, depth: number, leaf: boolean, special: number, own: number): boolean {
    return this.#wasm.scan(position, depth, leaf ? 1 : 0, special, own, HASH_SEED) !== 0;
  }

  get position(): number {
    return this.#wasm.positionNow();
  }

  get depth(): number {
    return this.#wasm.depthNow();
  }

  get leaf(): boolean {
    return this.#wasm.leafNow() !== 0;
  }

  /** How many numbers the events of the last scan have. */
  get eventsEnd(): number {
    return this.#wasm.eventsEnd();
  }
}
