/** Lines of a fixed-width file into rows. */
import { isUtf8 } from 'node:buffer';
import type { ReadInput } from '../../ports/format.ts';
import { isBlank, lineBlocks, linesOf, printable } from '../lib/lines.ts';
import { notUtf8, tooLong } from '../lib/rejects.ts';
import type { RowWriter } from '../lib/row-writer.ts';
import { resolvedSources } from '../lib/sources.ts';
import { type Field, type FixedWidthConfig, type Layout, layoutOf } from './config.ts';
import type { FixedWidthFacts } from './count.ts';
import { Positions } from './positions.ts';

const SPACE = 0x20;

/** Writes the rows of all lines; stops soon after `limit` rows. Columns that the layout has no field for are missing. */
export async function parseFixedWidth(
  input: ReadInput<FixedWidthConfig>,
  out: RowWriter,
  limit: number,
): Promise<void> {
  const { config, path, signal } = input;
  const { footerLine = Number.POSITIVE_INFINITY } = input.facts as FixedWidthFacts;
  const layout = layoutOf(config);
  const fields = resolvedSources(input).map((name) => layout.fields.find((f) => f.name === name));
  const lines = new LineParser(layout, config, fields, out);
  for await (const block of lineBlocks(path, signal)) {
    const valid = !block.tooLong && isUtf8(block.bytes);
    for (const { number, start, end } of linesOf(block)) {
      if (number >= footerLine || out.rows.rows >= limit) return;
      if (number <= config.skip_lines || isBlank(block.bytes, start, end)) continue;
      if (block.tooLong) lines.reject(number, block.bytes);
      else lines.parse(block.bytes, start, end, number, valid);
    }
  }
}

class LineParser {
  readonly #layout: Layout;
  readonly #config: FixedWidthConfig;
  readonly #fields: (Field | undefined)[];
  readonly #out: RowWriter;
  readonly #positions: Positions;

  constructor(layout: Layout, config: FixedWidthConfig, fields: (Field | undefined)[], out: RowWriter) {
    this.#layout = layout;
    this.#config = config;
    this.#fields = fields;
    this.#out = out;
    this.#positions = new Positions(layout.unit);
  }

  /** A line of which `head` is the beginning is too long. */
  reject(line: number, head: Uint8Array): void {
    this.#positions.open(head, 0, head.length);
    if (this.#isWanted()) this.#out.reject(tooLong(line, head));
  }

  /** `valid`: the bytes are known to be UTF-8. */
  parse(bytes: Uint8Array, start: number, end: number, line: number, valid: boolean): void {
    const positions = this.#positions;
    positions.open(bytes, start, end);
    if (!this.#isWanted()) return;
    const record = bytes.subarray(start, end);
    if (!valid && !isUtf8(record)) this.#out.reject(notUtf8(line, record));
    else if (positions.length < this.#layout.width && this.#config.short_lines === 'reject') {
      const reason = `the line has ${positions.length} ${this.#layout.unit}; its fields need ${this.#layout.width}`;
      this.#out.reject({ line, rule: 'structure', reason, raw: printable(record) });
    } else if (this.#layout.unit === 'bytes' && !this.#cutsWell(bytes)) {
      this.#out.reject({
        line,
        rule: 'encoding',
        reason: 'a field begins or ends within a character',
        raw: printable(record),
      });
    } else this.#row(bytes, line);
  }

  #isWanted(): boolean {
    const { type } = this.#layout;
    return !type || this.#positions.text(type.start, type.end) === type.wanted;
  }

  /** With positions in bytes: no field begins or ends within a character. */
  #cutsWell(bytes: Uint8Array): boolean {
    const continues = (position: number) => (bytes[this.#positions.offset(position)]! & 0xc0) === 0x80;
    return !this.#fields.some((f) => f && (continues(f.start) || continues(f.end)));
  }

  #row(bytes: Uint8Array, line: number): void {
    const { rows } = this.#out;
    for (const field of this.#fields) {
      if (!field || field.start >= this.#positions.length) {
        rows.missing();
        continue;
      }
      let from = this.#positions.offset(field.start);
      let to = this.#positions.offset(field.end);
      if (this.#config.trim) {
        while (from < to && bytes[from]! <= SPACE) from++;
        while (to > from && bytes[to - 1]! <= SPACE) to--;
      }
      if (from === to) rows.missing();
      else rows.bytes(bytes, from, to);
    }
    this.#out.endRow(line);
  }
}
