/** Writes records as a file of rows for the engine, and those that cannot be rows as another. */
import { formatBytes } from '../../lib/units.ts';
import { MAX_RECORD_BYTES, printable } from '../lib/lines.ts';
import { CsvFile } from '../lib/row-writer.ts';
import { FieldFile } from './field-file.ts';
import type { RecordSink, ScannedRows } from './record-sink.ts';
import type { Gathered } from './records.ts';
import type { Prefix } from './scanner.ts';

export class XmlRows implements RecordSink {
  readonly rows: FieldFile;
  /** `record, line, rule, column, reason, raw` */
  readonly rejects: CsvFile;
  /** Order of the columns in the file: those around records come first, for they stay the same from row to row. */
  readonly order: number[];
  rejected = 0;
  readonly scanned: ScannedRows;
  /** Several records begin on one line. */
  sharesLines = false;
  #lastLine = 0;
  #outerVersion = -1;
  readonly #outer: number[];
  readonly #own: number[];
  /** By column. */
  readonly #isPosition: Uint8Array;

  constructor(folder: string, gathered: Pick<Gathered, 'plan' | 'own'>) {
    this.rows = new FieldFile(`${folder}/rows.csv`);
    this.rejects = new CsvFile(`${folder}/rejects.csv`);
    const { columns } = gathered.plan;
    const all = columns.map((_, c) => c);
    // The position of a record changes with each, and is not around it.
    this.#outer = all.filter((c) => columns[c]!.path.level !== gathered.own);
    this.#own = all.filter((c) => columns[c]!.path.level === gathered.own);
    this.#isPosition = Uint8Array.from(columns, (c) => (c.path.end.kind === 'position' ? 1 : 0));
    this.scanned = {
      fields: this.#own.map((c) => (this.#isPosition[c] === 1 ? -1 : c)),
      prefix: (g) => (g.outerRepeated === undefined ? this.#prefixFor(g) : undefined),
      append: (bytes, rows, longest) => this.rows.append(bytes, rows, longest),
    };
    this.order = [...this.#outer, ...this.#own];
  }

  record(gathered: Gathered, bytes: Uint8Array, start: number, end: number): void {
    const repeated = gathered.repeated >= 0 ? gathered.repeated : gathered.outerRepeated;
    if (repeated !== undefined) {
      const { source } = gathered.plan.columns[repeated]!;
      this.reject(
        gathered,
        source,
        `${source} occurs several times; \`repeated\` says what to do with that`,
        bytes.subarray(start, end),
      );
      return;
    }
    const { rows } = this;
    this.#prefixFor(gathered);
    rows.beginRow();
    const { starts, ends, kinds, trim, further } = gathered;
    const own = this.#own;
    for (let k = 0; k < own.length; k++) {
      const c = own[k]!;
      if (this.#isPosition[c] === 1) rows.integer(gathered.ownPosition);
      else if (further.length > 0 && further.includes(c)) rows.value(gathered.joined(c, bytes));
      else rows.field(bytes, starts[c]!, ends[c]!, kinds[c]!, trim);
    }
    rows.integer(gathered.line);
    rows.endRow(gathered.ordinal);
  }

  #prefixFor(gathered: Gathered): Prefix {
    const { rows } = this;
    if (this.#outerVersion === gathered.outerVersion) return rows.prefix;
    this.#outerVersion = gathered.outerVersion;
    rows.beginPrefix();
    for (const c of this.#outer) {
      if (this.#isPosition[c] === 1) rows.integer(gathered.positions[gathered.levels[c]!]!);
      else rows.copied(gathered.outer[c]!, gathered.outerLengths[c]!);
    }
    rows.endPrefix();
    return rows.prefix;
  }

  end(gathered: Gathered): void {
    this.sharesLines = gathered.sharesLines;
    this.#lastLine = gathered.lastLine;
  }

  tooLong(gathered: Gathered, head: Uint8Array): void {
    const reason = `longer than ${formatBytes(MAX_RECORD_BYTES)}; the raw text is its beginning`;
    this.reject(gathered, undefined, reason, head, 'too_long');
  }

  /** A record behind an error of the document. */
  rejectLost(at: Pick<Gathered, 'line' | 'ordinal'>, reason: string): void {
    if (at.line === this.#lastLine) this.sharesLines = true;
    this.#lastLine = at.line;
    this.reject(at, undefined, reason, undefined);
  }

  reject(
    { line, ordinal }: Pick<Gathered, 'line' | 'ordinal'>,
    column: string | undefined,
    reason: string,
    raw: Uint8Array | undefined,
    rule = 'structure',
  ): void {
    this.rejected++;
    for (const value of [ordinal, line, rule, column, reason, raw && printable(raw)])
      if (value === undefined) this.rejects.missing();
      else this.rejects.text(String(value));
    this.rejects.endRow();
  }

  close(): void {
    this.rows.close();
    this.rejects.close();
  }
}
