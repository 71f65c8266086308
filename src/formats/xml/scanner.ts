/**
 * The memory that the parser shares with scanner.as, which passes the usual tokens fast: the window, what is open, and copies of the
 * tables of names, symbols and states, as far as they fit. What does not fit is left to the parser.
 */
import { HASH_SEED, NAME_BYTES, type NameTable } from './names.ts';
import type { Scope } from './namespaces.ts';
import type { Automaton } from './plan.ts';
import { columnBytes, MOST_ROWS, type PageMemory } from './row-page.ts';
import { WASM } from './scanner.wasm.ts';
import {
  AT,
  ATTRIBUTE_ROWS,
  DEPTHS,
  MOST_COLUMNS,
  NAMES,
  NEEDS,
  OVERSHOOT,
  PAGE,
  POOL_BYTES,
  SHARED,
  SLOTS,
  STATES,
  SYMBOLS,
} from './scanner-memory.ts';

interface Exports {
  memory: WebAssembly.Memory;
  scan(from: number, depth: number, leaf: number, special: number, own: number, seed: number): number;
  countLines(to: number): void;
  setLine(line: number, counted: number): void;
  writeRows(columns: number, fields: number, columnBytes: number, trim: number): void;
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
  /** Where rows are written here. */
  page: PageMemory | undefined;
  #columns = -1;
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

  /**
   * From now on rows are written here, where that is easy. `fields`: columns of the record; where it is the position, the complement.
   */
  writeRows(columns: number, fields: readonly number[], trim: boolean): void {
    const { buffer } = this.#wasm.memory;
    new Int32Array(buffer, AT.fields, fields.length).set(fields);
    this.#columns = columns;
    this.#wasm.writeRows(columns, fields.length, columnBytes(columns), trim ? 1 : 0);
    this.#view();
  }

  /** May the next rows be written here? Else the parser must write them. */
  allowRows(isAllowed: boolean): void {
    this.shared[SHARED.needsHost] = isAllowed ? 0 : NEEDS.record;
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
    if (this.#columns >= 0) this.page = this.#pageMemory(this.#columns);
    this.window = Buffer.from(buffer, AT.window, buffer.byteLength - AT.window - OVERSHOOT);
  }

  #pageMemory(columns: number): PageMemory {
    const { buffer } = this.#wasm.memory;
    return {
      rows: this.shared.subarray(SHARED.rows, SHARED.rows + 1),
      lines: new Int32Array(buffer, AT.lines, MOST_ROWS),
      ordinals: new Int32Array(buffer, AT.ordinals, MOST_ROWS),
      bits: new Uint8Array(buffer, AT.bits, AT.used - AT.bits),
      used: new Int32Array(buffer, AT.used, columns),
      values: new Uint8Array(buffer, AT.values, AT.window - AT.values),
      columnBytes: columnBytes(columns),
    };
  }

  /** Did the last scan stop for a row that the page has no room for? Only tells once. */
  takeIsPageFull(): boolean {
    const isFull = this.shared[SHARED.pageFull] === 1;
    this.shared[SHARED.pageFull] = 0;
    return isFull;
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
