/** Values around records, as rows of a page have them: they stay the same from row to row, and so each is kept once for a run of rows. */

const LENGTH_BYTES = 4;

/** Values of one moment: of each so many bytes, or a negative length where it is missing. */
export interface OuterCells {
  bytes: readonly Uint8Array[];
  lengths: Int32Array;
}

/** One column, as a dictionary has it. */
export interface OuterColumn {
  /** By run: is there a value? */
  present: Uint8Array;
  /** Of the values there are: their length in four bytes, then the value. */
  values: Uint8Array;
}

export class OuterRuns {
  /** Runs so far, the last one perhaps without rows. */
  count = 0;
  /** Of all values, lengths among them. */
  bytes = 0;
  /** By run: the row that it begins with. */
  readonly #starts: Int32Array;
  readonly #columns: { present: Uint8Array; values: Buffer; used: number; lastFrom: number }[];

  /** `columns`: around records. */
  constructor(columns: number, mostRows: number) {
    this.#starts = new Int32Array(mostRows + 1);
    this.#columns = Array.from({ length: columns }, () => ({
      present: new Uint8Array(mostRows + 1),
      values: Buffer.allocUnsafe(1024),
      used: 0,
      lastFrom: 0,
    }));
  }

  /** From `row` on these are the values. A run without rows is no run. */
  begin(row: number, { bytes, lengths }: OuterCells): void {
    const isInstead = this.count > 0 && this.#starts[this.count - 1] === row;
    const run = isInstead ? this.count - 1 : this.count++;
    this.#starts[run] = row;
    for (let o = 0; o < this.#columns.length; o++) {
      const column = this.#columns[o]!;
      if (isInstead) {
        this.bytes -= column.used - column.lastFrom;
        column.used = column.lastFrom;
      } else column.lastFrom = column.used;
      const length = lengths[o]!;
      column.present[run] = length < 0 ? 0 : 1;
      if (length >= 0) this.#add(column, bytes[o]!, length);
    }
  }

  #add(column: { values: Buffer; used: number }, value: Uint8Array, length: number): void {
    const needed = column.used + LENGTH_BYTES + length;
    if (needed > column.values.length) {
      const larger = Buffer.allocUnsafe(2 * needed);
      column.values.copy(larger, 0, 0, column.used);
      column.values = larger;
    }
    const { values } = column;
    let at = column.used;
    for (let rest = length, n = 0; n < LENGTH_BYTES; n++, rest >>>= 8) values[at++] = rest;
    for (let i = 0; i < length; i++) values[at++] = value[i]!;
    column.used = at;
    this.bytes += LENGTH_BYTES + length;
  }

  /** How many rows each run has, of so many rows in all. */
  lengths(rows: number): Int32Array {
    const runs = this.count > 0 && this.#starts[this.count - 1]! >= rows ? this.count - 1 : this.count;
    const lengths = new Int32Array(runs);
    for (let r = 0; r < runs; r++) lengths[r] = (r + 1 < runs ? this.#starts[r + 1]! : rows) - this.#starts[r]!;
    return lengths;
  }

  column(outer: number, runs: number): OuterColumn {
    const { present, values, used, lastFrom } = this.#columns[outer]!;
    return { present, values: values.subarray(0, runs < this.count ? lastFrom : used) };
  }

  /** Rows begin at 0 again, with the values of the last run. */
  restart(): void {
    if (this.count === 0) return;
    const last = this.count - 1;
    this.bytes = 0;
    for (const column of this.#columns) {
      column.values.copyWithin(0, column.lastFrom, column.used);
      column.used -= column.lastFrom;
      column.lastFrom = 0;
      column.present[0] = column.present[last]!;
      this.bytes += column.used;
    }
    this.#starts[0] = 0;
    this.count = 1;
  }
}
