/** The rows of a sheet, one after the other. */
import type { Package } from './package.ts';
import type { SharedStrings } from './shared-strings.ts';
import { columnOf, dateText, numberText, unescaped } from './values.ts';
import type { Workbook } from './workbook.ts';
import { parseXml, type XmlHandler } from './xml.ts';

/** A cell that shows an error, such as `#N/A`. */
export interface CellError {
  error: string;
}

export type Cell = string | CellError | undefined;

export interface SheetRow {
  /** As the spreadsheet numbers it, from 1. */
  number: number;
  /** By column; undefined where a cell is empty. */
  cells: Cell[];
}

export interface CellSource {
  workbook: Pick<Workbook, 'from1904' | 'kinds'>;
  strings: SharedStrings | undefined;
}

/** Rows in which at least one cell has a value; of formulas the value that was calculated when the file was saved. */
export async function* sheetRows(parts: Package, part: string, source: CellSource): AsyncGenerator<SheetRow> {
  const reader = new RowReader(source);
  for await (const _ of parseXml(part, parts.stream(part), reader)) {
    yield* reader.rows;
    reader.rows = [];
  }
}

/** Counts the rows behind row `after` that `sheetRows` would give, without making their values. */
export async function countRows(parts: Package, part: string, after: number): Promise<number> {
  let rows = 0;
  let number = 0;
  let inRow = false;
  let inValue = false;
  let phonetic = false;
  let filled = false;
  const handler: XmlHandler = {
    open(name, a) {
      if (name === 'row') {
        number = rowNumber(a, number);
        inRow = true;
        filled = false;
      } else if (name === 'rPh') phonetic = true;
      else inValue = inRow && !phonetic && (name === 'v' || name === 't');
    },
    text(text) {
      if (inValue && text !== '') filled = true;
    },
    close(name) {
      inValue = false;
      if (name === 'rPh') phonetic = false;
      if (name !== 'row') return;
      if (filled && number > after) rows++;
      inRow = false;
    },
  };
  for await (const _ of parseXml(part, parts.stream(part), handler));
  return rows;
}

/** Rows and cells may leave out where they are: then they follow the one before. */
function rowNumber(attributes: Record<string, string>, before: number): number {
  const number = Number(attributes['r']);
  return Number.isSafeInteger(number) && number > before ? number : before + 1;
}

/** Spreadsheets allow 32,767 letters. */
const LONGEST_TEXT = 4 * 2 ** 20;

class RowReader implements XmlHandler {
  rows: SheetRow[] = [];
  readonly #source: CellSource;
  #row: SheetRow = { number: 0, cells: [] };
  #filled = false;
  #inRow = false;
  #column = -1;
  #type = 'n';
  #style = 0;
  #value = '';
  #inValue = false;
  #phonetic = false;

  constructor(source: CellSource) {
    this.#source = source;
  }

  open = (name: string, a: Record<string, string>): void => {
    if (name === 'row') {
      this.#row = { number: rowNumber(a, this.#row.number), cells: [] };
      this.#inRow = true;
      this.#filled = false;
      this.#column = -1;
    } else if (name === 'c' && this.#inRow) {
      this.#column = columnOf(a['r'] ?? '') ?? this.#column + 1;
      this.#type = a['t'] ?? 'n';
      this.#style = Number(a['s'] ?? 0);
      this.#value = '';
    } else if (name === 'rPh') this.#phonetic = true;
    else this.#inValue = this.#inRow && !this.#phonetic && (name === 'v' || name === 't');
  };

  text = (text: string): void => {
    if (!this.#inValue) return;
    this.#value += text;
    if (this.#value.length > LONGEST_TEXT) throw new RangeError(`a text of more than ${LONGEST_TEXT} letters`);
  };

  close = (name: string): void => {
    this.#inValue = false;
    if (name === 'rPh') this.#phonetic = false;
    else if (name === 'c' && this.#inRow && this.#value !== '') {
      this.#row.cells[this.#column] = this.#cell();
      this.#filled = true;
    } else if (name === 'row') {
      if (this.#filled) this.rows.push(this.#row);
      this.#inRow = false;
    }
  };

  #cell(): Cell {
    const { strings, workbook } = this.#source;
    switch (this.#type) {
      case 's':
        return strings?.at(Number(this.#value)) ?? { error: `text ${this.#value}, which the workbook does not have` };
      case 'b':
        return this.#value === '1' ? 'true' : 'false';
      case 'e':
        return { error: this.#value };
      case 'n': {
        const kind = workbook.kinds[this.#style] ?? 'number';
        return kind === 'number' ? numberText(this.#value) : dateText(this.#value, kind, workbook.from1904);
      }
      case 'd':
        return this.#value;
      default:
        return unescaped(this.#value);
    }
  }
}
