/** Gathers the values of records while a document is parsed, and hands on each record when its element ends. */
import { MAX_RECORD_BYTES, TOO_LONG_KEPT_BYTES } from '../lib/lines.ts';
import type { XmlPlan } from './plan.ts';
import {
  type Cells,
  type GatherOptions,
  LateValue,
  type OuterValue,
  type RecordSink,
  type ScannedRows,
} from './record-sink.ts';
import { NEEDS, SHARED } from './scanner-memory.ts';
import { ABSENT, decodeInto, isSpace, KEEP, NIL } from './values.ts';

export class Gathered {
  readonly plan: XmlPlan;
  /** Level of the record. */
  readonly own: number;
  readonly trim: boolean;
  readonly separator: Uint8Array;
  /** Where the values of the record are, by column, in the parser's window. */
  starts!: Int32Array;
  ends!: Int32Array;
  /** How they stand there. */
  kinds!: Uint8Array;
  /** Further values of the record, for columns that take several: `column, start, end, kind`, again and again. */
  readonly further: number[] = [];
  /** Values around the record, by column: bytes of which so many are the value; -1 for a missing one. */
  readonly outer: Uint8Array[];
  readonly outerLengths: Int32Array;
  /** Changes with every change of `outer`. */
  outerVersion = 0;
  /** Positions of the elements around the record among those of their parents, by level, from 1. */
  readonly positions: number[];
  readonly scanned: ScannedRows | undefined;
  /** By column: the level that it starts from. */
  readonly levels: Int32Array;
  #shared!: Int32Array;
  #isRowsElsewhere = false;
  #tooLong: Uint8Array | undefined;
  readonly #sink: RecordSink;
  readonly #known: GatherOptions['known'];
  /** By level: records were handed on since its element began. */
  readonly #used: boolean[];
  /** By level: columns that start from there. */
  readonly #columnsOn: number[][];
  readonly #outerRepeated: (number | undefined)[];

