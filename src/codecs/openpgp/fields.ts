/** Reads the fields of one packet that is held in memory. */
import { Malformed } from './faults.ts';

export class FieldReader {
  readonly #bytes: Buffer;
  readonly #what: string;
  #at = 0;

  /** `what` names the packet in messages: `a signature packet`. */
  constructor(bytes: Buffer, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  get position(): number {
    return this.#at;
  }

  /** A second reader that stands where this one does. */
  fork(): FieldReader {
    return new FieldReader(this.#bytes.subarray(this.#at), this.#what);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The next `n` bytes, not copied. Throws `Malformed` when there are fewer. */
  take(n: number): Buffer {
    const end = this.#at + n;
    if (end > this.#bytes.length) throw new Malformed(`${this.#what} ends too early`);
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at);
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    return this.take(2).readUInt16BE();
  }

  u32(): number {
    return this.take(4).readUInt32BE();
  }

  /** A multiprecision integer (RFC 9580, 3.2), big-endian without leading zeros. */
  mpi(): Buffer {
    const bits = this.u16();
    return this.take(Math.ceil(bits / 8));
  }
}

/** `bytes` with zeros before them to make `length`; longer ones lose leading bytes, which must be zeros. Throws `Malformed`. */
export function padStart(bytes: Buffer, length: number): Buffer {
  if (bytes.length === length) return bytes;
  if (bytes.length < length) return Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
  const extra = bytes.length - length;
  if (bytes.subarray(0, extra).some((byte) => byte !== 0)) throw new Malformed('a number is too long');
  return bytes.subarray(extra);
}
