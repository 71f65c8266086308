/** Where positions of a line are in its bytes. */

/** Finds byte offsets in lines. One line at a time: `open` it, then ask for positions. */
export class Positions {
  #bytes: Uint8Array = new Uint8Array();
  #start = 0;
  #end = 0;
  /** Every position is one byte. */
  #plain = true;
  /** Offsets of the characters found so far, of a line that is not plain. */
  #offsets: number[] = [];
  readonly #unit: 'characters' | 'bytes';

  constructor(unit: 'characters' | 'bytes') {
    this.#unit = unit;
  }

  /** The line is `bytes[start, end)`, without its line end. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#plain = this.#unit === 'bytes' || isAscii(bytes, start, end);
    if (!this.#plain) this.#offsets = characterOffsets(bytes, start, end);
  }

  /** How many positions the line has. */
  get length(): number {
    return this.#plain ? this.#end - this.#start : this.#offsets.length;
  }

  /** Offset of a 0-based position in the bytes; the end of the line for positions behind it. */
  offset(position: number): number {
    if (this.#plain) return Math.min(this.#start + position, this.#end);
    return this.#offsets[position] ?? this.#end;
  }

  /** Text of a range of positions, blanks around it removed; what is behind the end of the line is not there. */
  text(from: number, to: number): string {
    const bytes = this.#bytes.subarray(this.offset(from), this.offset(to));
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8').trim();
  }
}

function isAscii(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return false;
  return true;
}

/** A character begins at every byte that does not continue one. */
function characterOffsets(bytes: Uint8Array, start: number, end: number): number[] {
  const offsets: number[] = [];
  for (let i = start; i < end; i++) if ((bytes[i]! & 0xc0) !== 0x80) offsets.push(i);
  return offsets;
}
