/** Where records are in a text file: enough to go from a record to its line, and from a byte or line to a record near it, without the file. */
import type { RecordScanner, ScanPosition } from './record-scanner.ts';
import { RECORDS_PER_MARK } from './record-scanner.ts';

/** From `record` on, `extra` more lines lie before a record than records do: a record of several lines, blank lines or comments came before. */
export interface Jump {
  record: number;
  extra: number;
}

/** Marks are the positions of every 64th record; jumps are kept as varint pairs, about two bytes for each. */
export class LineIndex {
  /** Pairs of offset and line. */
  readonly #marks: Float64Array;
  readonly #jumps: Uint8Array;

  private constructor(marks: Float64Array, jumps: Uint8Array) {
    this.#marks = marks;
    this.#jumps = jumps;
  }

  static of(scan: RecordScanner): LineIndex {
    const marks = new Float64Array(scan.marks.reduce((n, m) => n + m.length, 0));
    let at = 0;
    for (const m of scan.marks) {
      marks.set(m, at);
      at += m.length;
    }
    return new LineIndex(marks, Buffer.concat(scan.jumps));
  }

  /** An index without jumps, of marks alone: pairs of offset and line of every 64th record. */
  static ofMarks(marks: number[]): LineIndex {
    return new LineIndex(Float64Array.from(marks), new Uint8Array());
  }

  /** The inverse of `bytes`. */
  static from(bytes: Uint8Array): LineIndex {
    const count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const end = 4 + count * 16;
    return new LineIndex(new Float64Array(new Uint8Array(bytes.subarray(4, end)).buffer), bytes.subarray(end));
  }

  bytes(): Uint8Array {
    const out = new Uint8Array(4 + this.#marks.byteLength + this.#jumps.length);
    new DataView(out.buffer).setUint32(0, this.#marks.length / 2, true);
    out.set(new Uint8Array(this.#marks.buffer), 4);
    out.set(this.#jumps, 4 + this.#marks.byteLength);
    return out;
  }

  /** In order of records. */
  *jumps(): Generator<Jump> {
    let at = 0;
    let record = 0;
    const varint = () => {
      let value = 0;
      let factor = 1;
      for (;;) {
        const b = this.#jumps[at++]!;
        value += (b & 0x7f) * factor;
        if (b < 0x80) return value;
        factor *= 128;
      }
    };
    while (at < this.#jumps.length) {
      record += varint();
      yield { record, extra: varint() };
    }
  }

  /** Number of marks. */
  get size(): number {
    return this.#marks.length / 2;
  }

  mark(i: number): ScanPosition {
    return { offset: this.#marks[i * 2]!, line: this.#marks[i * 2 + 1]!, record: i * RECORDS_PER_MARK };
  }

  /** Number of the last mark at or before a byte; -1 when there is none. */
  before(offset: number): number {
    return this.#last(0, offset);
  }

  /** Number of the last mark at or before a line; -1 when there is none. */
  beforeLine(line: number): number {
    return this.#last(1, line);
  }

  #last(side: 0 | 1, limit: number): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#marks[middle * 2 + side]! <= limit) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
