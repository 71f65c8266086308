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
  cellStarts: 606208,
  cellEnds: 607232,
  cellKinds: 608256,
  fields: 608512,
  textColumns: 609536,
  attributeRows: 610560,
  attributeColumns: 611584,
  prefix: 644352,
  shared: 648448,
  out: 655360,
  window: 1048576,
};
const NAMES = 1024;
const POOL_BYTES = 65536;
const SLOTS = 4096;
const STATES = 256;
const ATTRIBUTE_ROWS = 16;
const PREFIX_BYTES = 4096;
/** Records with more columns have no cells here. */
export const MOST_COLUMNS = 256;
const SYMBOLS = 64;
const DEPTHS = MOST_LEVELS + 2;
const PAGE = 65536;
/** A scan looks at so many bytes at once, and so beyond the end. */
const OVERSHOOT = 32;

/** Kinds of events, and how many numbers each takes: its kind, and what scanner.as says. */
export const EVENT = { opened: 1, attribute: 2, value: 3, closed: 4, size: 6 } as const;

/** Numbers that are shared with scanner.as, by their index in `shared`. */
export const SHARED = {
  ordinal: 0,
  ownPosition: 1,
  recordStart: 2,
  recordLine: 3,
  lastLine: 4,
  sharesLines: 5,
  repeated: 6,
  needsHost: 7,
  prefixBytes: 8,
  outUsed: 9,
  rows: 10,
  longest: 11,
  count: 12,
} as const;

/** Why the parser must see to the next row: bits of `needsHost`. */
export const NEEDS = { prefix: 1, record: 2 } as const;

/** What rows begin with: the first `length` of the bytes. */
export interface Prefix {
  bytes: Uint8Array;
  length: number;
}

interface Exports {
  memory: WebAssembly.Memory;
  scan(from: number, depth: number, leaf: number, special: number, own: number, seed: number): number;
  countLines(to: number): void;
  setLine(line: number, counted: number): void;
  writeRows(columns: number, fields: number, trim: number): void;
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
  cellStarts!: Int32Array;
  cellEnds!: Int32Array;
  cellKinds!: Uint8Array;
  shared!: Int32Array;
  /** Called when the views are made anew. */
  onGrowth: () => void = () => {};
  #out!: Uint8Array;
  #prefix!: Uint8Array;
  #attributeRows = 0;
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
    this.shared[SHARED.recordStart] = -1;
    this.shared[SHARED.repeated] = -1;
    this.shared[SHARED.needsHost] = NEEDS.prefix;
    new Int32Array(this.#wasm.memory.buffer, AT.attributeRows, STATES).fill(-1);
  }

  /** From now on rows are written here, where that is easy. `fields`: columns of the record, in the order of a row; -1 for its position. */
  writeRows(columns: number, fields: readonly number[], trim: boolean): void {
    new Int32Array(this.#wasm.memory.buffer, AT.fields, fields.length).set(fields);
    this.#wasm.writeRows(columns, fields.length, trim ? 1 : 0);
  }

  /** The next rows begin with `prefix`; without one the parser must write them. */
  setPrefix(prefix: Prefix | undefined): void {
    const fits = prefix !== undefined && prefix.length <= PREFIX_BYTES;
    this.shared[SHARED.needsHost] = fits ? 0 : NEEDS.record;
    if (!fits) return;
    const { bytes, length } = prefix;
    for (let i = 0; i < length; i++) this.#prefix[i] = bytes[i]!;
    this.shared[SHARED.prefixBytes] = length;
  }

  /** Rows that were written here, and are not taken yet; valid until the next scan. */
  takeRows(): { bytes: Uint8Array; rows: number; longest: number } | undefined {
    const { shared } = this;
    const used = shared[SHARED.outUsed]!;
    if (used === 0) return undefined;
    const taken = { bytes: this.#out.subarray(0, used), rows: shared[SHARED.rows]!, longest: shared[SHARED.longest]! };
    shared[SHARED.outUsed] = 0;
    shared[SHARED.rows] = 0;
    shared[SHARED.longest] = 0;
    return taken;
  }

  /** What an attribute of a state means: a column of the record, or nothing (-1). */
  learnAttribute(state: number, name: number, column: number): void {
    if (state >= STATES || name >= NAMES) return;
    const { buffer } = this.#wasm.memory;
    const rows = new Int32Array(buffer, AT.attributeRows, STATES);
    if (rows[state]! < 0) {
      if (this.#attributeRows === ATTRIBUTE_ROWS) return;
      rows[state] = this.#attributeRows++;
      new Int16Array(buffer, AT.attributeColumns + 2 * NAMES * rows[state]!, NAMES).fill(-2);
    }
    new Int16Array(buffer, AT.attributeColumns + 2 * NAMES * rows[state]!, NAMES)[name] = column;
  }

  #view(): void {
    const { buffer } = this.#wasm.memory;
    this.states = new Int32Array(buffer, AT.states, DEPTHS);
    this.open = new Int32Array(buffer, AT.open, DEPTHS);
    this.contents = new Int32Array(buffer, AT.contents, DEPTHS);
    this.keep = new Uint8Array(buffer, AT.keep, DEPTHS);
    this.events = new Int32Array(buffer, AT.events, (AT.cellStarts - AT.events) / 4);
    this.cellStarts = new Int32Array(buffer, AT.cellStarts, MOST_COLUMNS);
    this.cellEnds = new Int32Array(buffer, AT.cellEnds, MOST_COLUMNS);
    this.cellKinds = new Uint8Array(buffer, AT.cellKinds, MOST_COLUMNS);
    this.shared = new Int32Array(buffer, AT.shared, SHARED.count);
    this.#prefix = new Uint8Array(buffer, AT.prefix, PREFIX_BYTES);
    this.#out = new Uint8Array(buffer, AT.out, AT.window - AT.out);
    this.window = Buffer.from(buffer, AT.window, buffer.byteLength - AT.window - OVERSHOOT);
  }

  /** Makes room in the window; what is in it stays. */
  enlarge(bytes: number): void {
    const missing = Math.max(bytes, 2 * this.window.length) - this.window.length;
    this.#wasm.memory.grow(Math.ceil(missing / PAGE));
    this.#view();
    this.onGrowth();
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

  #syncAutomaton(automaton: Automaton): void {
    const { flags, level, transitions, width, version } = automaton;
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
    const columns = new Int32Array(buffer, AT.textColumns, STATES).fill(-1);
    const { columns: planned, chain } = automaton.plan;
    for (let state = 0; state < Math.min(STATES, automaton.states); state++) {
      const [column, ...others] = automaton.text(state);
      const isOwn = column !== undefined && planned[column]!.path.level === chain.length - 1;
      if (isOwn && others.length === 0) columns[state] = column;
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
