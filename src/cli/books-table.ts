/** The books as a table: received = loaded + filtered + deduplicated + rejected, and whether they balance. */
import { formatCount } from '../lib/units.ts';
import { addBooks, type Books, difference, EMPTY_BOOKS } from '../model/books.ts';
import type { DatasetBooks } from '../runtime/books.ts';
import { shortName } from '../runtime/names.ts';
import type { Style } from './terminal/style.ts';
import type { Cell, Column } from './terminal/table.ts';
import type { Terminal } from './terminal/terminal.ts';

const NUMBERS = ['received', 'loaded', 'filtered', 'deduplicated', 'rejected'] as const;

export const BOOK_COLUMNS: readonly Column[] = [
  ...NUMBERS.map((title): Column => ({ title, align: 'right' })),
  { title: '' },
];

/** Cells for `BOOK_COLUMNS`. */
export function bookCells(books: Books, style: Style): Cell[] {
  const off = difference(books);
  return [
    ...NUMBERS.map((n): Cell => {
      const text = formatCount(books[n]);
      return n === 'rejected' && books[n] > 0 ? { text, paint: style.yellow } : text;
    }),
    off === 0 ? { text: 'balanced ✓', paint: style.green } : { text: `off by ${formatCount(off)}`, paint: style.red },
  ];
}

/** One line a dataset, and the sum of several. */
export function booksTable(datasets: readonly DatasetBooks[], terminal: Terminal): void {
  const { style } = terminal;
  const rows: Cell[][] = datasets.map((d) => [shortName(d.dataset), formatCount(d.objects), ...bookCells(d, style)]);
  if (datasets.length > 1) {
    const sum = datasets.reduce<Books>((a, b) => addBooks(a, b), EMPTY_BOOKS);
    const objects = datasets.reduce((n, d) => n + d.objects, 0);
    rows.push([{ text: 'total', paint: style.bold }, formatCount(objects), ...bookCells(sum, style)]);
  }
  terminal.table([{ title: 'dataset' }, { title: 'objects', align: 'right' }, ...BOOK_COLUMNS], rows);
}
