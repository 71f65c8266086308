/**
 * Counts the records of delimited text as its bytes stream by, at more than 1 GB/s. It shares no code with the engine's reader, so that the two
 * can check each other. The work is done in record-scanner.as, which also defines the terms.
 */
import { WASM } from './record-scanner.wasm.ts';

/** Bytes; 0 stands for none. */
export interface ScanDialect {
  /** 1 to 4 bytes. */
  delimiter: Uint8Array;
  quote: number;
  /** Equal to `quote` when quotes are doubled. */
  escape: number;
  /** A record that begins with it is not counted. */
  comment: number;
  /** The decimal point or comma. */
  decimal: number;
  /** The first record has names: it tells nothing about the values of columns. */
  header: boolean;
}

/** Where a record begins: its byte, its physical line (from 1) and the number of records before it. */
export interface ScanPosition {
  offset: number;
  line: number;
  record: number;
}

const STAT_NAMES = [
  'offset',
  'records',
  'lines',
  'columns',
  'blanks',
  'comments',
  'longest',
  'ragged',
  'multiline',
  'irregularQuotes',
  'quotes',
  'escapes',
  'nuls',
  'lf',
  'crlf',
  'cr',
  'openQuote',
  'trailing',
] as const;
/** Where the lengths of the output of a call lie, after the counts. */
const MARK_COUNT = STAT_NAMES.length;
const JUMP_BYTES = MARK_COUNT + 1;
const START_COUNT = MARK_COUNT + 2;
const LINES = STAT_NAMES.indexOf('lines');

/**
 * `records`: header included, blank lines and comments not. `columns`: of the first record, -1 without one. `ragged`: records with another number
 * of columns. `longest`: bytes, line end included. `irregularQuotes`: quotes in a place that the dialect does not allow. `lf`, `crlf`, `cr`: line
 * ends outside quotes. `openQuote`: 1 inside a quote. `trailing`: of the ragged records, those that only have
 * one delimiter too many, at their end.
 */
export type ScanStats = Record<(typeof STAT_NAMES)[number], number>;

/** What the values of a column look like, where it matters to whether a conversion keeps them. */
export interface ColumnTraits {
  column: number;
  /** Most significant digits after a decimal point. */
  fraction: number;
  /** Some value has a colon. */
  clock: boolean;
  /** Some value has a plus or minus after a colon, as UTC offsets do. */
  zone: boolean;
  /** Some value has `e-`. */
  negativeExponent: boolean;
}

interface Exports {
  memory: WebAssembly.Memory;
  input(): number;
  stats(): number;
  traits(): number;
  tail(): number;
  marks(): number;
  starts(): number;
  jumps(): number;
  // biome-ignore format: one line for each group.
  reset(delimiter: number, delimiterLength: number, quote: number, escaper: number, comment: number, decimal: number,
    header: number, keepStarts: number, offset: number, line: number, record: number): void;
  scan(length: number): void;
  scanBytes(length: number): void;
  finish(): void;
  report(): void;
}

/** Size of the scanner's input, in bytes. */
export const SCAN_BYTES = 1 << 20;
/** Every how many records a mark is set. */
export const RECORDS_PER_MARK = 64;
/** How many of the last records `tail` knows. */
export const TAIL_RECORDS = 128;
const MAX_COLUMNS = 16384;

let compiled: WebAssembly.Module | undefined;
/** Instances to be used again: each has its own memory, which the garbage collector is slow to take back. */
const free: Exports[] = [];
const MOST_FREE = 4;

function instance(): Exports {
  compiled ??= new WebAssembly.Module(Buffer.from(WASM, 'base64'));
  return free.pop() ?? (new WebAssembly.Instance(compiled, {}).exports as unknown as Exports);
}

/** One scan from the beginning of a record: `push` the bytes, then `finish`. */
export class RecordScanner {
  /** Offset and line of every 64th record, as pairs. */
  readonly marks: Float64Array[] = [];
  /** Varint pairs: records since the last jump, lines skipped before this record. */
  readonly jumps: Uint8Array[] = [];
  readonly #dialect: ScanDialect;
  readonly #wasm: Exports;
  readonly #scan: (length: number) => void;
  readonly #input: Uint8Array;
  readonly #onStarts: ((starts: Uint32Array, at: { offset: number; line: number }) => void) | undefined;
  #filled = 0;
  #lines = 0;
  #offset = 0;

