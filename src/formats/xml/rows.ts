/** Writes records as pages of rows for the engine, and those that cannot be rows into a file of rejects. */
import { formatBytes } from '../../lib/units.ts';
import { MAX_RECORD_BYTES, printable } from '../lib/lines.ts';
import { CsvFile } from '../lib/row-writer.ts';
import type { RecordSink, ScannedRows } from './record-sink.ts';
import type { Gathered } from './records.ts';
import { digits, type PageSink, RowPage } from './row-page.ts';

export class XmlRows implements RecordSink {
  readonly page: RowPage;
  /** `record, line, rule, column, reason, raw` */
  readonly rejects: CsvFile;
  rejected = 0;
  readonly scanned: ScannedRows;
  /** Several records begin on one line. */
  sharesLines = false;
  #lastLine = 0;
  #outerVersion = -1;
  readonly #outer: number[];
  readonly #own: number[];
  readonly #cells: { bytes: Uint8Array[]; lengths: Int32Array };
  /** By column. */
  readonly #isPosition: Uint8Array;

  /** `folder`: for the rejects. `pages`: takes the rows. */
  constructor(folder: string, gathered: Pick<Gathered, 'plan' | 'own'>, pages: PageSink) {
    this.rejects = new CsvFile(`${folder}/rejects.csv`);
    const { columns } = gathered.plan;
    const all = columns.map((_, c) => c);
    // The position of a record changes with each, and is not around it.
    this.#outer = all.filter((c) => columns[c]!.path.level !== gathered.own);
    this.#own = all.filter((c) => columns[c]!.path.level === gathered.own);
    this.#cells = { bytes: this.#outer.map(() => new Uint8Array()), lengths: new Int32Array(this.#outer.length) };
    this.page = new RowPage(columns.length, this.#outer, pages);
    this.#isPosition = Uint8Array.from(columns, (c) => (c.path.end.kind === 'position' ? 1 : 0));
    this.scanned = {
      fields: this.#own.map((c) => (this.#isPosition[c] === 1 ? ~c : c)),
      bind: (memory) => this.page.bind(memory),
      begin: (g) => {
        if (g.outerRepeated !== undefined) return false;
        this.#beginRun(g);
        return true;
      },
      flush: () => this.page.flush(),
    };
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
    const { page } = this;
    this.#beginRun(gathered);
    page.beginRow();
    const { starts, ends, kinds, trim, further } = gathered;
    const own = this.#own;
    for (let k = 0; k < own.length; k++) {
      const c = own[k]!;
      if (this.#isPosition[c] === 1) this.#whole(c, digits(gathered.ownPosition));
      else if (further.length > 0 && further.includes(c)) this.#whole(c, gathered.joined(c, bytes));
      else page.field(c, bytes, starts[c]!, ends[c]!, kinds[c]!, trim);
    }
    page.endRow(gathered.line, gathered.ordinal);
  }

  #whole(column: number, value: Uint8Array | undefined): void {
    if (value) this.page.copied(column, value, value.length);
  }

  #beginRun(gathered: Gathered): void {
    if (this.#outerVersion === gathered.outerVersion) return;
    const cells = this.#cells;
    this.#outerVersion = gathered.outerVersion;
    for (let o = 0; o < this.#outer.length; o++) {
      const c = this.#outer[o]!;
      if (this.#isPosition[c] === 1) {
        cells.bytes[o] = digits(gathered.positions[gathered.levels[c]!]!);
        cells.lengths[o] = cells.bytes[o]!.length;
      } else {
        cells.bytes[o] = gathered.outer[c]!;
        cells.lengths[o] = gathered.outerLengths[c]!;
      }
    }
    this.page.beginRun(cells);
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
    try {
      this.page.flush();
    } finally {
      this.rejects.close();
    }
  }
}
