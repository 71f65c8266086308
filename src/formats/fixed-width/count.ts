/** Counts the records of a fixed-width file, by type, as its bytes stream by. */
import type { PayloadFacts, RecordCounter } from '../../ports/format.ts';
import { isBlank } from '../lib/lines.ts';
import type { FixedWidthConfig, Layout } from './config.ts';
import { Positions } from './positions.ts';

export interface FixedWidthFacts extends PayloadFacts {
  lines: number;
  blankLines: number;
  /** Lines of each type that occurs, declared or not; only for files with several. */
  byType?: Record<string, number>;
  /** The line at which the footer begins, if there is one. */
  footerLine?: number;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;

interface Counted {
  line: number;
  type: string;
}

/** Lines that are blank, or skipped, or in the footer, are no records. */
export class FixedWidthCounter implements RecordCounter {
  readonly #layout: Layout;
  readonly #skip: number;
  readonly #footer: number;
  readonly #positions: Positions;
  /** Bytes of a line that are looked at: up to its type. */
  readonly #headBytes: number;
  #lines = 0;
  #blankLines = 0;
  #byType = new Map<string, number>();
  /** The last lines, which may turn out to be the footer. */
  #pending: Counted[] = [];
  #open = false;
  #blank = true;
  #head: Buffer;
  #headUsed = 0;
  #lineBytes = 0;

  constructor(layout: Layout, { skip_lines, footer_lines }: Pick<FixedWidthConfig, 'skip_lines' | 'footer_lines'>) {
    this.#layout = layout;
    this.#skip = skip_lines;
    this.#footer = footer_lines;
    this.#positions = new Positions(layout.unit);
    // A character has at most 4 bytes; one more tells a carriage return at the end of a line from one within.
    this.#headBytes = layout.type ? 4 * layout.type.end + 1 : 0;
    this.#head = Buffer.alloc(this.#headBytes);
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    while (start < bytes.length) {
      const found = bytes.indexOf(NEWLINE, start);
      const end = found < 0 ? bytes.length : found;
      this.#part(bytes, start, end);
      if (found < 0) return;
      this.#endLine();
      start = found + 1;
    }
  }

  async finish(): Promise<{ facts: FixedWidthFacts }> {
    if (this.#open) this.#endLine();
    const { type } = this.#layout;
    const all = [...this.#byType.values()].reduce((a, b) => a + b, 0);
    return {
      facts: {
        records: type ? (this.#byType.get(type.wanted) ?? 0) : all,
        lines: this.#lines,
        blankLines: this.#blankLines,
        ...(type && { byType: Object.fromEntries([...this.#byType].sort(([a], [b]) => (a < b ? -1 : 1))) }),
        ...(this.#pending.length > 0 && { footerLine: this.#pending[0]!.line }),
      },
    };
  }

  #part(bytes: Buffer, start: number, end: number): void {
    this.#open = true;
    this.#blank &&= isBlank(bytes, start, end);
    this.#lineBytes += end - start;
    const taken = Math.min(end - start, this.#headBytes - this.#headUsed);
    if (taken > 0) bytes.copy(this.#head, this.#headUsed, start, start + taken);
    this.#headUsed += taken;
  }

  #endLine(): void {
    this.#lines++;
    if (this.#lines > this.#skip) {
      if (this.#blank) this.#blankLines++;
      else this.#record({ line: this.#lines, type: this.#type() });
    }
    this.#open = false;
    this.#blank = true;
    this.#headUsed = 0;
    this.#lineBytes = 0;
  }

  #type(): string {
    const { type } = this.#layout;
    if (!type) return '';
    const isWhole = this.#lineBytes === this.#headUsed;
    const end = isWhole && this.#head[this.#headUsed - 1] === CARRIAGE_RETURN ? this.#headUsed - 1 : this.#headUsed;
    this.#positions.open(this.#head, 0, end);
    return this.#positions.text(type.start, type.end);
  }

  #record(counted: Counted): void {
    this.#pending.push(counted);
    if (this.#pending.length <= this.#footer) return;
    const { type } = this.#pending.shift()!;
    this.#byType.set(type, (this.#byType.get(type) ?? 0) + 1);
  }
}
