/** The table in a sheet: its header, and its rows as records. */
import type { ReadInput } from '../../ports/format.ts';
import { columnNames, columnPosition } from '../csv/header.ts';
import type { RowWriter } from '../lib/row-writer.ts';
import type { XlsxConfig } from './config.ts';
import type { Package } from './package.ts';
import { withPackage } from './package.ts';
import { readSharedStrings } from './shared-strings.ts';
import { type Cell, type SheetRow, sheetRows } from './sheet.ts';
import { chooseSheet, readWorkbook } from './workbook.ts';

/** Rows behind the skipped ones that are not blank, the header and footer among them. */
export async function* tableRows(
  parts: Package,
  config: Pick<XlsxConfig, 'sheet' | 'skip_rows'>,
): AsyncGenerator<SheetRow> {
  const workbook = await readWorkbook(parts);
  const { part } = chooseSheet(workbook, config.sheet);
  const shared = workbook.sharedStrings;
  const strings = shared && parts.has(shared) ? await readSharedStrings(parts, shared) : undefined;
  for await (const row of sheetRows(parts, part, { workbook, strings })) if (row.number > config.skip_rows) yield row;
}

/** What a cell shows. */
export function shown(cell: Cell): string {
  return typeof cell === 'object' ? cell.error : (cell ?? '');
}

export function headerNames(row: SheetRow): string[] {
  return columnNames(Array.from(row.cells, shown));
}

/** Names of the columns; undefined when the sheet has none. */
export async function readHeader(path: string, config: XlsxConfig): Promise<string[] | undefined> {
  if (!config.header) return undefined;
  return await withPackage(path, async (parts) => {
    for await (const row of tableRows(parts, config)) return headerNames(row);
    return undefined;
  });
}

/** Writes the records of the table; stops soon after `limit` rows. */
export async function parseTable(input: ReadInput<XlsxConfig>, out: RowWriter, limit: number): Promise<void> {
  const { path, config, columns, signal } = input;
  await withPackage(path, async (parts) => {
    let positions: (number | undefined)[] | undefined = config.header ? undefined : columns.map((c) => c.position);
    const footer: SheetRow[] = [];
    for await (const row of tableRows(parts, config)) {
      signal?.throwIfAborted();
      if (!positions) {
        const names = headerNames(row);
        positions = columns.map((c) => columnPosition(names, c.source));
        continue;
      }
      footer.push(row);
      if (footer.length > config.footer_rows) writeRow(input, positions, footer.shift()!, out);
      if (out.rows.rows >= limit) return;
    }
  });
}

function writeRow(
  { columns, config }: ReadInput<XlsxConfig>,
  positions: (number | undefined)[],
  row: SheetRow,
  out: RowWriter,
): void {
  const cells = positions.map((p) => (p === undefined ? undefined : row.cells[p]));
  const errors = cells.flatMap((cell, i) => (typeof cell === 'object' ? [{ column: columns[i]!.source, cell }] : []));
  if (errors.length > 0 && config.errors === 'reject') {
    for (const { column, cell } of errors) {
      out.reject({
        line: row.number,
        rule: 'type',
        column,
        reason: `the cell shows the error ${cell.error}`,
        raw: rowText(row),
      });
    }
    return;
  }
  for (const cell of cells) {
    if (typeof cell === 'string') out.rows.text(cell);
    else out.rows.missing();
  }
  out.endRow(row.number);
}

/** A row as text: its cells with tabs between them. */
function rowText(row: SheetRow): string {
  return Array.from(row.cells, shown).join('\t');
}

/** Raw text of rows by their number, ascending. */
export async function rawRows(
  path: string,
  config: XlsxConfig,
  numbers: number[],
): Promise<{ line: number; raw: string | undefined }[]> {
  const wanted = new Map<number, string | undefined>(numbers.map((n) => [n, undefined]));
  const last = numbers.at(-1) ?? 0;
  await withPackage(path, async (parts) => {
    for await (const row of tableRows(parts, config)) {
      if (row.number > last) return;
      if (wanted.has(row.number)) wanted.set(row.number, rowText(row));
    }
  });
  return numbers.map((line) => ({ line, raw: wanted.get(line) }));
}
