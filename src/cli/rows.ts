/** Writers of query results, by format. All but the table stream: memory is bounded whatever the size of the result. */
import type { QueryResult } from '../ports/warehouse.ts';
import { visible } from './terminal/style.ts';
import type { Cell, Column } from './terminal/table.ts';

export type Write = (text: string) => Promise<void>;
export type RowFormat = 'csv' | 'json' | 'ndjson';

/** Writes a whole result; returns how many rows it had. */
export async function writeRows(format: RowFormat, result: QueryResult, write: Write): Promise<number> {
  const names = result.columns.map((c) => c.name);
  let rows = 0;
  if (format === 'csv') await write(`${names.map(csvField).join(',')}\n`);
  if (format === 'json') await write('[');
  for await (const batch of result.batches) {
    const separator = (i: number) => (format === 'json' ? (rows + i === 0 ? '\n' : ',\n') : '');
    await write(batch.map((row, i) => separator(i) + rowText(format, names, row)).join(''));
    rows += batch.length;
  }
  if (format === 'json') await write(rows > 0 ? '\n]\n' : ']\n');
  return rows;
}

function rowText(format: RowFormat, names: readonly string[], row: readonly unknown[]): string {
  if (format === 'csv') return `${row.map(csvField).join(',')}\n`;
  const object = Object.fromEntries(names.map((name, i) => [name, row[i]]));
  return format === 'ndjson' ? `${JSON.stringify(object)}\n` : JSON.stringify(object);
}

/** RFC 4180. Null is nothing, an empty text is `""`. */
export function csvField(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const NUMERIC = /^(integer|bigint|double|decimal|hugeint|ubigint|smallint|tinyint|float)/;

/** Columns and cells of a result for the screen; numbers stand right, nulls dim. */
export function tableOf(
  columns: QueryResult['columns'],
  rows: readonly (readonly unknown[])[],
  dim: (text: string) => string,
): { columns: Column[]; cells: Cell[][] } {
  return {
    columns: columns.map((c) =>
      NUMERIC.test(c.type) ? { title: visible(c.name), align: 'right' } : { title: visible(c.name), flexible: true },
    ),
    cells: rows.map((row) =>
      row.map((value) => {
        if (value === null || value === undefined) return { text: 'null', paint: dim };
        return typeof value === 'object' ? JSON.stringify(value) : String(value);
      }),
    ),
  };
}
