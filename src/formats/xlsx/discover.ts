/** Discovery of spreadsheets: which sheet, where its table begins, and the types of its columns. */
import type { DiscoverInput, Discovery } from '../../ports/format.ts';
import type { SampleRecord } from '../csv/discover-dialect.ts';
import { guessHeader } from '../csv/discover-header.ts';
import { columnNames } from '../csv/header.ts';
import { inferParsed } from '../lib/discovery.ts';
import { type XlsxConfig, xlsxSpec } from './config.ts';
import { withPackage } from './package.ts';
import { parseTable, shown, tableRows } from './read.ts';
import { chooseSheet, readWorkbook } from './workbook.ts';

const SAMPLE_ROWS = 200;

export async function discoverXlsx(input: DiscoverInput<XlsxConfig>): Promise<Discovery<XlsxConfig>> {
  const given = { ...xlsxSpec.parse({}, [], { issues: [] })!, ...input.config };
  const { rows, notes } = await firstRows(input.path, given);
  const width = Math.max(0, ...rows.map((r) => r.fields.length));
  const settings: Partial<XlsxConfig> = {};
  const title = input.config.skip_rows === undefined ? rowsAbove(rows) : 0;
  if (title > 0) settings.skip_rows = title;
  const table = rows.filter((r) => r.line > title);
  const { header, unsure } = guessHeader(
    table.map((r) => ({ ...r, fields: Array.from({ length: width }, (_, i) => r.fields[i] ?? '') })),
  );
  if (input.config.header === undefined && !header) {
    settings.header = false;
    if (unsure)
      notes.push(
        'Nothing shows whether the first row has the names of the columns: it was taken for data. If it has, set `header: true`.',
      );
  }
  const config = { ...given, ...settings };
  const names =
    config.header && table[0]
      ? columnNames(table[0].fields)
      : Array.from({ length: width }, (_, i) => `column_${i + 1}`);
  const inferred = await inferParsed({ input, config, names, parse: parseTable });
  if (inferred.rejected > 0)
    notes.push(
      `${inferred.rejected} rows show errors such as #N/A and would be rejected; \`errors: missing\` takes them.`,
    );
  return {
    config: settings,
    columns: inferred.columns.map(({ thousands: _, ...column }) => column),
    rowsSeen: inferred.rows,
    notes: [...notes, ...inferred.notes],
  };
}

async function firstRows(path: string, config: XlsxConfig): Promise<{ rows: SampleRecord[]; notes: string[] }> {
  return await withPackage(path, async (parts) => {
    const workbook = await readWorkbook(parts);
    const chosen = chooseSheet(workbook, config.sheet);
    const others = workbook.sheets.filter((s) => s !== chosen).map((s) => `"${s.name}"`);
    const notes =
      config.sheet === undefined && others.length > 0
        ? [`The sheet "${chosen.name}" was read; there are also ${others.join(', ')}.`]
        : [];
    const rows: SampleRecord[] = [];
    for await (const row of tableRows(parts, config)) {
      rows.push({ line: row.number, fields: Array.from(row.cells, shown) });
      if (rows.length === SAMPLE_ROWS) break;
    }
    return { rows, notes };
  });
}

/** The number of the row before the first one that has as many values as most: titles stand above it. */
function rowsAbove(rows: readonly SampleRecord[]): number {
  const filled = rows.map((r) => r.fields.filter((f) => f !== '').length);
  const usual = filled.toSorted((a, b) => a - b)[Math.floor(filled.length / 2)] ?? 0;
  const first = filled.findIndex((n) => n >= usual);
  return first > 0 ? rows[first]!.line - 1 : 0;
}
