/** Aligned tables. */
import { cut, type Style, visible, widthOf } from './style.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** May be cut when the screen is too narrow; others never are. */
  flexible?: boolean;
}

/** Text as it is, or painted after it was measured and cut. */
export type Cell = string | { text: string; paint: (text: string) => string };

export interface TableOptions {
  style: Style;
  /** Columns of the screen; Infinity when nobody looks. */
  width: number;
  indent?: number;
}

const GAP = '  ';
const NARROWEST = 8;

/** Lines of a table: a dim title row, then the rows. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions,
): string[] {
  const cells = rows.map((row) => columns.map((_, i) => plain(row[i] ?? '')));
  const natural = columns.map((c, i) => Math.max(widthOf(c.title), ...cells.map((row) => widthOf(row[i]!.text))));
  const indent = ' '.repeat(options.indent ?? 0);
  const widths = fit(columns, natural, options.width - indent.length - GAP.length * (columns.length - 1));
  const line = (row: readonly { text: string; paint: (text: string) => string }[]) =>
    (
      indent +
      row
        .map(({ text, paint }, i) => {
          const shown = cut(text, widths[i]!);
          const space = ' '.repeat(Math.max(0, widths[i]! - widthOf(shown)));
          return columns[i]!.align === 'right' ? space + paint(shown) : paint(shown) + space;
        })
        .join(GAP)
    ).trimEnd();
  const title = columns.map((c) => ({ text: c.title, paint: options.style.dim }));
  return [line(title), ...cells.map(line)];
}

function plain(cell: Cell): { text: string; paint: (text: string) => string } {
  if (typeof cell === 'string') return { text: visible(cell), paint: (text) => text };
  return { text: visible(cell.text), paint: cell.paint };
}

/** Takes what is too much from the widest flexible columns. */
function fit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const out = [...natural];
  for (let excess = out.reduce((a, b) => a + b, 0) - width; excess > 0; excess--) {
    let widest = -1;
    for (const [i, c] of columns.entries())
      if (c.flexible && out[i]! > NARROWEST && (widest < 0 || out[i]! > out[widest]!)) widest = i;
    if (widest < 0) break;
    out[widest]!--;
  }
  return out;
}
