/** The texts that cells of a workbook share, held as bytes: half the memory of strings, and outside of the heap. */
import { formatBytes } from '../../lib/units.ts';
import { invalid, type Package } from './package.ts';
import { unescaped } from './values.ts';
import { parseXml } from './xml.ts';

/** More than a million texts of 250 letters. */
const MAX_BYTES = 256 * 2 ** 20;

export class SharedStrings {
  #bytes = Buffer.alloc(0);
  #used = 0;
  /** Where each text ends. */
  #ends: number[] = [];

  get size(): number {
    return this.#ends.length;
  }

  add(text: string): void {
    const bytes = Buffer.byteLength(text);
    if (this.#used + bytes > MAX_BYTES)
      throw invalid(`its texts need more than ${formatBytes(MAX_BYTES)}`, 'Ask for the data as CSV.');
    if (this.#used + bytes > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(2 * this.#bytes.length, this.#used + bytes, 65_536));
      this.#bytes.copy(larger, 0, 0, this.#used);
      this.#bytes = larger;
    }
    this.#used += this.#bytes.write(text, this.#used);
    this.#ends.push(this.#used);
  }

  /** Undefined when there is no such text. */
  at(index: number): string | undefined {
    const end = this.#ends[index];
    return end === undefined ? undefined : this.#bytes.toString('utf8', index === 0 ? 0 : this.#ends[index - 1]!, end);
  }
}

/** Formatting of letters within a text is dropped, and so are hints for its pronunciation. */
export async function readSharedStrings(parts: Package, part: string): Promise<SharedStrings> {
  const strings = new SharedStrings();
  let text = '';
  let inText = false;
  let phonetic = false;
  const handler = {
    open(name: string) {
      if (name === 'si') text = '';
      else if (name === 'rPh') phonetic = true;
      else if (name === 't') inText = !phonetic;
    },
    text(piece: string) {
      if (inText) text += piece;
    },
    close(name: string) {
      if (name === 't') inText = false;
      else if (name === 'rPh') phonetic = false;
      else if (name === 'si') strings.add(unescaped(text));
    },
  };
  for await (const _ of parseXml(part, parts.stream(part), handler));
  return strings;
}
