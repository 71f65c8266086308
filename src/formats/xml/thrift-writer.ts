/** Writes Thrift's compact protocol, as far as Parquet needs it. */

export const THRIFT = { i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

const MOST_VARINT_BYTES = 10;

export class CompactWriter {
  #bytes = Buffer.allocUnsafe(1024);
  #used = 0;
  /** Ids of the last fields of the structs that are open. */
  readonly #last: number[] = [0];

  /** A field whose value is a whole number that is not negative. `id`: larger than that of the field before. */
  integer(id: number, value: number, type: number = THRIFT.i32): void {
    this.#field(id, type);
    this.#varint(2 * value);
  }

  text(id: number, value: string): void {
    this.#field(id, THRIFT.binary);
    this.textElement(value);
  }

  /** Elements follow: of `size` calls of `textElement` and the like, or structs. */
  list(id: number, type: number, size: number): void {
    this.#field(id, THRIFT.list);
    this.#room(1);
    this.#bytes[this.#used++] = (Math.min(size, 15) << 4) | type;
    if (size >= 15) this.#varint(size);
  }

  integerElement(value: number): void {
    this.#varint(2 * value);
  }

  textElement(value: string): void {
    const bytes = Buffer.from(value, 'utf8');
    this.#varint(bytes.length);
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  /** A struct: the value of a field, or without an id an element of a list. */
  struct(id: number | undefined, write: () => void): void {
    if (id !== undefined) this.#field(id, THRIFT.struct);
    this.#last.push(0);
    write();
    this.#last.pop();
    this.end();
  }

  /** Ends the outermost struct. */
  end(): void {
    this.#room(1);
    this.#bytes[this.#used++] = 0;
  }

  /** What was written; from here on it is forgotten. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
    this.#last.length = 1;
    this.#last[0] = 0;
    return taken;
  }

  #field(id: number, type: number): void {
    const delta = id - this.#last.at(-1)!;
    this.#last[this.#last.length - 1] = id;
    this.#room(1);
    // No struct of Parquet has fields that are further apart.
    this.#bytes[this.#used++] = (delta << 4) | type;
  }

  #varint(value: number): void {
    this.#room(MOST_VARINT_BYTES);
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.#used++] = (rest % 128) | 128;
    this.#bytes[this.#used++] = rest;
  }

  #room(bytes: number): void {
    if (this.#used + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#used + bytes));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = larger;
  }
}
