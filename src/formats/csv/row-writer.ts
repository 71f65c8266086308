/** Turns records into rows of a clean file, or into rejects. */
import { isUtf8 } from 'node:buffer';
import type { ScanDialect } from '../../lib/scan/record-scanner.ts';
import { formatBytes } from '../../lib/units.ts';
import type { ReadInput } from '../../ports/format.ts';
import { type PlannedColumn, planColumns } from './columns.ts';
import { type CsvConfig, scanDialect } from './config.ts';
import { ESCAPED } from './record-parser.ts';
import type { CsvRecord, RecordReader } from './record-reader.ts';
import { ENCODING_REASON, fieldsReason, type Reject, tooLongReason } from './rejects.ts';
import { hasSurplus, NullValues, unescaped, type ValueWriter } from './values.ts';

export class RowWriter {
  readonly planned: PlannedColumn[];
  readonly #reader: RecordReader;
  readonly #out: ValueWriter;
  readonly #config: CsvConfig;
  readonly #dialect: ScanDialect;
  readonly #fields: number;
  readonly #nulls: NullValues;

  /** `fields`: how many a record should have. */
  constructor(input: ReadInput<CsvConfig>, reader: RecordReader, out: ValueWriter, fields: number) {
    this.#config = input.config;
    this.#dialect = scanDialect(input.config);
    this.#reader = reader;
    this.#out = out;
    this.#fields = fields;
    this.#nulls = new NullValues(input.config.null_values);
    this.planned = planColumns(input.columns, input.header, fields);
  }

  /** Writes the reader's last record; gives the rejects that it makes instead of a row. */
  write(record: CsvRecord): Reject[] {
    const rejects = this.#problems(record);
    if (rejects.length > 0) return rejects;
    this.#out.number(record.line);
    for (const { position } of this.planned) {
      if (position === undefined || position >= record.fields) this.#out.null();
      else this.#value(position);
    }
    this.#out.endRow();
    return [];
  }

  #problems(record: CsvRecord): Reject[] {
    const { max_line_bytes, ragged } = this.#config;
    const reject = (rule: Reject['rule'], reason: string, column?: string): Reject => ({
      line: record.line,
      rule,
      column,
      reason,
      raw: this.#reader.text(record),
    });
    if (record.fault === 'too_long') return [reject('too_long', tooLongReason(record.bytes, max_line_bytes))];
    if (record.fault === 'text_after_quote') return [reject('structure', 'text after a closing quote')];
    if (record.fault === 'open_quote') {
      const where = this.#config.multiline ? `within ${formatBytes(max_line_bytes)} or the file` : 'on its line';
      return [reject('structure', `a quote is not closed ${where}`)];
    }
    const missing = record.fields < this.#fields && ragged !== 'pad' && ragged !== 'pad_or_truncate';
    const surplus =
      hasSurplus(this.#reader.parser, this.#fields, this.#nulls) &&
      ragged !== 'truncate' &&
      ragged !== 'pad_or_truncate';
    if (missing || surplus) return [reject('structure', fieldsReason(this.#fields, record.fields))];
    if (this.#reader.valid(record)) return [];
    return this.planned
      .filter(({ position }) => position !== undefined && position < record.fields && !isUtf8(this.#bytes(position)))
      .map(({ column }) => reject('encoding', ENCODING_REASON, column.source));
  }

  #bytes(position: number): Buffer {
    const { spans, window } = this.#reader.parser;
    return window.subarray(spans[position * 3]!, spans[position * 3 + 1]!);
  }

  #value(position: number): void {
    const { spans, window } = this.#reader.parser;
    let start = spans[position * 3]!;
    let end = spans[position * 3 + 1]!;
    let bytes: Buffer = window;
    if (spans[position * 3 + 2] === ESCAPED) {
      bytes = unescaped(window.subarray(start, end), this.#dialect);
      start = 0;
      end = bytes.length;
    }
    const mayBeNull = this.#config.quoted_nulls || !this.#reader.parser.inQuotes(position);
    if (mayBeNull && this.#nulls.has(bytes, start, end)) this.#out.null();
    else this.#out.bytes(bytes, start, end);
  }
}
