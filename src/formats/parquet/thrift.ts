/** Reads Thrift's compact protocol, as far as Parquet footers use it. Throws RangeError for bytes that are none. */

const STOP = 0;
const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const MAP = 11;
const STRUCT = 12;

/** Deeper nesting is no Parquet footer. */
const DEEPEST = 64;

export class CompactReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The fields of a struct. The caller reads or skips the value of each before it asks for the next. */
  *fields(): Generator<{ id: number; type: number }> {
    for (let id = 0; ; ) {
      const head = this.#byte();
      if (head === STOP) return;
      const delta = head >> 4;
      id = delta === 0 ? this.integer() : id + delta;
      yield { id, type: head & 0x0f };
    }
  }

  /** Calls `read` for each element of a list of structs. */
  list(read: () => void): void {
    const { size, type } = this.#listHead();
    if (size > 0 && type !== STRUCT) throw new RangeError('a list of structs was expected');
    for (let i = 0; i < size; i++) read();
  }

  /** A zigzag integer of up to 64 bits. Those beyond 2^53 are not exact, and no row count. */
  integer(): number {
    const n = this.#varint();
    const value = Number((n >> 1n) ^ -(n & 1n));
    return value;
  }

  text(): string {
    const length = this.#length();
    const from = this.#at;
    this.#pass(length);
    return Buffer.from(this.#bytes.subarray(from, this.#at)).toString('utf8');
  }

  skip(type: number, depth = 0): void {
    if (depth > DEEPEST) throw new RangeError('nested too deep');
    if (type === TRUE || type === FALSE) return;
    if (type === BYTE) this.#pass(1);
    else if (type < DOUBLE && type > BYTE) this.#varint();
    else if (type === DOUBLE) this.#pass(8);
    else if (type === BINARY) this.#pass(this.#length());
    else if (type === LIST || type === SET) this.#skipList(depth);
    else if (type === MAP) this.#skipMap(depth);
    else if (type === STRUCT) for (const field of this.fields()) this.skip(field.type, depth + 1);
    else throw new RangeError('an unknown type');
  }

  #skipList(depth: number): void {
    const { size, type } = this.#listHead();
    for (let i = 0; i < size; i++) this.#skipElement(type, depth);
  }

  #skipMap(depth: number): void {
    const size = this.#length();
    if (size === 0) return;
    const types = this.#byte();
    for (let i = 0; i < size; i++) {
      this.#skipElement(types >> 4, depth);
      this.#skipElement(types & 0x0f, depth);
    }
  }

  /** In collections a truth value takes a byte; in structs it is part of the field's head. */
  #skipElement(type: number, depth: number): void {
    if (type === TRUE || type === FALSE) this.#pass(1);
    else this.skip(type, depth + 1);
  }

  #listHead(): { size: number; type: number } {
    const head = this.#byte();
    const short = head >> 4;
    return { size: short === 15 ? this.#length() : short, type: head & 0x0f };
  }

  #length(): number {
    return Number(this.#varint());
  }

  #varint(): bigint {
    let n = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const b = this.#byte();
      n |= BigInt(b & 0x7f) << shift;
      if (b < 0x80) return n;
    }
    throw new RangeError('an integer that is too long');
  }

  #byte(): number {
    this.#pass(1);
    return this.#bytes[this.#at - 1]!;
  }

  #pass(n: number): void {
    this.#at += n;
    if (this.#at > this.#bytes.length) throw new RangeError('the bytes end too early');
  }
}