  constructor(plan: XmlPlan, sink: RecordSink, { trim, separator, known }: GatherOptions) {
    this.plan = plan;
    this.#sink = sink;
    this.scanned = sink.scanned;
    this.#known = known;
    this.trim = trim;
    this.separator = Buffer.from(separator, 'utf8');
    this.own = plan.chain.length - 1;
    const { length } = plan.columns;
    this.outer = plan.columns.map(() => new Uint8Array(64));
    this.outerLengths = new Int32Array(length).fill(-1);
    this.levels = Int32Array.from(plan.columns, (c) => c.path.level);
    this.positions = new Array<number>(plan.chain.length).fill(0);
    this.#used = plan.chain.map(() => false);
    this.#columnsOn = plan.chain.map((_, level) =>
      plan.columns.flatMap(({ path }, c) => (path.level === level ? [c] : [])),
    );
    this.#outerRepeated = plan.chain.map(() => undefined);
  }

  /** Takes the memory that the parser has for a record. `rows`: its rows may be written elsewhere. */
  bind({ shared, cellStarts, cellEnds, cellKinds }: Cells, rows: boolean): void {
    const { length } = this.plan.columns;
    const fits = length <= cellStarts.length;
    this.#shared = shared;
    this.#isRowsElsewhere = rows;
    if (fits || !this.starts) {
      this.starts = fits ? cellStarts.subarray(0, length) : new Int32Array(length);
      this.ends = fits ? cellEnds.subarray(0, length) : new Int32Array(length);
      this.kinds = fits ? cellKinds.subarray(0, length) : new Uint8Array(length);
    }
  }

  /** Of the record, from 1. */
  get ordinal(): number {
    return this.#shared[SHARED.ordinal]!;
  }

  /** Of the record among those of its parent, from 1. */
  get ownPosition(): number {
    return this.#shared[SHARED.ownPosition]!;
  }

  /** Physical line of the record's start tag. */
  get line(): number {
    return this.#shared[SHARED.recordLine]!;
  }

  /** Where the record begins in the window; -1 outside of records, or in one that is too long. */
  get start(): number {
    return this.#shared[SHARED.recordStart]!;
  }

  /** A column of the record that has several values though it must not; -1 for none. */
  get repeated(): number {
    return this.#shared[SHARED.repeated]!;
  }

  /** Line of the last record that has ended. */
  get lastLine(): number {
    return this.#shared[SHARED.lastLine]!;
  }

  /** Some records began on one line. */
  get sharesLines(): boolean {
    return this.#shared[SHARED.sharesLines] === 1;
  }

  /** A column around the record that has several values though it must not. */
  get outerRepeated(): number | undefined {
    return this.#outerRepeated.find((c) => c !== undefined);
  }

  /** The same of one level. */
  repeatedOn(level: number): number | undefined {
    return this.#outerRepeated[level];
  }

  /** An element of the chain begins. `isTold`: the scanner has seen it first. */
  open(level: number, start: number, line: number, isTold: boolean): void {
    const shared = this.#shared;
    if (level === this.own) {
      this.kinds.fill(ABSENT);
      shared[SHARED.repeated] = -1;
      shared[SHARED.ordinal]!++;
      shared[SHARED.ownPosition]!++;
      shared[SHARED.recordLine] = line;
      shared[SHARED.recordStart] = start;
      return;
    }
    this.positions[level]!++;
    shared[SHARED.needsHost]! |= NEEDS.prefix;
    this.#sink.opened?.(level);
    if (level + 1 < this.own) this.positions[level + 1] = 0;
    else if (!isTold || !this.#isRowsElsewhere) shared[SHARED.ownPosition] = 0;
    this.#used[level] = false;
    this.outerVersion++;
    const known = this.#known.get(level)?.();
    this.#outerRepeated[level] = known?.repeated;
    for (const c of this.#columnsOn[level]!) this.#setOuter(c, this.#isLate(c) ? known?.values[c] : undefined);
  }

  /** Can its value come behind records? Attributes of the elements that hold them cannot. */
  #isLate(column: number): boolean {
    return this.plan.columns[column]!.path.steps.length > 0;
  }

  /** An element of the chain ends behind `end`. */
  close(level: number, bytes: Uint8Array, end: number): void {
    if (level !== this.own) {
      this.#sink.closed?.(this, level);
      return;
    }
    this.useOuter();
    const shared = this.#shared;
    if (this.line === shared[SHARED.lastLine]) shared[SHARED.sharesLines] = 1;
    shared[SHARED.lastLine] = this.line;
    if (this.#tooLong) this.#sink.tooLong(this, this.#tooLong);
    else this.#sink.record(this, bytes, this.start, end);
    this.#tooLong = undefined;
    shared[SHARED.recordStart] = -1;
    if (this.further.length > 0) this.further.length = 0;
  }

  /** Is a record open that only needs to know what rows begin with? */
  get needsPrefix(): boolean {
    return this.#shared[SHARED.needsHost] === NEEDS.prefix && this.start >= 0;
  }

  /** Values around records are about to be used for a row. */
  useOuter(): void {
    if (!this.#sink.closed) this.#used.fill(true);
  }

  /** A value was found. Throws LateValue. */
  value(column: number, bytes: Uint8Array, start: number, end: number, kind: number): void {
    if (this.levels[column] !== this.own) this.#outerValue(column, bytes, start, end, kind);
    else if (this.start < 0) return;
    else if (this.kinds[column] === ABSENT) {
      this.starts[column] = start;
      this.ends[column] = end;
      this.kinds[column] = kind;
    } else this.#furtherValue(column, bytes, start, end, kind);
  }

  /** Values that are missing do not count. */
  #furtherValue(column: number, bytes: Uint8Array, start: number, end: number, kind: number): void {
    if (!this.text(bytes, start, end, kind)) return;
    this.#shared[SHARED.needsHost]! |= NEEDS.record;
    const { repeated } = this.plan.columns[column]!;
    if (!this.text(bytes, this.starts[column]!, this.ends[column]!, this.kinds[column]!)) {
      this.kinds[column] = ABSENT;
      this.value(column, bytes, start, end, kind);
    } else if (repeated === 'reject') this.#shared[SHARED.repeated] = column;
    else if (repeated === 'join') this.further.push(column, start, end, kind);
  }

  #outerValue(column: number, bytes: Uint8Array, start: number, end: number, kind: number): void {
    const { path, repeated } = this.plan.columns[column]!;
    if (this.#known.has(path.level) && this.#isLate(column)) return;
    this.#shared[SHARED.needsHost]! |= NEEDS.prefix;
    const before = this.outerLengths[column]!;
    if (before >= 0 && repeated === 'first') return;
    if (before >= 0 || this.#used[path.level]) {
      const text = this.text(bytes, start, end, kind);
      if (!text) return;
      if (this.#used[path.level]) throw new LateValue();
      if (repeated === 'reject') this.#outerRepeated[path.level] = column;
      else this.#setOuter(column, Buffer.concat([this.outerValue(column)!, this.separator, text]));
    } else {
      if ((kind & ~KEEP) === NIL) return;
      if (this.outer[column]!.length < end - start) this.outer[column] = new Uint8Array(2 * (end - start));
      const to = decodeInto(this.outer[column]!, 0, bytes, start, end, kind);
      this.outerLengths[column] = this.#trim(this.outer[column]!, to, kind);
    }
    this.outerVersion++;
  }

  #setOuter(column: number, value: OuterValue): void {
    this.outerLengths[column] = value?.length ?? -1;
    if (!value) return;
    if (this.outer[column]!.length < value.length) this.outer[column] = new Uint8Array(2 * value.length);
    this.outer[column]!.set(value);
  }

  /** A view that is valid until the value changes. */
  outerValue(column: number): OuterValue {
    const length = this.outerLengths[column]!;
    return length < 0 ? undefined : this.outer[column]!.subarray(0, length);
  }

  /** Trims what is in a buffer up to `end` where that is wanted, and returns its length; -1 when it is missing. */
  #trim(buffer: Uint8Array, end: number, kind: number): number {
    if (!this.trim || (kind & KEEP) !== 0) return end;
    let from = 0;
    let to = end;
    while (from < to && isSpace(buffer[from]!)) from++;
    while (to > from && isSpace(buffer[to - 1]!)) to--;
    if (from > 0) buffer.copyWithin(0, from, to);
    return to > from ? to - from : -1;
  }

  /** The bytes of a value, trimmed where that is wanted; undefined when it is missing. */
  text(bytes: Uint8Array, start: number, end: number, kind: number): Uint8Array | undefined {
    if (kind === ABSENT || (kind & ~KEEP) === NIL) return undefined;
    const buffer = new Uint8Array(end - start);
    const length = this.#trim(buffer, decodeInto(buffer, 0, bytes, start, end, kind), kind);
    return length < 0 ? undefined : buffer.subarray(0, length);
  }

  /** All values of a column of the record, joined where there are several. */
  joined(column: number, bytes: Uint8Array): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    const add = (start: number, end: number, kind: number) => {
      const text = this.text(bytes, start, end, kind);
      if (text) parts.push(...(parts.length > 0 ? [this.separator] : []), text);
    };
    add(this.starts[column]!, this.ends[column]!, this.kinds[column]!);
    const { further } = this;
    for (let i = 0; i < further.length; i += 4)
      if (further[i] === column) add(further[i + 1]!, further[i + 2]!, further[i + 3]!);
    return parts.length < 2 ? parts[0] : Buffer.concat(parts);
  }

  /** The window moves: what was at `by` is now at 0. */
  shift(by: number): void {
    if (this.start < 0) return;
    this.#shared[SHARED.recordStart]! -= by;
    for (let c = 0; c < this.starts.length; c++) {
      this.starts[c]! -= by;
      this.ends[c]! -= by;
    }
    const { further } = this;
    for (let i = 0; i < further.length; i += 4) {
      further[i + 1]! -= by;
      further[i + 2]! -= by;
    }
  }

  /** Gives a record up that is too long for memory. */
  giveUp(bytes: Uint8Array, end: number): boolean {
    if (this.start < 0 || end - this.start <= MAX_RECORD_BYTES) return false;
    this.#tooLong = Uint8Array.from(bytes.subarray(this.start, this.start + TOO_LONG_KEPT_BYTES));
    this.#shared[SHARED.recordStart] = -1;
    return true;
  }
}