  /**
   * `onStarts` is told of every record as pairs (offset, line), both relative to `at`, and sees them in the scanner's memory: it copies what it
   * keeps. Such a scan knows no traits.
   */
  constructor(
    dialect: ScanDialect,
    start: ScanPosition = { offset: 0, line: 1, record: 0 },
    onStarts?: (starts: Uint32Array, at: { offset: number; line: number }) => void,
  ) {
    this.#wasm = instance();
    this.#onStarts = onStarts;
    this.#dialect = dialect;
    const simple = dialect.delimiter.length === 1 && dialect.escape === dialect.quote && dialect.comment === 0;
    this.#scan = simple ? this.#wasm.scan : this.#wasm.scanBytes;
    this.#input = new Uint8Array(this.#wasm.memory.buffer, this.#wasm.input(), SCAN_BYTES);
    this.seek(start);
  }

  /** Begins anew, at the beginning of another record. */
  seek(start: ScanPosition): void {
    const { delimiter, quote, comment, decimal, header } = this.#dialect;
    const word = delimiter.reduce((w, b) => (w << 8) | b, 0);
    this.#filled = 0;
    this.#lines = start.line - 1;
    this.#offset = start.offset;
    this.marks.length = 0;
    this.jumps.length = 0;
    // biome-ignore format: the order of the callee.
    this.#wasm.reset(word, delimiter.length, quote, this.#dialect.escape, comment, decimal,
      Number(header), Number(this.#onStarts !== undefined), start.offset, start.line, start.record);
  }

  push(chunk: Uint8Array): void {
    let rest = chunk;
    while (rest.length > 0) {
      const part = rest.subarray(0, SCAN_BYTES - this.#filled);
      this.#input.set(part, this.#filled);
      this.#filled += part.length;
      rest = rest.subarray(part.length);
      if (this.#filled === SCAN_BYTES) this.flush();
    }
  }

  /** After the last byte. */
  finish(): ScanStats {
    this.flush();
    this.#wasm.finish();
    const values = this.#report();
    return Object.fromEntries(STAT_NAMES.map((name, i) => [name, values[i]])) as ScanStats;
  }

  /** Traits of the columns that have any. */
  traits(): ColumnTraits[] {
    const bytes = new Uint8Array(this.#wasm.memory.buffer, this.#wasm.traits(), MAX_COLUMNS * 2);
    const found: ColumnTraits[] = [];
    for (let column = 0; column < MAX_COLUMNS; column++) {
      const fraction = bytes[column * 2]!;
      const flags = bytes[column * 2 + 1]!;
      if (fraction || flags)
        found.push({
          column,
          fraction,
          clock: (flags & 1) > 0,
          zone: (flags & 2) > 0,
          negativeExponent: (flags & 4) > 0,
        });
    }
    return found;
  }

  /** Where the last records begin, oldest first; `records` is the number of records seen. */
  tail(records: number): ScanPosition[] {
    const ring = new Float64Array(this.#wasm.memory.buffer, this.#wasm.tail(), TAIL_RECORDS * 2);
    const out: ScanPosition[] = [];
    for (let record = Math.max(0, records - TAIL_RECORDS); record < records; record++) {
      const slot = (record % TAIL_RECORDS) * 2;
      out.push({ offset: ring[slot]!, line: ring[slot + 1]!, record });
    }
    return out;
  }

  /** The last call: another scan takes the memory over. */
  release(): void {
    if (free.length < MOST_FREE) free.push(this.#wasm);
  }

  /** Scans what was pushed and is still waiting for more. */
  flush(): void {
    if (this.#filled === 0) return;
    this.#scan(this.#filled);
    const report = this.#report();
    const markCount = report[MARK_COUNT]!;
    const jumpBytes = report[JUMP_BYTES]!;
    const startCount = report[START_COUNT]!;
    const memory = this.#wasm.memory.buffer;
    if (markCount > 0) this.marks.push(new Float64Array(memory, this.#wasm.marks(), markCount * 2).slice());
    if (jumpBytes > 0) this.jumps.push(new Uint8Array(memory, this.#wasm.jumps(), jumpBytes).slice());
    if (this.#onStarts && startCount > 0)
      this.#onStarts(new Uint32Array(memory, this.#wasm.starts(), startCount * 2), {
        offset: this.#offset,
        line: this.#lines,
      });
    this.#offset += this.#filled;
    this.#lines = report[LINES]!;
    this.#filled = 0;
  }

  #report(): Float64Array {
    this.#wasm.report();
    return new Float64Array(this.#wasm.memory.buffer, this.#wasm.stats(), START_COUNT + 1);
  }
}
